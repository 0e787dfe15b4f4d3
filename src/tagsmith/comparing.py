"""Systems compared: models, groups, runs, registered versions and other commits.

A system is named by

    crnn_gru, ensemble, groups/crnn   what data/ holds
    runs/7:crnn_gru                   what a run with its own store holds
    models:/tagsmith/3                a registered version, or models:/tagsmith@champion
    runs:/RUN_ID                      a training that MLflow keeps
    HEAD~1:ensemble                   what DVC kept of another commit

Nothing is chosen and nothing but the files that are asked for is written.
"""

import json as jsons
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import pandas as pd

from tagsmith.config import ENSEMBLE, Params, SplitName, nearest
from tagsmith.core import comparison, gate
from tagsmith.core.bootstrap import Interval
from tagsmith.core.comparison import Standing, System
from tagsmith.errors import ConfigError, DataError
from tagsmith.store import Store, write_json

REGISTERED, TRAINED = "models:/", "runs:/"
ENDS = ("difference", "low", "high")
SHOWN = 5  # tags that gain most, that lose most


@dataclass(frozen=True)
class Asked:
    """What shall be compared.

    Attributes:
        names: Of two systems or more; see the module.
        split: On whose tracks.
        metric: The official name of the area of which differences are taken.
    """

    names: Sequence[str]
    split: SplitName
    metric: str


def answer(
    asked: Asked, params: Params, store: Store, json: Path | None, picture: Path | None
) -> str:
    """Compare systems, and say, keep and draw how they stand.

    Args:
        asked: What shall be compared.
        params: As for `compare`, as `store` is.
        store: Where the data are.
        json: Where to write all of it, if anywhere.
        picture: Where to draw it, if anywhere.

    Returns:
        It as text.

    Raises:
        ConfigError: The picture is to be no PNG.
        TagsmithError: As for `compare`.
    """
    if picture is not None and picture.suffix != ".png":
        raise ConfigError(f"a picture is a .png, got {picture}; name it so")
    standings = compare(asked, params, store)
    if json is not None:
        said = {**asdict(asked), **params.evaluation.model_dump()}
        write_json(json, {**said, "systems": comparison.tree(standings)})
    if picture is not None:
        from tagsmith.reporting import versus

        versus.draw(standings, picture, metric=asked.metric, split=asked.split)
    return table(standings, asked.metric, params.evaluation.confidence)


def compare(asked: Asked, params: Params, store: Store) -> list[Standing]:
    """Measure systems on one split, the later ones against the first.

    Args:
        asked: What shall be compared.
        params: Which models there are, how many resamples, how sure.
        store: Where models, groups and the ensemble lie.

    Raises:
        ConfigError: There are fewer than two names, or one twice, or an unknown one.
        DataError: They were not measured on the same tracks and tags.
        MissingError: One has no scores, or no version.
        TrackingError: MLflow cannot be reached, or refuses.
    """
    _check(asked.names)
    systems = [_system(name, params, store, asked.split) for name in asked.names]
    truth = comparison.agreed_truth(systems, partial(_truth_of, store, asked.split))
    return comparison.compare(
        truth, systems, asked.metric, config=params.evaluation, seed=params.seed
    )


def _check(names: Sequence[str]) -> None:
    if len(names) < 2:  # noqa: PLR2004 - a comparison takes two
        raise ConfigError(
            f"two systems or more are needed to compare, got {list(names)}; name "
            "another, such as ensemble"
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"{twice[0]} is named twice; a system equals itself")


def _system(name: str, params: Params, store: Store, split: SplitName) -> System:
    if name.startswith(REGISTERED):
        return _version(name, split)
    if name.startswith(TRAINED):
        from tagsmith import tracked

        found = _truth_of(store, split)
        scores = tracked.scores(name, params, store, split)
        return replace(found, name=name, scores=scores)
    place, colon, system = name.rpartition(":")
    if not colon:
        _known(name, [*params.models, *params.group_members, ENSEMBLE], "params.yaml")
        return _of_store(name, name, store, split)
    if not Path(place).is_dir():
        from tagsmith import revisions

        with revisions.measured(place, system, split) as kept:
            return _of_store(name, system, kept, split)
    own = Store(Path(place), store.root)
    # What a run lacks is read from data/, but not its scores: those are another's.
    _known(system, own.scored(), place)
    return _of_store(name, system, own, split)


