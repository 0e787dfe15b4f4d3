"""What `datasets/jamendo` promises of fetching, against a server on this machine."""

import io
import logging
import shutil
import tarfile
from types import SimpleNamespace

import pytest

from tagsmith.config import JamendoDataset
from tagsmith.datasets import download, jamendo
from tagsmith.datasets.jamendo import fetch, manifests
from tagsmith.errors import DataError, MissingError
from tests.fakes import jamendo as fake
from tests.fakes.server import serving

ROWS = fake.rows(train=1, validation=1, test=1, seconds=0.2)
FIRST = "autotagging_moodtheme_audio-00.tar"


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A server of the tars of three tracks; the folder of audio is empty."""
    fake.write(tmp_path, ROWS)
    with serving(fake.pack(tmp_path)) as server:
        monkeypatch.setattr(fetch, "SERVER", server.address)
        monkeypatch.setattr(download, "BACKOFF_SECONDS", 0.0)
        monkeypatch.setattr(download, "CHUNK_BYTES", 1000)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        yield server


def listing(folder, **changes):
    config = JamendoDataset(**fake.section(folder, **{"fetch": "audio", **changes}))
    return jamendo.listing(config, folder / "raw", workers=1)


def left(folder):
    """Name what lies below the folder of audio."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file()
    )


def downloads(server):
    return [begin for method, begin in server.got if method == "GET"]


def pack(folder, name, *members):
    """Make the first tar anew, of `TarInfo`s with three bytes each, and list it."""
    path = folder / "served" / "autotagging_moodtheme" / "audio" / name
    with tarfile.open(path, "w") as archive:
        for member in members:
            member.size = 3 if member.isreg() else 0
            archive.addfile(member, io.BytesIO(b"abc"))
    fake.list_tars(folder)


def test_every_track_is_fetched_and_no_tar_is_left(tmp_path, server):
    tracks = listing(tmp_path).tracks
    assert left(tmp_path / "audio") == sorted(row["path"] for row in ROWS)
    assert sorted(tracks["path"]) == left(tmp_path / "audio")
    assert downloads(server) == [0, 0, 0]


def test_total_and_free_space_are_said_before_it_starts(tmp_path, server, caplog):
    caplog.set_level(logging.INFO)
    server.states = [404]  # nothing is fetched
    with pytest.raises(MissingError):
        listing(tmp_path)
    server.states = []
    listing(tmp_path)
    said = [record.getMessage() for record in caplog.records]
    assert "3 tars of http" in said[0] and "GB are free at" in said[0]
    assert said[1] == f"jamendo: {FIRST} is there, 1 of 3"


def test_what_is_there_is_not_fetched_again(tmp_path, server):
    listing(tmp_path)
    (tmp_path / "audio" / ROWS[1]["path"]).unlink()
    server.got.clear()
    listing(tmp_path)
    assert server.got == [("HEAD", 0), ("GET", 0)]
    listing(tmp_path)
    assert len(server.got) == 2


def test_audio_of_low_quality_has_its_own_names(tmp_path, monkeypatch):
    fake.write(tmp_path, ROWS)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving(fake.pack(tmp_path, kind="audio-low")) as server:
        monkeypatch.setattr(fetch, "SERVER", server.address)
        paths = listing(tmp_path, fetch="audio-low").tracks["path"]
    assert list(paths) == ["00/1000.low.mp3", "07/1007.low.mp3", "14/1014.low.mp3"]


def test_other_subsets_come_from_the_set_of_everything(tmp_path, monkeypatch):
    fake.write(tmp_path, ROWS, subset="top50tags")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving(fake.pack(tmp_path, name="raw_30s")) as server:
        monkeypatch.setattr(fetch, "SERVER", server.address)
        assert len(listing(tmp_path, subset="top50tags").tracks) == 3


# --- a server that fails


def test_a_broken_download_goes_on_where_it_stopped(tmp_path, server):
    server.cuts = [2000, 1500]
    listing(tmp_path)
    assert downloads(server)[:3] == [0, 2000, 3500]


def test_a_killed_download_goes_on_in_the_next_run(tmp_path, server, monkeypatch):
    monkeypatch.setattr(download, "ATTEMPTS", 1)
    server.cuts = [2000, 0]
    with pytest.raises(MissingError, match="cannot be fetched"):
        listing(tmp_path)
    assert left(tmp_path / "audio") == [f".{FIRST}.part"]
    server.got.clear()
    listing(tmp_path)
    assert downloads(server)[0] == 2000


def test_a_tar_that_is_whole_is_not_fetched_again(tmp_path, server):
    tar = next((tmp_path / "served").rglob(FIRST))
    (tmp_path / "audio").mkdir()
    shutil.copy(tar, tmp_path / "audio" / f".{FIRST}.part")
    listing(tmp_path)
    assert downloads(server) == [0, 0]


@pytest.mark.usefixtures("server")
def test_a_part_that_is_too_long_is_begun_again(tmp_path):
    tar = next((tmp_path / "served").rglob(FIRST))
    (tmp_path / "audio").mkdir()
    part = tmp_path / "audio" / f".{FIRST}.part"
    part.write_bytes(tar.read_bytes() + b"more")
    assert len(listing(tmp_path).tracks) == 3


