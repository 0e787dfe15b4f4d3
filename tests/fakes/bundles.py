"""A real bundle of two tiny networks that nobody trained, and tracks to score."""

from pathlib import Path

from tagsmith.models import Tagger, build, save
from tagsmith.store import write_json, write_text
from tests.fakes import audio
from tests.fakes.experiments import TAGS, tiny_params

MODELS = ("crnn_gru", "melband_fcn")


def write(folder: Path) -> Path:
    """Write a bundle into a folder."""
    import keras

    params = tiny_params()
    for seed, name in enumerate(MODELS):
        keras.utils.set_random_seed(seed)
        config = params.model(name)
        feature = params.feature(config.feature)
        network = build(config, feature, tags=len(TAGS))
        tagger = Tagger(name, config, feature, tuple(TAGS), network)
        save(tagger, folder / "models" / name)
    weights = dict.fromkeys(MODELS, 1 / len(MODELS))
    calibration = params.calibration.model_dump(mode="json")
    write_json(
        folder / "ensemble.json", {"weights": weights, "calibration": calibration}
    )
    write_text(folder / "tags.txt", "".join(f"{tag}\n" for tag in TAGS))
    limits = "".join(f"{tag}\t0.5\n" for tag in TAGS)
    write_text(folder / "thresholds.tsv", limits)
    return folder


def tracks(folder: Path, count: int, *, seconds: float = 0.6) -> Path:
    """Write tracks, each another chord, and return their folder."""
    for number in range(count):
        hz = 200 + 7 * number
        sound = audio.chord(hz, 1.5 * hz, seconds=seconds)
        audio.write(folder / f"track{number:03d}.wav", sound)
    return folder