def _known(name: str, names: Iterable[str], where: str) -> None:
    known = sorted(names)
    if name not in known:
        raise ConfigError(
            f"no system {name!r} in {where}{nearest(name, known)}; it has {known}"
        )


def _of_store(name: str, system: str, store: Store, split: SplitName) -> System:
    found = _truth_of(store, split)
    scores = store.read_scores(system, split)
    return System(name, scores, found.truth, found.truth_sha256)


def _truth_of(store: Store, split: SplitName) -> System:
    """Return the truth of a store, as a system that has no scores."""
    truth = store.read_truth(split)
    audio = store.read_tracks().loc[truth.index, "sha256"]
    sha256 = gate.test_set_sha256(truth, list(audio))
    return System(str(store.root), truth, truth, sha256)


def _version(name: str, split: SplitName) -> System:
    from tagsmith.models import bundle, ensemble
    from tagsmith.tracking import addresses, registry

    if split != "test":
        raise DataError(
            f"{name} brings its scores of the test split only, not of {split}; leave "
            "it out, or leave out --split"
        )
    version = addresses.find(name)
    if "test_set_sha256" not in version.tags:
        raise DataError(
            f"{name} does not say on which test set it was measured; only ensembles "
            "that `tagsmith promote` registered can be compared"
        )
    scores = registry.fetch_from_bundle(version, ensemble.TEST_SCORES)
    meta = jsons.loads(registry.fetch_from_bundle(version, bundle.META).read_text())
    return System(name, pd.read_parquet(scores), None, meta["test_set_sha256"])


# --- what is said about it


def table(standings: Sequence[Standing], metric: str, confidence: float) -> str:
    """Say how systems stand, as text."""
    first = standings[0].name
    rows = [
        {"system": each.name}
        | {name: _with_interval(each.figures[name]) for name in standings[0].figures}
        | {f"{metric} against {first}": _against(each.gain)}
        for each in standings
    ]
    parts = [_text(pd.DataFrame(rows))]
    parts += [_tags(each, first, metric) for each in standings[1:]]
    parts.append(_remark(standings, confidence))
    return "\n\n".join(parts)


def _with_interval(figure: Interval) -> str:
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"


def _against(gain: Interval | None) -> str:
    if gain is None:
        return ""
    verdict = "sure" if comparison.sure(gain) else "not sure"
    return f"{gain.value:+.3f} ({gain.low:+.3f} to {gain.high:+.3f}) {verdict}"


def _tags(standing: Standing, first: str, metric: str) -> str:
    up, down = standing.most_different(SHOWN)
    title = f"{standing.name} against {first}, {metric.removesuffix('-macro')} by tag"
    parts = [title]
    for words, rows in (("better", up), ("worse", down)):
        if rows.empty:
            parts.append(f"  {words} on no tag")
            continue
        told = pd.DataFrame(
            {
                words: rows["tag"],
                "tracks": rows["positives"],
                first: rows["first"].map("{:.3f}".format),
                standing.name: rows["other"].map("{:.3f}".format),
                "difference": [
                    _against(Interval(value, low, high, above_zero=0))
                    for value, low, high in rows[list(ENDS)].to_numpy(float)
                ],
            }
        )
        parts.append(_text(told))
    return "\n".join(parts)


def _remark(standings: Sequence[Standing], confidence: float) -> str:
    tags = max(len(each.tags) for each in standings)
    by_chance = (1 - confidence) * tags
    return (
        f"Intervals: {confidence:.0%}, by bootstrap over tracks, each by itself. Of "
        f"{tags} tags, {by_chance:.1f} would look sure by chance."
    )


def _text(rows: pd.DataFrame) -> str:
    """Lay a table out: words to the left, figures to the right."""
    words = rows.columns[0]
    width = max(len(str(each)) for each in [words, *rows[words]])
    shown = rows.astype(str).assign(**{words: [f"{x:<{width}}" for x in rows[words]]})
    text = shown.rename(columns={words: f"{words:<{width}}"}).to_string(index=False)
    return "\n".join(line.rstrip() for line in text.splitlines())
