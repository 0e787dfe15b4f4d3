"""What `datasets/magnatagatune` promises of parts, unpacking and fetching."""

import io
import logging
import shutil
import zipfile
from types import SimpleNamespace

import pytest

from tagsmith.config import MagnaTagATuneDataset
from tagsmith.datasets import download, magnatagatune
from tagsmith.datasets.magnatagatune import archive, fetch
from tagsmith.datasets.magnatagatune.joined import Joined
from tagsmith.errors import DataError, MissingError
from tests.fakes import magnatagatune as fake
from tests.fakes.server import serving

ROWS = fake.rows(seconds=1)
PATHS = [row["path"] for row in ROWS]


@pytest.fixture(scope="session")
def packed(tmp_path_factory):
    """Annotations and three parts; no audio."""
    folder = tmp_path_factory.mktemp("packed")
    fake.write(folder, ROWS)
    fake.pack(folder)
    return folder


@pytest.fixture
def tiny(packed, tmp_path):
    """The same, for a test to spoil."""
    return shutil.copytree(packed, tmp_path / "mtat")


@pytest.fixture
def server(packed, monkeypatch):
    """A server of annotations and parts."""
    monkeypatch.setattr(download, "BACKOFF_SECONDS", 0.0)
    monkeypatch.setattr(download, "CHUNK_BYTES", 1000)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving(packed) as server:
        monkeypatch.setattr(fetch, "SERVER", server.address)
        yield server


def listing(folder, **changes):
    config = MagnaTagATuneDataset(**fake.section(folder, **changes))
    return magnatagatune.listing(config, folder.parent / "raw", seed=0, workers=1)


def whole(folder):
    return b"".join((folder / name).read_bytes() for name in fake.PARTS)


