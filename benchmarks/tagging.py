"""Tagging one recording, warm and cold, by the networks of the default profile.

Their weights are random: nothing is faster or slower for it. Warm, it is compared with
decoding the file once and every Keras network's own forward pass, the CNN's of Deep
Spectrum among them; the note says what ONNX Runtime, which tags, takes for these. Cold,
it is `import keras` in a fresh process.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from benchmarks import data
from benchmarks.ratios import Ratio, milliseconds, quotients, taking_turns
from tagsmith import onnx_export
from tagsmith.config import Calibration, DeepSpectrum, Params, WordModel
from tagsmith.models import Tagger, analysis, build, ensemble, imagenet, save
from tagsmith.models.bundle import META
from tagsmith.store import write_json, write_text

TURNS, QUICK_TURNS = 12, 1
COLD_TURNS, QUICK_COLD_TURNS = 3, 1
QUICK_MODELS = ("crnn_gru", "melband_fcn")
MODEL = "benchmark"
REGISTER = """
import sys
from pathlib import Path
from tagsmith.tracking import pyfunc, registry
from tagsmith.tracking.server import connect
connect()
print(registry.register(Path(sys.argv[1]), sys.argv[2], {}, served_by=pyfunc).uri)
"""


def measure(folder: Path, *, quick: bool) -> Iterator[Ratio]:
    """Tag the same mp3 again and again, then in new processes."""
    params = data.params()
    names = QUICK_MODELS if quick else _taggers(params)
    keras, bundle, (song,) = folder / "keras", folder / "bundle", data.songs(folder, 1)
    write_bundle(keras, params, names)
    shutil.copytree(keras, bundle)
    onnx_export.export(bundle)
    yield _warm(bundle, keras, song, QUICK_TURNS if quick else TURNS)
    yield _cold(folder, song, QUICK_COLD_TURNS if quick else COLD_TURNS)


def write_bundle(folder: Path, params: Params, names: tuple[str, ...]) -> None:
    """Write an ensemble of Keras networks that learnt nothing, all of one weight."""
    tags = tuple(data.TAGS)
    for name in names:
        config = params.model(name)
        feature = params.feature(config.feature)
        network = build(config, feature, tags=len(tags))
        save(Tagger(name, config, feature, tags, network), folder / "models" / name)
        cnn = folder / "features" / config.feature / analysis.NETWORK
        if isinstance(feature, DeepSpectrum) and not cnn.exists():
            cnn.parent.mkdir(parents=True, exist_ok=True)
            seeing, _ = imagenet.published(feature.network, cache=folder)
            imagenet.keep(seeing, cnn)
    calibration = Calibration(
        rule="f1", comparison="inclusive", fallback_to_top_tag=False
    )
    weights = dict.fromkeys(names, 1 / len(names))
    described = {"weights": weights, "calibration": calibration.model_dump(mode="json")}
    write_json(folder / ensemble.WEIGHTS, described)
    write_text(folder / ensemble.TAGS, "".join(f"{tag}\n" for tag in tags))
    lines = (f"{tag}\t0.5\n" for tag in tags)
    write_text(folder / ensemble.THRESHOLDS, "".join(lines))
    write_json(folder / META, {})


def _warm(bundle: Path, keras: Path, song: Path, turns: int) -> Ratio:
    loaded = ensemble.Ensemble.load(bundle)
    bare = {
        "keras": _forward_passes(ensemble.Ensemble.load(keras), song),
        "onnx": _forward_passes(loaded, song),
    }

    def hear(name: str) -> None:
        for network, batch in bare[name]:
            network.predict_on_batch(batch)

    ways = {
        "ours": lambda: loaded.listen(song),
        "decode": lambda: soundfile.read(song, dtype="float32"),
        "keras": lambda: hear("keras"),
        "onnx": lambda: hear("onnx"),
    }
    seconds = taking_turns(ways, turns, clock=time.perf_counter)
    least = _sums(seconds["decode"], seconds["keras"])
    return Ratio(
        f"tagging an mp3 of {data.CLIP_SECONDS} s, time of decoding + bare networks",
        quotients(seconds["ours"], least),
        at_most=1.5,
        note=f"{len(loaded.members)} models: ours {milliseconds(seconds['ours'])}; "
        f"decoding {milliseconds(seconds['decode'])}, networks of Keras "
        f"{milliseconds(seconds['keras'])}, in ONNX {milliseconds(seconds['onnx'])}",
    )


def _sums(*parts: Sequence[float]) -> tuple[float, ...]:
    return tuple(map(sum, zip(*parts, strict=True)))


def _forward_passes(
    loaded: ensemble.Ensemble, song: Path
) -> list[tuple[Any, np.ndarray]]:
    """Return every network and what it is given when this song is tagged."""
    heard: list[tuple[Any, np.ndarray]] = []
    inner = [each.network for each in loaded.members.values()]
    analysers: dict[str, Callable[..., Any]] = dict(loaded.analysers)
    inner += [
        each.keywords["network"]
        for each in analysers.values()
        if "network" in each.keywords
    ]
    for network in inner:
        network.predict_on_batch = partial(
            _noted, heard, network, network.predict_on_batch
        )
    loaded.score(song)
    for network in inner:
        del network.predict_on_batch
    return heard


def _noted(
    heard: list[tuple[Any, np.ndarray]],
    network: Any,  # noqa: ANN401 - Keras's
    answer: Callable[[np.ndarray], np.ndarray],
    batch: np.ndarray,
) -> np.ndarray:
    heard.append((network, np.array(batch)))
    return answer(batch)


def _cold(folder: Path, song: Path, turns: int) -> Ratio:
    """Compare processes that start with nothing but the files' pages in memory."""
    env = os.environ | {"MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db"}

    def run(*words: str) -> str:
        return subprocess.run(
            [sys.executable, *words],
            cwd=folder,
            env=env,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout

    uri = run("-c", REGISTER, str(folder / "bundle"), MODEL).split()[-1]
    ways = {
        "ours": lambda: run("-m", "tagsmith", "tag", str(song), "--model", uri),
        "keras": lambda: run("-c", "import keras"),
    }
    seconds = taking_turns(ways, turns, clock=time.perf_counter)
    more = tuple(a - b for a, b in zip(seconds["ours"], seconds["keras"], strict=True))
    return Ratio(
        "`tagsmith tag` from cold, seconds more than `import keras`",
        more,
        at_most=3.0,
        note=f"ours {np.median(seconds['ours']):.1f} s, "
        f"import keras {np.median(seconds['keras']):.1f} s",
    )


def _taggers(params: Params) -> tuple[str, ...]:
    return tuple(
        name for name in params.models if not isinstance(params.model(name), WordModel)
    )
