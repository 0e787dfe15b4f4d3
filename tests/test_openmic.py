"""What `openmic.py` promises."""

import io
import os
import pickle
import zipfile

import numpy as np
import pytest

from tagsmith import openmic
from tagsmith.errors import DataError, MissingError
from tests.fakes import openmic as fake

SAID = {
    "000046_3840": {"piano": 0.9, "voice": 0.1},
    "000135_0": {"banjo": 0.5},
    "123456_99840": {},
}
FILE = "openmic-2018.npz"


def refused(folder, read=openmic.read):
    with pytest.raises(DataError, match="is not OpenMIC-2018 as published: ") as caught:
        read(folder)
    return str(caught.value)


def keys_refused(folder):
    """What both readers say of the names of the clips."""
    said = refused(folder, openmic.track_ids)
    assert refused(folder) == said
    return said


def only_keys(folder, keys):
    """Write nothing but the names of the clips."""
    np.savez(folder / FILE, sample_key=keys, X=np.zeros(3))
    return folder


def rewritten(folder, keys):
    """Put other bytes in the place of `sample_key`."""
    fake.write(folder, SAID)
    with np.load(folder / FILE) as arrays:
        others = {name: arrays[name] for name in ("Y_true", "Y_mask")}
    np.savez(folder / FILE, **others)
    with zipfile.ZipFile(folder / FILE, "a") as archive:
        archive.writestr("sample_key.npy", keys)
    return folder


def array_file(content, *, protocol=2):
    """Return a .npy file of objects, which are whatever is pickled."""
    file = io.BytesIO()
    header = {"descr": "|O", "fortran_order": False, "shape": (len(SAID),)}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + pickle.dumps(content, protocol)


def test_answers_are_read_by_track_and_instrument(tmp_path):
    clips = openmic.read(fake.write(tmp_path, SAID))
    assert clips.tracks.tolist() == [46, 135, 123456]
    piano, voice = map(fake.INSTRUMENTS.index, ("piano", "voice"))
    assert clips.relevance[0, [piano, voice]].tolist() == [0.9, 0.1]
    assert clips.asked.sum(axis=1).tolist() == [2, 1, 0]


@pytest.mark.parametrize("dtype", ["str", "object"])
def test_the_tracks_are_read_from_the_file_of_the_clips_alone(tmp_path, dtype):
    folder = only_keys(tmp_path, np.array(list(SAID), dtype))
    assert openmic.track_ids(folder) == ["000046", "000135", "123456"]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_names_are_read_whatever_wrote_them(tmp_path, protocol):
    objects = array_file(np.array(list(SAID), object), protocol=protocol)
    assert openmic.read(rewritten(tmp_path, objects)).tracks[0] == 46
    assert openmic.track_ids(tmp_path)[0] == "000046"


def test_names_are_read_from_the_second_version_of_numpys_format(tmp_path):
    file = io.BytesIO()
    np.lib.format.write_array(file, np.array(list(SAID)), version=(2, 0))
    assert openmic.track_ids(rewritten(tmp_path, file.getvalue()))[0] == "000046"


def test_names_that_are_plain_text_are_read_too(tmp_path):
    clips = openmic.read(fake.write(tmp_path, SAID, sample_key=np.array(list(SAID))))
    assert clips.tracks.tolist() == [46, 135, 123456]


class Mischief:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_a_file_cannot_make_the_reader_run_anything(tmp_path):
    target = tmp_path / "made"
    mischief = Mischief(str(target))
    for content in (mischief, np.array([mischief] * 3, object)):
        keys_refused(rewritten(tmp_path / "openmic", array_file(content)))
    assert not target.exists()


DAMAGED = {
    "empty": b"",
    "no array": b"no array",
    "cut short": array_file(["a"])[:-3],
    "header": array_file(["a"]).replace(b"}", b"(", 1),
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_names_that_are_damaged_are_refused(tmp_path, content):
    keys_refused(rewritten(tmp_path, content))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no archive" * 99])
def test_a_file_that_is_no_archive_is_refused(tmp_path, content):
    (fake.write(tmp_path, SAID) / FILE).write_bytes(content)
    keys_refused(tmp_path)


@pytest.mark.parametrize("content", [["a"], "text", None, {"a": 1}])
def test_names_that_are_no_array_are_refused(tmp_path, content):
    keys_refused(rewritten(tmp_path, array_file(content)))


@pytest.mark.parametrize(
    ("keys", "shown"),
    [
        (["46", "000001_1", "000002_2"], "['46']"),
        (["46_1", "0000046_1", "a_1"], "['46_1', '0000046_1', 'a_1']"),
        ([1, None, "000046_"], "[1, None, '000046_']"),
        ([], "empty"),
    ],
)
def test_names_of_another_form_are_refused_and_shown(tmp_path, keys, shown):
    folder = fake.write(tmp_path, SAID, sample_key=np.array(keys, object))
    assert f"name clips as 000046_3840, and its sample_key is {shown}" in keys_refused(
        folder
    )


@pytest.mark.parametrize("name", ["openmic-2018.npz", "class-map.json"])
def test_a_file_that_is_missing_is_named_with_where_to_get_it(tmp_path, name):
    (fake.write(tmp_path, SAID) / name).unlink()
    with pytest.raises(
        MissingError, match=rf"{name} is not there; download .*zenodo\.org"
    ):
        openmic.read(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"Y_true": np.full((2, 20), 0.5)},
        {"Y_true": np.full((3, 19), 0.5)},
        {"Y_mask": np.ones((3, 20))},
        {"Y_mask": np.ones((3, 20), bool), "Y_true": np.full((3, 20), 1.5)},
        {"Y_mask": np.ones((3, 20), bool), "Y_true": np.full((3, 20), np.nan)},
        {"Y_mask": np.array([None] * 3, object)},
        {"sample_key": np.array(["000046_3840"])},
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path, change):
    refused(fake.write(tmp_path, SAID, **change))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"piano": 1}', '{"piano": "x"}'])
def test_a_class_map_that_does_not_fit_is_refused(tmp_path, text):
    (fake.write(tmp_path, SAID) / "class-map.json").write_text(text)
    refused(tmp_path)


def test_two_instruments_in_a_column_are_refused(tmp_path):
    path = fake.write(tmp_path, SAID) / "class-map.json"
    path.write_text(path.read_text().replace('"banjo": 1', '"banjo": 0'))
    assert "a column each" in refused(tmp_path)


def test_a_file_that_is_cut_short_is_refused(tmp_path):
    path = fake.write(tmp_path, SAID) / FILE
    path.write_bytes(path.read_bytes()[:-200])
    refused(tmp_path)