def test_a_server_without_ranges_begins_again(tmp_path, server):
    server.ranges = False
    server.cuts = [2000]
    assert len(listing(tmp_path).tracks) == 3
    assert downloads(server)[:2] == [0, 2000]


def test_a_server_that_does_not_say_sizes_is_put_up_with(tmp_path, server, caplog):
    caplog.set_level(logging.INFO)
    server.sizes = False
    assert len(listing(tmp_path).tracks) == 3
    assert "and 3 of unknown size" in caplog.text


def test_a_server_that_is_busy_is_asked_again(tmp_path, server):
    server.states = [503, 429, 500]
    assert len(listing(tmp_path).tracks) == 3


@pytest.mark.usefixtures("server")
def test_a_tar_that_the_server_does_not_have_is_named(tmp_path):
    next((tmp_path / "served").rglob(FIRST)).unlink()
    with pytest.raises(
        MissingError, match=rf"{FIRST} cannot be fetched \(HTTP Error 404"
    ):
        listing(tmp_path)


@pytest.mark.usefixtures("server")
def test_no_network_is_answered_with_the_way_out(tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "SERVER", "http://127.0.0.1:9")
    with pytest.raises(
        MissingError, match=r"127\.0\.0\.1:9/.* cannot be fetched .*none"
    ):
        listing(tmp_path)


def test_too_little_room_is_said_before_anything_is_fetched(
    tmp_path, server, monkeypatch
):
    usage = SimpleNamespace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(MissingError, match=r"has 0\.0 GB free, but .* audio-low"):
        listing(tmp_path)
    assert downloads(server) == []


# --- tars that are not what they should be


@pytest.mark.usefixtures("server")
def test_a_tar_with_another_checksum_is_deleted(tmp_path):
    tar = next((tmp_path / "served").rglob(FIRST))
    tar.write_bytes(tar.read_bytes()[:-1] + b"x")
    with pytest.raises(DataError, match=r"not the published file: .*it is deleted"):
        listing(tmp_path)
    assert left(tmp_path / "audio") == []


@pytest.mark.usefixtures("server")
def test_a_track_with_another_checksum_is_not_written(tmp_path):
    pack(tmp_path, FIRST, tarfile.TarInfo("00/1000.mp3"))
    with pytest.raises(DataError, match=r"00/1000\.mp3 is not the published track"):
        listing(tmp_path)
    assert left(tmp_path / "audio") == [f".{FIRST}.part"]


def linked(kind):
    member = tarfile.TarInfo("00/1000.mp3")
    member.type, member.linkname = kind, "/etc/passwd"
    return member


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    "member",
    [
        tarfile.TarInfo("../escaped.mp3"),
        tarfile.TarInfo("/escaped.mp3"),
        tarfile.TarInfo("00/../../escaped.mp3"),
        tarfile.TarInfo("00/unknown.mp3"),
        linked(tarfile.SYMTYPE),
        linked(tarfile.LNKTYPE),
        linked(tarfile.FIFOTYPE),
    ],
    ids=lambda member: f"{member.name} {member.type!r}",
)
def test_a_tar_with_anything_but_tracks_is_not_unpacked(tmp_path, member):
    pack(tmp_path, FIRST, tarfile.TarInfo("00/1000.mp3"), member)
    with pytest.raises(DataError, match="which is no track of the publisher's list"):
        listing(tmp_path)
    assert left(tmp_path / "audio") == [f".{FIRST}.part"]
    assert not list(tmp_path.rglob("escaped.mp3"))


@pytest.mark.usefixtures("server")
def test_what_is_no_tar_is_said_to_be_none(tmp_path):
    next((tmp_path / "served").rglob(FIRST)).write_text("no tar")
    fake.list_tars(tmp_path)
    with pytest.raises(DataError, match=rf"{FIRST} is no tar"):
        listing(tmp_path)


# --- checksums that are not what they should be


@pytest.mark.usefixtures("server")
def test_a_checkout_without_checksums_is_named(tmp_path):
    metadata = tmp_path / "mtg-jamendo-dataset"
    manifests.path(metadata, "moodtheme", "audio", "tars").unlink()
    with pytest.raises(MissingError, match=r"_audio_sha256_tars\.txt is not there"):
        listing(tmp_path)


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    "line", ["abc 00/1000.mp3", "0" * 64, f"{'0' * 64} ../x.mp3", f"{'0' * 64} /x.mp3"]
)
def test_a_wrong_line_of_checksums_is_named(tmp_path, line):
    path = manifests.path(
        tmp_path / "mtg-jamendo-dataset", "moodtheme", "audio", "tracks"
    )
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(DataError, match=r"tracks\.txt, line 4 is not a SHA-256"):
        listing(tmp_path)


@pytest.mark.usefixtures("server")
def test_a_folder_without_a_tar_is_named(tmp_path):
    next((tmp_path / "served").rglob(FIRST)).unlink()
    fake.list_tars(tmp_path)
    with pytest.raises(DataError, match="names no tar for the folders 00 "):
        listing(tmp_path)
