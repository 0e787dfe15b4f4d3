"""Mel bands are heard of audio and of documents, in a store and at use alike."""

import json
from pathlib import Path

import numpy as np
import pytest

from tagsmith.config import Melbands
from tagsmith.errors import DataError, MissingError
from tagsmith.features import melbands
from tagsmith.features.melband_statistics import from_audio
from tagsmith.models import analysis
from tests.conftest import ROOT
from tests.fakes import audio as sounds

GOLDEN = ROOT / "tests" / "golden"
(DOCUMENT,) = GOLDEN.glob("0dad432b-*.json")


def feature(**changes):
    published = {
        "kind": "melbands",
        "audio": "raw",
        "sample_rate_hz": 44100,
        "scale": "maximum",
        "precision": "float16",
        "shard_tracks": 64,
    }
    return Melbands.model_validate({**published, **changes})


def heard(path, **changes):
    return analysis.analyser(feature(**changes), Path())(path)


def test_a_document_is_heard_as_published():
    np.testing.assert_array_equal(
        heard(DOCUMENT), np.load(GOLDEN / "melbands_0dad432b.npy")
    )


def test_a_document_is_told_by_its_content_and_not_by_its_name(tmp_path):
    path = tmp_path / "recording"  # as base64 sent to a served model is kept
    path.write_bytes(DOCUMENT.read_bytes())
    np.testing.assert_array_equal(heard(path), heard(DOCUMENT))


@pytest.mark.parametrize("scale", ["maximum", "decibels"])
@pytest.mark.parametrize("precision", ["float16", "float32"])
def test_audio_is_heard_as_its_statistics_on_the_same_scale(tmp_path, scale, precision):
    sound = sounds.sine(1000, rate_hz=44100)
    path = tmp_path / "tone.wav"
    sounds.write(path, sound, rate_hz=44100)
    found = heard(path, scale=scale, precision=precision)
    assert found.shape == (40, 9) and found.dtype == precision
    wanted = melbands.scaled(
        from_audio(sound[:, 0].astype(np.float32), 44100), scale=scale
    )
    np.testing.assert_allclose(found[:, 1], wanted[:, 1], atol=0.01)  # means


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"x\.json is not JSON"),
        ("{}", r"x\.json lacks lowlevel"),
        (json.dumps({"lowlevel": {"melbands": {}}}), r"x\.json lacks .*melbands\.min"),
    ],
)
def test_a_bad_document_is_named_with_its_fault(tmp_path, content, message):
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        heard(path)


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(MissingError, match="is not there"):
        heard(tmp_path / "none.json")