def audio(folder):
    """Name what lies in the folders of clips."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.glob("?/*"))


def spoil(path, place, content=b"spoilt"):
    """Put other bytes into a file; negative places count from its end."""
    data = bytearray(path.read_bytes())
    place %= len(data)
    data[place : place + len(content)] = content
    path.write_bytes(data)


def add(folder, *members):
    """Make the archive anew, with further members of three bytes each."""
    content = io.BytesIO(whole(folder))
    with zipfile.ZipFile(content, "a") as zipped:
        for member in members:
            zipped.writestr(member, b"abc")
    fake.cut(folder, content.getvalue())


# --- parts that are read as one


@pytest.mark.parametrize("sizes", [(3, 4, 5), (0, 7, 0), (1, 0, 1)])
def test_joined_files_read_as_one(tmp_path, sizes):
    content, paths = bytes(range(sum(sizes))), []
    for number, size in enumerate(sizes):
        begin = sum(sizes[:number])
        paths.append(tmp_path / str(number))
        paths[-1].write_bytes(content[begin : begin + size])
    for place in range(len(content) + 1):
        with io.BufferedReader(Joined(paths), 2) as file:
            assert file.seek(place) == place == file.tell()
            assert file.read() == content[place:]


def test_joined_files_are_sought_as_any_file(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    with Joined([tmp_path / "a", tmp_path / "a"]) as file:
        assert file.seek(-2, io.SEEK_END) == 4
        assert file.seek(-1, io.SEEK_CUR) == 3 and file.read(1) == b"a"
        assert file.seek(9) == 9 and file.read(1) == b""
        with pytest.raises(OSError, match="cannot seek to -1"):
            file.seek(-1)


def test_bytes_are_named_by_the_files_that_hold_them(tmp_path):
    for name in "ab":
        (tmp_path / name).write_bytes(b"abc")
    with Joined([tmp_path / "a", tmp_path / "b"]) as file:
        assert file.names(0, 3) == ["a"] and file.names(3, 4) == ["b"]
        assert file.names(2, 4) == ["a", "b"]


# --- parts become audio


def test_three_parts_become_the_clips(tiny):
    listing(tiny, audio_checksum=fake.md5(whole(tiny)))
    assert audio(tiny) == sorted(PATHS)
    assert sorted(path.name for path in tiny.glob("*.*")) == [
        "annotations_final.csv",
        *fake.PARTS,
    ]


def test_unpacked_clips_are_bit_by_bit_those_of_the_archive(tiny):
    listing(tiny)
    with zipfile.ZipFile(io.BytesIO(whole(tiny))) as zipped:
        for path in PATHS:
            assert (tiny / path).read_bytes() == zipped.read(path)


def test_where_every_clip_is_parts_are_not_looked_at(tiny, monkeypatch):
    listing(tiny)
    monkeypatch.setattr(archive, "unpack", lambda *_, **__: pytest.fail("looked"))
    listing(tiny, audio_checksum=fake.md5(b"another"))
    for name in fake.PARTS:
        (tiny / name).unlink()
    assert len(listing(tiny, fetch=True).tracks) == 34


def test_unpacking_goes_on_where_it_stopped(tiny, caplog):
    listing(tiny)
    before = (tiny / PATHS[2]).stat().st_mtime_ns
    (tiny / PATHS[0]).unlink()
    (tiny / PATHS[1]).write_bytes(b"cut")
    caplog.set_level(logging.INFO)
    listing(tiny)
    assert "unpacking 2 files" in caplog.text and "32 are there" in caplog.text
    assert (tiny / PATHS[2]).stat().st_mtime_ns == before


def test_what_is_not_annotated_is_not_unpacked(tiny, caplog):
    caplog.set_level(logging.INFO)
    add(tiny, "0/notes.txt", "0/a-b-1-c-0-1.mp3")
    listing(tiny)
    assert audio(tiny) == sorted(PATHS)
    assert "2 are not in the annotations" in caplog.text


def test_clips_without_a_tag_are_unpacked_though_they_are_dropped(tiny):
    assert len(listing(tiny, untagged="drop").tracks) == 30
    assert audio(tiny) == sorted(PATHS)


# --- archives that are not what they should be


@pytest.mark.parametrize("name", fake.PARTS)
def test_a_part_that_is_missing_is_named(tiny, name):
    (tiny / name).unlink()
    said = (
        rf"34 of 34 audio files are not below .*: 0/the_first.* and 31 more; put .*"
        rf"\({name} missing\), or set dataset\.fetch to true"
    )
    with pytest.raises(MissingError, match=said):
        listing(tiny)


@pytest.mark.parametrize("name", fake.PARTS)
@pytest.mark.parametrize("pinned", [True, False], ids=["pinned", "vouched for"])
def test_the_part_with_wrong_bytes_is_named(tiny, name, pinned):
    checksum = fake.md5(whole(tiny)) if pinned else ""
    place = 1000 if name == fake.PARTS[2] else -9000
    spoil(tiny / name, place)
    said = rf"not the published archive .*: ({name}|{name} or .*) is wrong; delete it"
    with pytest.raises(DataError, match=said):
        listing(tiny, audio_checksum=checksum)


@pytest.mark.parametrize("name", fake.PARTS)
@pytest.mark.parametrize("change", [-5000, -40, 40, 5000])
def test_the_part_of_a_wrong_length_is_named(tiny, name, change):
    checksum = fake.md5(whole(tiny))
    content = (tiny / name).read_bytes()
    (tiny / name).write_bytes(
        content[:change] if change < 0 else content + b"?" * change
    )
    with pytest.raises(DataError, match=rf"published archive .*: {name} is wrong"):
        listing(tiny, audio_checksum=checksum)


def test_a_part_that_is_empty_is_named(tiny):
    checksum = fake.md5(whole(tiny))
    (tiny / fake.PARTS[1]).write_bytes(b"")
    with pytest.raises(DataError, match=r": mp3\.zip\.002 is wrong"):
        listing(tiny, audio_checksum=checksum)


def test_parts_that_are_no_archive_are_refused(tiny):
    for name in fake.PARTS:
        (tiny / name).write_bytes(b"<html>")
    with pytest.raises(DataError, match=r"\(File is not a zip file\): mp3\.zip\.003"):
        listing(tiny)


def test_an_archive_of_another_make_is_not_blamed_on_a_part(tiny):
    with pytest.raises(DataError, match=r"every file in it is what it says of itself"):
        listing(tiny, audio_checksum=fake.md5(b"another"))
    assert audio(tiny) == []


def test_the_fetched_part_alone_puts_it_right(tiny, server):
    checksum = fake.md5(whole(tiny))
    spoil(tiny / fake.PARTS[1], -9000)
    with pytest.raises(DataError, match=r": mp3\.zip\.002"):
        listing(tiny, audio_checksum=checksum, fetch=True)
    (tiny / fake.PARTS[1]).unlink()
    listing(tiny, audio_checksum=checksum, fetch=True)
    assert [method for method, _ in server.got] == ["HEAD", "GET"]


def link(name="0/link.mp3", mode=0o120777):
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


@pytest.mark.parametrize(
    ("member", "message"),
    [
        ("../escaped.mp3", "leads outside its folder"),
        ("0/../../escaped.mp3", "leads outside"),
        ("/escaped.mp3", "leads outside"),
        ("C:/escaped.mp3", "leads outside"),
        ("..\\escaped.mp3", "leads outside"),
        ("\\\\host\\share\\escaped.mp3", "leads outside"),
        (link(), "is a link or a device"),
        (link(mode=0o010644), "is a link or a device"),
        ("./" + PATHS[0], "is there twice"),
    ],
    ids=str,
)
def test_an_archive_that_could_surprise_is_not_unpacked(tiny, member, message):
    add(tiny, member)
    with pytest.raises(DataError, match=rf"the archive holds .*, which {message}"):
        listing(tiny)
    assert audio(tiny) == []
    assert not list(tiny.parent.rglob("escaped.mp3"))


def test_an_encrypted_archive_is_not_unpacked(tiny):
    content = bytearray(whole(tiny))
    directory = content.index(b"PK\x01\x02")
    content[directory + 8] |= 1  # a flag of the first member
    fake.cut(tiny, bytes(content))
    with pytest.raises(DataError, match="is encrypted; nothing is unpacked"):
        listing(tiny)


def test_clips_that_no_part_holds_are_named(tiny):
    row = {"clip_id": 999, "path": "0/a-b-1-c-0-1.mp3", "tags": ["drum"]}
    fake.write_annotations(tiny, [*ROWS, row])
    with pytest.raises(
        MissingError,
        match=r"1 of 35 audio files .*: 0/a-b-1-c-0-1\.mp3; they are not in",
    ):
        listing(tiny)


def test_too_little_room_is_said_before_unpacking(tiny, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(MissingError, match=r"0\.0 GB are needed to unpack"):
        listing(tiny)
    assert audio(tiny) == []


# --- what is fetched


def test_everything_is_fetched_into_an_empty_folder(tmp_path, server, packed):
    new = tmp_path / "new"
    checksums = {
        "annotations_checksum": fake.md5(
            (packed / "annotations_final.csv").read_bytes()
        ),
        "audio_checksum": fake.md5(whole(packed)),
    }
    assert len(listing(new, fetch=True, **checksums).tracks) == 34
    assert not list(new.glob(".*"))
    server.got.clear()
    listing(new, fetch=True, **checksums)
    assert server.got == []


@pytest.mark.usefixtures("server")
def test_total_and_free_space_are_said_before_it_starts(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    listing(tmp_path / "new", fetch=True)
    said = [record.getMessage() for record in caplog.records]
    starts = [place for place, text in enumerate(said) if "still to come" in text]
    assert len(starts) == 2
    assert "1 files of http" in said[starts[0]] and "GB are free" in said[starts[0]]
    assert "3 files of http" in said[starts[1]]
    assert said[starts[1] + 1] == "magnatagatune: mp3.zip.001 is there, 1 of 3"


def test_a_part_that_is_there_is_not_fetched(tiny, server):
    (tiny / fake.PARTS[0]).unlink()
    listing(tiny, fetch=True)
    assert server.got == [("HEAD", 0), ("GET", 0)]


def test_a_broken_download_goes_on_where_it_stopped(tiny, server):
    (tiny / fake.PARTS[0]).unlink()
    server.cuts = [2000, 1500]
    server.states = [503]
    listing(tiny, fetch=True)
    assert [begin for method, begin in server.got if method == "GET"] == [0, 2000, 3500]


def test_a_killed_download_goes_on_in_the_next_run(tiny, server, monkeypatch):
    monkeypatch.setattr(download, "ATTEMPTS", 1)
    (tiny / fake.PARTS[0]).unlink()
    server.cuts = [2000, 0]
    with pytest.raises(MissingError, match="cannot be fetched"):
        listing(tiny, fetch=True)
    assert not (tiny / fake.PARTS[0]).exists()
    server.got.clear()
    listing(tiny, fetch=True)
    assert server.got == [("HEAD", 0), ("GET", 2000)]


def test_no_network_is_answered_with_the_way_out(tiny, monkeypatch):
    monkeypatch.setattr(download, "BACKOFF_SECONDS", 0.0)
    monkeypatch.setattr(fetch, "SERVER", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    (tiny / fake.PARTS[0]).unlink()
    with pytest.raises(MissingError, match=r"mp3\.zip\.001 cannot be fetched .*false"):
        listing(tiny, fetch=True)


def test_too_little_room_is_said_before_anything_is_fetched(
    tmp_path, server, packed, monkeypatch
):
    new = tmp_path / "new"
    new.mkdir()
    shutil.copy(packed / "annotations_final.csv", new)
    usage = SimpleNamespace(free=len(whole(packed)) * 3 // 2)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(MissingError, match=r"are needed to fetch and unpack"):
        listing(new, fetch=True)
    assert all(method == "HEAD" for method, _ in server.got)


@pytest.mark.usefixtures("server")
def test_a_fetched_table_that_is_another_is_said_to_be(tmp_path):
    with pytest.raises(DataError, match=r"not the published table: .*delete it and"):
        listing(tmp_path / "new", fetch=True, annotations_checksum=fake.md5(b"x"))
