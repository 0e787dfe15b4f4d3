"""What `vectors/sentences.py` promises; the library is a fake."""

import sys
from types import ModuleType

import numpy as np
import pytest

from tagsmith.config import SentenceVectors
from tagsmith.errors import DataError, MissingError
from tagsmith.vectors import sentences


class Encoder:
    """Knows how long a sentence is, and how many words it has."""

    def __init__(self, model):
        if model == "unknown":
            raise OSError("unknown is not a local folder and not a known model")
        self.width = {"flat": 1}.get(model, 2)

    def encode(self, prompts):
        values = [[len(prompt), len(prompt.split())] for prompt in prompts]
        return np.array(values, np.float64).squeeze() if self.width == 1 else values


@pytest.fixture(autouse=True)
def library(monkeypatch):
    module = ModuleType("sentence_transformers")
    module.SentenceTransformer = Encoder
    module.__version__ = "5.1.0"
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


def vectors(tags, *, model="tiny", prompt="{}"):
    config = SentenceVectors(kind="sentences", model=model, prompt=prompt)
    return sentences.vectors(config, tags)


def test_each_tag_is_encoded_in_its_sentence():
    found = vectors(["rock", "new age"], prompt="music that is {}")
    assert found.words == ["rock", "new age"] and found.values.dtype == np.float32
    assert found.values.tolist() == [[18, 4], [21, 5]]


def test_braces_in_a_tag_or_a_prompt_are_text():
    assert vectors(["{x}"], prompt="a {} {b}").values.tolist() == [[9, 3]]


def test_the_origin_names_the_model_and_the_library_but_no_folder(tmp_path):
    model = tmp_path / "my-model"
    model.mkdir()
    origin = vectors(["rock"], model=str(model)).origin
    assert origin == "my-model, sentence-transformers 5.1.0"


def test_without_the_library_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingError, match=r"pip install tagsmith\[sentences\]"):
        vectors(["rock"])


def test_a_model_that_it_does_not_know_is_missing():
    with pytest.raises(MissingError, match="finds no model 'unknown'"):
        vectors(["rock"], model="unknown")


def test_numbers_of_another_shape_are_refused():
    with pytest.raises(DataError, match="a row of finite numbers for each of 1 tags"):
        vectors(["rock"], model="flat")


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_refused(monkeypatch, number):
    monkeypatch.setattr(Encoder, "encode", lambda _, prompts: [[number]] * len(prompts))
    with pytest.raises(DataError, match="finite"):
        vectors(["rock"])
