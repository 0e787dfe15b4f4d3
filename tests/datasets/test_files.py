"""What `datasets/files.py` promises of linking; `test_folder.py` tells of copying."""

import stat
from pathlib import Path

import pytest

from tagsmith.datasets import files


@pytest.fixture
def music(tmp_path):
    path = tmp_path / "music" / "a" / "one.wav"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"one")
    return path


def link(tmp_path):
    return files.link_all(
        ["a/one.wav"], tmp_path / "music", tmp_path / "raw", workers=1
    )


def test_a_link_is_made_once(music, tmp_path):
    assert [link(tmp_path), link(tmp_path)] == [1, 0]
    assert (tmp_path / "raw" / "a" / "one.wav").samefile(music)


def test_a_link_leaves_the_file_as_it_was(music, tmp_path):
    music.chmod(0o444)
    link(tmp_path)
    assert stat.S_IMODE(music.stat().st_mode) == 0o444


def test_a_new_file_takes_the_place_of_a_link(music, tmp_path):
    link(tmp_path)
    music.unlink()
    music.write_bytes(b"another")
    assert link(tmp_path) == 1
    assert (tmp_path / "raw" / "a" / "one.wav").read_bytes() == b"another"


def test_a_symbolic_link_is_followed(music, tmp_path):
    other = music.rename(tmp_path / "music" / "two.wav")
    music.symlink_to(other)
    link(tmp_path)
    target = tmp_path / "raw" / "a" / "one.wav"
    assert target.samefile(other) and not target.is_symlink()


def test_where_links_are_refused_files_are_copied(music, tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError("Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    assert link(tmp_path) == 1
    target = tmp_path / "raw" / "a" / "one.wav"
    assert target.read_bytes() == b"one" and not target.samefile(music)
    assert list(target.parent.iterdir()) == [target]
