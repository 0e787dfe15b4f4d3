"""The page, in a browser: drop a recording, hear it, see its tags and its taggram."""

import numpy as np
import pytest
import soundfile

from tests.fakes import ensembles
from tests.fakes.experiments import TAGS

RATE_HZ = ensembles.RATE_HZ


@pytest.fixture
def crescendo(tmp_path):
    """Twelve seconds of a sine that grows louder."""
    at_seconds = np.arange(12 * RATE_HZ) / RATE_HZ
    sound = at_seconds / 12 * np.sin(2 * np.pi * 440 * at_seconds)
    path = tmp_path / "crescendo.wav"
    soundfile.write(path, sound, RATE_HZ)
    return path


@pytest.fixture
def tagging_page(page, address):
    page.goto(address)
    page.get_by_text("models:/tagsmith@champion").wait_for()
    return page


def choose(page, path):
    page.locator("#file").set_input_files(path)


def test_a_recording_gets_tags_and_a_taggram(tagging_page, crescendo, picture):
    choose(tagging_page, crescendo)
    tagging_page.locator("#taggram-part").wait_for()
    assert tagging_page.locator("#tags .name").all_inner_texts() == TAGS
    assert tagging_page.locator("#tags .yes").count() == 1
    shades = tagging_page.locator("#map rect").evaluate_all(
        "cells => cells.map(each => +each.getAttribute('fill-opacity'))"
    )
    of_first_tag = shades[: len(shades) // len(TAGS)]
    assert len(of_first_tag) == 4 and of_first_tag == sorted(of_first_tag)
    tagging_page.screenshot(path=picture("tagging_page.png"), full_page=True)


def test_a_click_on_the_taggram_plays_from_there(tagging_page, crescendo):
    choose(tagging_page, crescendo)
    tagging_page.locator("#taggram-part").wait_for()
    tagging_page.wait_for_function("document.querySelector('audio').readyState > 0")
    box = tagging_page.locator("#map").bounding_box()
    tagging_page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 5)
    at_seconds = tagging_page.evaluate("document.querySelector('audio').currentTime")
    assert 5.5 < at_seconds < 8
    left = tagging_page.evaluate(
        "parseFloat(document.getElementById('cursor').style.left)"
    )
    assert 45 < left < 70


def test_what_is_no_recording_is_said_in_words(tagging_page, tmp_path):
    letter = tmp_path / "letter.mp3"
    letter.write_text("Dear sir or madam")
    choose(tagging_page, letter)
    tagging_page.get_by_text("The recording is not audio").wait_for()
    assert tagging_page.locator("#result").is_hidden()


def test_what_is_too_large_is_not_even_sent(tagging_page, tmp_path):
    large = tmp_path / "large.wav"
    large.write_bytes(bytes(1_500_000))
    choose(tagging_page, large)
    tagging_page.get_by_text("large.wav has 1.5 MB; 1 MB is the most").wait_for()


def test_an_inner_address_is_refused_in_words(tagging_page):
    tagging_page.locator("#url").fill("http://127.0.0.1/song.mp3")
    tagging_page.get_by_role("button", name="Fetch").click()
    tagging_page.get_by_text("is not on the public internet").wait_for()


@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_is_no_wider_than_the_screen(tagging_page, crescendo, width):
    tagging_page.set_viewport_size({"width": width, "height": 800})
    choose(tagging_page, crescendo)
    tagging_page.locator("#taggram-part").wait_for()
    assert tagging_page.evaluate("document.documentElement.scrollWidth") <= width


def test_it_can_be_read_in_the_dark(tagging_page, crescendo):
    tagging_page.emulate_media(color_scheme="dark")
    tagging_page.set_viewport_size({"width": 400, "height": 800})
    choose(tagging_page, crescendo)
    tagging_page.locator("#taggram-part").wait_for()
    background = "getComputedStyle(document.body).backgroundColor"
    assert tagging_page.evaluate(background) == "rgb(17, 20, 24)"
