"""What `datasets/folder.py` and `datasets/manifest.py` promise."""

import os

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagsmith.datasets import folder, manifest
from tagsmith.errors import DataError, MissingError
from tests.fakes import audio as sounds
from tests.fakes import folder as fake


def listing(path, *, seed=0):
    return folder.listing(fake.config(path), path / "raw", seed=seed, workers=2)


def read(path, text):
    """Read a manifest of this text; `a.wav` and `b.wav` are there."""
    for name in ("a.wav", "b.wav"):
        sounds.write(path / "music" / name, sounds.noise(seconds=0.1))
    (path / "manifest.csv").write_text(text)
    return manifest.read(path / "manifest.csv", path / "music")


def test_a_folder_becomes_tracks_and_annotations(tmp_path):
    fake.write(tmp_path, fake.rows())
    found = listing(tmp_path)
    assert list(found.tracks["track_id"][:2]) == ["album0/track00", "album1/track01"]
    assert list(found.tracks["path"][:1]) == ["album0/track00.wav"]
    assert list(found.tracks["split"][:4]) == ["train", "train", "validation", "test"]
    assert len(found.annotations) == 24
    assert set(found.annotations["tag"]) == {"low", "high", "tone"}


def test_audio_is_copied_in_the_folders_it_came_in(tmp_path):
    fake.write(tmp_path, fake.rows())
    for path in listing(tmp_path).tracks["path"]:
        copied = (tmp_path / "raw" / path).read_bytes()
        assert copied == (tmp_path / "music" / path).read_bytes()


def test_what_is_there_is_not_copied_again(tmp_path):
    fake.write(tmp_path, fake.rows())
    path = tmp_path / "raw" / listing(tmp_path).tracks["path"][0]
    os.utime(path, (0, 0))  # as after a checkout
    before = path.stat().st_ino
    listing(tmp_path)
    assert path.stat().st_ino == before


def test_what_changed_is_copied_again(tmp_path):
    fake.write(tmp_path, fake.rows())
    path = listing(tmp_path).tracks["path"][0]
    sounds.write(tmp_path / "music" / path, sounds.noise())
    listing(tmp_path)
    source, copied = tmp_path / "music" / path, tmp_path / "raw" / path
    assert copied.read_bytes() == source.read_bytes()


def test_a_parquet_manifest_says_the_same(tmp_path):
    path = fake.write(tmp_path, fake.rows())
    pd.read_csv(path).to_parquet(tmp_path / "m.parquet")
    root = tmp_path / "music"
    from_csv, from_parquet = (
        [{**vars(entry), "declared_seconds": 0} for entry in manifest.read(file, root)]
        for file in (path, tmp_path / "m.parquet")
    )
    assert from_parquet == from_csv


def test_what_is_optional_is_kept(tmp_path):
    [entry] = read(
        tmp_path,
        "path,tags,artist,album,recording,licence,duration_seconds,mood\n"
        'a.wav, rock | slow |rock,"Trio, The",One,Live,CC-BY,12.5,blue\n',
    )
    assert entry.tags == ("rock", "slow")
    assert (entry.artist, entry.album) == ("Trio, The", "One")
    assert (entry.recording, entry.licence) == ("Live", "CC-BY")
    assert entry.declared_seconds == 12.5


