"""A real bundle of tiny networks that nobody trained, and tracks to score."""

from collections.abc import Sequence
from pathlib import Path

from tagsmith.config import DeepSpectrum
from tagsmith.models import Tagger, build, imagenet, save
from tagsmith.models.analysis import NETWORK
from tagsmith.store import write_json, write_text
from tests.fakes import audio
from tests.fakes.experiments import TAGS, tiny_params

MODELS = ("crnn_gru", "melband_fcn")


def write(folder: Path, models: Sequence[str] = MODELS) -> Path:
    """Write a bundle into a folder; its networks are Keras's, none is in ONNX."""
    import keras

    params = tiny_params()
    for seed, name in enumerate(models):
        keras.utils.set_random_seed(seed)
        config = params.model(name)
        feature = params.feature(config.feature)
        network = build(config, feature, tags=len(TAGS))
        tagger = Tagger(name, config, feature, tuple(TAGS), network)
        save(tagger, folder / "models" / name)
        if isinstance(feature, DeepSpectrum):
            network, _ = imagenet.published(feature.network, cache=folder)
            imagenet.keep(
                network, _made(folder / "features" / config.feature) / NETWORK
            )
    weights = dict.fromkeys(models, 1 / len(models))
    calibration = params.calibration.model_dump(mode="json")
    write_json(
        folder / "ensemble.json", {"weights": weights, "calibration": calibration}
    )
    write_text(folder / "tags.txt", "".join(f"{tag}\n" for tag in TAGS))
    limits = "".join(f"{tag}\t0.5\n" for tag in TAGS)
    write_text(folder / "thresholds.tsv", limits)
    return folder


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def tracks(folder: Path, count: int, *, seconds: float = 0.6) -> Path:
    """Write tracks, each another chord, and return their folder."""
    for number in range(count):
        hz = 200 + 7 * number
        sound = audio.chord(hz, 1.5 * hz, seconds=seconds)
        audio.write(folder / f"track{number:03d}.wav", sound)
    return folder
