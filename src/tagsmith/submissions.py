"""Anybody's score matrices: MediaEval's figures of a submission, and late fusion.

A matrix is a `.npy` file of `(tracks, tags)`; a text file names the tags, one a line.
Nothing here knows of experiments.
"""

import json
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import get_args

import numpy as np

from tagsmith import matrices
from tagsmith.config import Calibration, Comparison
from tagsmith.core import fusion, metrics, thresholds
from tagsmith.errors import ConfigError, DataError
from tagsmith.matrices import Matrix
from tagsmith.store import atomic, write_text

Figures = Mapping[str, float | None]  # by official name; None for what is not known

UNDECIDED = (
    "F-score, precision and recall are figures of decisions, which were not given; "
    "add --decisions D.npy"
)
FLATTERED = (
    "thresholds are F1-optimal on {truth} itself ({comparison}), so that F-score, "
    "precision and recall come out too high"
)


def evaluate(
    truth: Path,
    scores: Path,
    decisions: Path | None,
    tags: Path | None,
    json: Path | None,
) -> str:
    """Compute the official figures of a submission.

    Args:
        truth: `.npy`, booleans `(tracks, tags)`.
        scores: `.npy`, numbers of the same shape.
        decisions: `.npy`, booleans of the same shape; without them, precision, recall
            and F-score are not known.
        tags: Names of the tags, one a line; with them, every tag is judged by itself.
        json: Where to write the ten figures; what is not known is `null`.

    Returns:
        The figures as text.

    Raises:
        MissingError: A file is not there.
        DataError: A file is no matrix, or matrices do not fit together.
    """
    true = matrices.truth(truth)
    scored = matrices.scores(scores, true)
    decided = None if decisions is None else matrices.decisions(decisions, true)
    names = None if tags is None else matrices.names(tags, true)
    found: dict[str, float] = metrics.areas(true, scored)
    if decided is not None:
        found |= metrics.decided(true, decided)
    figures = {name: found.get(name) for name in metrics.NAMES}
    if json is not None:
        write_text(json, _json(figures))
    paragraphs = [_table(figures), _remarks(true, names)]
    if decided is None:
        paragraphs.append(UNDECIDED)
    if names is not None:
        paragraphs.append(_tag_table(true, scored, decided, names))
    return "\n\n".join(paragraphs)


def fuse(
    scores: list[Path], truth: Path, tags: Path, out: Path, *, comparison: str
) -> str:
    """Average score matrices, fit thresholds on the truth, and measure the result.

    Thresholds that are the best for the very truth that judges them give too high an
    F-score, precision and recall. MediaEval's script does this; the output says so.

    Args:
        scores: `.npy`, `(tracks, tags)` each.
        truth: `.npy`, booleans of the same shape.
        tags: Names of the tags, one a line.
        out: Folder for `scores.npy`, `decisions.npy`, `thresholds.tsv` and
            `metrics.json`; all four are written, or none.
        comparison: `strict` decides for scores above the threshold, as MediaEval's
            script did, `inclusive` also for those that reach it.

    Returns:
        The figures as text.

    Raises:
        ConfigError: The comparison is neither.
        MissingError: A file is not there.
        DataError: A file is no matrix, matrices do not fit together, or `out` is no
            folder.
    """
    config = _calibration(comparison)
    true = matrices.truth(truth)
    names = matrices.names(tags, true)
    fused = fusion.mean([matrices.scores(path, true) for path in scores])
    limits = thresholds.fit(true, fused, config)
    decided = thresholds.decide(fused, limits, config)
    figures = metrics.evaluate(true, fused, decided)
    how = FLATTERED.format(truth=truth.name, comparison=comparison)
    pairs = zip(names, limits, strict=True)
    _write(
        out,
        {
            "scores.npy": fused,
            "decisions.npy": decided,
            "thresholds.tsv": "".join(f"{tag}\t{float(x)!r}\n" for tag, x in pairs),
            "metrics.json": _json({**figures, "thresholds": how}),
        },
    )
    title = f"mean of {len(scores)} score matrices, in {out}"
    return "\n\n".join([title, _table(figures), _remarks(true, names), how])


def _calibration(comparison: str) -> Calibration:
    known = get_args(Comparison)
    if comparison not in known:
        raise ConfigError(
            f"--thresholds must be {' or '.join(known)}, got {comparison!r}"
        )
    return Calibration.model_validate(
        {"rule": "f1", "comparison": comparison, "fallback_to_top_tag": False}
    )


# --- writing


def _write(out: Path, files: Mapping[str, Matrix | str]) -> None:
    if out.exists() and not out.is_dir():
        raise DataError(f"{out} is a file; --out needs a folder, new or old")
    with ExitStack() as together:  # a full disk leaves what was there before
        places = {name: together.enter_context(atomic(out / name)) for name in files}
        for name, content in files.items():
            if isinstance(content, str):
                places[name].write_text(content, encoding="utf-8")
            else:
                np.save(places[name], content)


def _json(tree: object) -> str:
    return json.dumps(tree, indent=2) + "\n"


# --- telling


def _table(figures: Figures) -> str:
    lines = [f"{'':<10}{'macro':>10}{'micro':>10}"]
    for measure in metrics.MEASURES:
        cells = [_cell(figures[f"{measure}-{mean}"]) for mean in ("macro", "micro")]
        lines.append(f"{measure:<10}" + "".join(f"{cell:>10}" for cell in cells))
    return "\n".join(lines)


def _tag_table(
    truth: metrics.Truth,
    scores: Matrix,
    decisions: metrics.Decisions | None,
    tags: list[str],
) -> str:
    table = metrics.per_tag(truth, scores, decisions, tags=tags)
    return str(table.to_string(index=False, float_format="{:.6f}".format, na_rep="-"))


def _remarks(truth: metrics.Truth, tags: list[str] | None) -> str:
    lines = [f"{len(truth)} tracks, {truth.shape[1]} tags, {truth.sum()} positives"]
    left_out = np.flatnonzero(metrics.undefined(truth))
    if left_out.size:
        names = [tags[place] if tags else f"column {place}" for place in left_out]
        lines.append(
            f"{left_out.size} of {truth.shape[1]} tags are on every track or on none; "
            f"the macro ROC-AUC and PR-AUC leave them out: {', '.join(names)}"
        )
    return "\n".join(lines)


def _cell(figure: float | None) -> str:
    return "-" if figure is None else f"{figure:.6f}"