@pytest.mark.parametrize(
    ("row", "group"),
    [
        ("a.wav,x,The  TRIO,One,Suite", "the trio"),
        ("a.wav,x,,One,Suite", "one"),
        ("a.wav,x,,,The  SUITE", "the suite"),
        ("a.wav,x,,,", "a"),
    ],
)
def test_a_group_is_artist_else_album_else_recording_else_file(tmp_path, row, group):
    [entry] = read(tmp_path, f"path,tags,artist,album,recording\n{row}\n")
    assert entry.group == group


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,genre\na.wav,x\n", "no column 'tags'; it needs path and tags"),
        ("path,tags\n", "lists no tracks"),
        ("", "lists no tracks"),
        ("path,tags\n,x\n", "row 2 has no path"),
        ("path,tags\na.wav,\n", "row 2 has no tags"),
        ("path,tags\na.wav, | \n", "row 2 has no tags"),
        ("path,tags\na.wav,x\n\nb.wav,\n", "row 4 has no tags"),
        ("path,tags\na.wav,x\n./a.wav,y\n", "row 3 lists the track of row 2 again"),
        ("path,tags\nc.wav,x\n", "row 2 names a file that is not below .*'c.wav'"),
        ("path,tags\n" + 999 * "c" + ",x\n", "row 2 names a file that is not below"),
        ("path,tags\n/etc/passwd,x\n", "row 2 leads outside .*'/etc/passwd'"),
        ("path,tags\nC:\\a.wav,x\n", "row 2 leads outside"),
        ("path,tags\n../manifest.csv,x\n", "row 2 leads outside .*'../manifest.csv'"),
        ("path,tags\nx/../../b.wav,x\n", "row 2 leads outside"),
        ("path,tags,split\na.wav,x,valid\n", "'valid'; did you mean 'validation'"),
        ("path,tags,split\na.wav,x,dev\n", "row 2 has an unknown split 'dev'"),
        ("path,tags\na.wav,x,y\n", "row 2 has more values than the first row"),
        ("path,tags,duration_seconds\na.wav,x,long\n", "is no number: 'long'"),
        ("path,tags,duration_seconds\na.wav,x,-3\n", "impossible duration_seconds: -3"),
        ("path,tags,duration_seconds\na.wav,x,inf\n", "impossible duration_seconds"),
        ('path,tags\na.wav,"x\ty"\n', r"control characters: 'x\\ty'"),
        ('path,tags\na.wav,"x\n', "is not a manifest"),
        ("path,tags\n,\x00\n,\n,\n,\n", "no path"),
    ],
)
def test_a_wrong_manifest_is_explained(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        read(tmp_path, text)


def test_many_mistakes_are_counted(tmp_path):
    with pytest.raises(DataError, match="row 4 has no tags; and 6 more mistakes"):
        read(tmp_path, "path,tags\n" + "a.wav,\n" * 9)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00path", b"PAR1 but not really"])
@pytest.mark.parametrize("name", ["m.csv", "m.parquet"])
def test_a_manifest_of_anything_else_is_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=name):
        manifest.read(tmp_path / name, tmp_path)


def test_a_missing_manifest_is_named(tmp_path):
    with pytest.raises(MissingError, match=r"m\.csv is not there"):
        manifest.read(tmp_path / "m.csv", tmp_path)


def test_a_link_that_leads_outside_is_refused(tmp_path):
    secret = sounds.write(tmp_path / "secret.wav", sounds.noise())
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "link.wav").symlink_to(secret)
    with pytest.raises(DataError, match=r"leads outside .*'link\.wav'"):
        read(tmp_path, "path,tags\nlink.wav,x\n")


def test_music_below_raw_is_refused_and_untouched(tmp_path):
    fake.write(tmp_path, fake.rows())
    with pytest.raises(DataError, match=r"dataset\.root is .* keep your music"):
        folder.listing(fake.config(tmp_path), tmp_path, seed=0, workers=1)
    assert len(list((tmp_path / "music").rglob("*.wav"))) == 12


@given(
    artists=st.lists(st.integers(0, 9), min_size=6, max_size=40),
    given_splits=st.lists(st.sampled_from(["", "", "train", "test"]), min_size=40),
)
def test_no_dealt_track_leaves_its_group(artists, given_splits):
    tracks = pd.DataFrame({"group": [f"artist{a}" for a in artists]})
    tracks["track_id"] = [f"t{n}" for n in range(len(tracks))]
    firsts = ~tracks["group"].duplicated()
    tracks["split"] = np.where(firsts, given_splits[: len(tracks)], "")
    tags = pd.DataFrame({"track_id": tracks["track_id"], "tag": "x"})
    dealt = folder._dealt(tracks, tags, fake.SHARES, seed=0)
    assert dealt.groupby(tracks["group"]).nunique().max() == 1
    assert (
        dealt[tracks["split"] != ""] == tracks["split"][tracks["split"] != ""]
    ).all()


def test_splits_depend_on_the_seed_only(tmp_path):
    fake.write(tmp_path, [{**row, "split": ""} for row in fake.rows(24)], seconds=0.1)
    first, again, other = (listing(tmp_path, seed=seed).tracks for seed in (1, 1, 2))
    assert first["split"].equals(again["split"])
    assert not first["split"].equals(other["split"])
    assert first["split"].value_counts().to_dict() == {
        "train": 12,
        "validation": 6,
        "test": 6,
    }
