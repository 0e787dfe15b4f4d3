"""Which tags nobody trains on, and which tracks tell how well they are named anyway.

Tags are split into seen and unseen ones, and tracks fall into three parts by what they
have: `a` seen tags only, `b` both, `c` unseen ones only. A network learns the seen tags
from some of the parts.

The strict protocol tests on tracks of whose group nothing was learnt. The published one
tests on all tracks, those that were learnt from included: their seen tags say much of
their unseen ones, so that its figures come out too high.

References:
    Choi, Lee, Park and Nam, Zero-shot Learning for Audio-based Music Classification and
    Tagging, ISMIR 2019.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tagsmith.config import SPLITS
from tagsmith.core.metrics import Truth, undefined
from tagsmith.errors import DataError

SIDES = SEEN, UNSEEN = ("seen", "unseen")
PARTS = ("a", "b", "c")
UNTAGGED = ""  # the part of a track without any tag
UNUSED = ""  # the use of a track that is not learnt from
TRAIN, VALIDATION, TEST = SPLITS

Seed = int | Sequence[int]  # whatever NumPy's generators take


def split_tags(tags: Sequence[str], *, seen_share: float, seed: Seed) -> pd.DataFrame:
    """Draw which tags are seen in training.

    Args:
        tags: Their names; the order makes no difference.
        seen_share: Of the tags, between 0 and 1; what it leaves over is unseen.
        seed: Of the draw.

    Returns:
        A row per tag, in alphabetical order: tag, side (`seen` or `unseen`).

    Raises:
        DataError: A tag is named twice, or one side is empty.

    >>> split_tags(["jig", "reel", "waltz"], seen_share=0.7, seed=0)["side"].tolist()
    ['seen', 'unseen', 'seen']
    """
    names = sorted(set(tags))
    if len(names) < len(tags):
        raise DataError(f"{len(tags)} tags must differ, but only {len(names)} do")
    seen = int(seen_share * len(names))
    if not 0 < seen < len(names):
        raise DataError(
            f"seen and unseen tags are needed, but a share of {seen_share:g} of "
            f"{len(names)} tags makes {seen} seen and {len(names) - seen} unseen ones; "
            "set another seen_share or let more tags take part"
        )
    drawn = np.random.default_rng(seed).permutation(len(names))
    sides = np.full(len(names), UNSEEN)
    sides[drawn[:seen]] = SEEN
    return pd.DataFrame({"tag": names, "side": sides})


def parts(truth: Truth, seen: NDArray[np.bool_]) -> NDArray[np.str_]:
    """Tell which part each track belongs to.

    Args:
        truth: `(tracks, tags)`: which tags they have.
        seen: `(tags,)`: which tags training sees.

    Returns:
        `(tracks,)`: `a` with seen tags only, `b` with both, `c` with unseen ones only,
        and an empty string without any tag.

    Raises:
        DataError: `seen` is not about the tags of truth.

    >>> parts(np.array([[1, 0], [1, 1], [0, 1], [0, 0]], bool), np.array([True, False]))
    array(['a', 'b', 'c', ''], dtype='<U1')
    """
    if truth.shape[1:] != seen.shape:
        raise DataError(
            f"seen must say of each tag whether training sees it: it is {seen.shape}, "
            f"truth is {truth.shape}"
        )
    known, new = truth[:, seen].any(axis=1), truth[:, ~seen].any(axis=1)
    return np.select([known & ~new, known & new, new], PARTS, UNTAGGED)


def split_tracks(  # noqa: PLR0913 - what is split, and the four choices of a protocol
    tracks: pd.DataFrame,
    truth: pd.DataFrame,
    seen: Sequence[str],
    *,
    learn_from: Literal["a", "b", "ab"],
    validation_share: float,
    protocol: Literal["strict", "published"],
    seed: Seed,
) -> pd.DataFrame:
    """Choose the tracks to learn seen tags from, and those to test unseen ones on.

    A track that has every seen tag teaches nothing, as it lacks none.

    Args:
        tracks: Indexed by track_id: split, the data set's own, and group.
        truth: Which tags they have: a column of booleans per tag, the same index.
        seen: The tags that training sees.
        learn_from: The parts that training and validation tracks are taken from.
        validation_share: Of the tracks that are learnt from.
        protocol: `strict` learns nothing from the data set's split `test`, keeps whole
            groups in training or in validation, and tests on tracks of other groups;
            `published` knows neither splits nor groups, and tests on every track.
        seed: Of the draw of validation tracks. Their share is met to within half of
            the largest group.

    Returns:
        Indexed like `tracks`: part (`a`, `b`, `c` or empty), use (`train`, `validation`
        or empty), tested. A track without tags is never tested.

    Raises:
        DataError: Tables do not fit together, a track has no group, or nothing is left
            to train, to validate or to test unseen tags on.
    """
    _refuse_misfits(tracks, truth, seen)
    known = truth.columns.isin(seen)
    part = parts(truth.to_numpy(np.bool_), known)
    learnt = np.isin(part, list(learn_from)) & ~truth.loc[:, known].all(axis=1)
    tested = pd.Series(part != UNTAGGED, tracks.index)
    groups = tracks.index.to_series()
    if protocol == "strict":
        groups = _known(tracks["group"])
        learnt &= tracks["split"] != TEST
        tested &= ~groups.isin(groups[learnt])
    use = pd.Series(UNUSED, tracks.index)
    held_out = _held_out(groups[learnt], validation_share, seed)
    use[learnt] = np.where(held_out, VALIDATION, TRAIN)
    table = pd.DataFrame({"part": part, "use": use, "tested": tested}, tracks.index)
    _refuse_gaps(table)
    return table


def refuse_sameness(
    table: pd.DataFrame, truth: pd.DataFrame, seen: Sequence[str]
) -> None:
    """Refuse a split of which no unseen tag can rank the tested tracks.

    Args:
        table: As `split_tracks` returns it, and so are the other two.
        truth: Which tags tracks have.
        seen: The tags that training sees.

    Raises:
        DataError: Each unseen tag is on all tested tracks of parts b and c, or on none.
    """
    tested = table["tested"] & table["part"].isin(["b", "c"])
    new = truth.loc[tested, ~truth.columns.isin(seen)]
    if undefined(new.to_numpy(np.bool_)).all():
        raise DataError(
            f"this split of the tags leaves {len(new)} tested tracks with an unseen "
            f"tag, and each of {list(new.columns)} is on all of them or on none: "
            "nothing can be ranked; set a lower seen_share or let more tags take part"
        )


def _held_out(groups: pd.Series, share: float, seed: Seed) -> NDArray[np.bool_]:
    """Choose whole groups by lot until they hold that share of the tracks."""
    codes, names = pd.factorize(groups, sort=True)
    sizes = np.bincount(codes, minlength=len(names))
    chosen, taken = np.zeros(len(names), np.bool_), 0
    for group in np.random.default_rng(seed).permutation(len(names)):
        if taken + sizes[group] / 2 <= share * len(codes):  # it brings us nearer
            chosen[group] = True
            taken += sizes[group]
    return chosen[codes]


def _refuse_misfits(
    tracks: pd.DataFrame, truth: pd.DataFrame, seen: Sequence[str]
) -> None:
    if not tracks.index.equals(truth.index):
        raise DataError(
            "truth must be of the very tracks that are split, in their order: it has "
            f"{len(truth)} of them, the table of tracks has {len(tracks)}"
        )
    unknown = sorted(set(seen) - set(truth.columns))
    if unknown:
        raise DataError(
            f"seen tags must be tags of truth, but it has no {unknown[:3]}; split the "
            "tags again"
        )


def _known(groups: pd.Series) -> pd.Series:
    lost = groups.index[groups.isna()]
    if len(lost):
        raise DataError(
            f"every track needs a group, but {len(lost)} of {len(groups)} have none: "
            f"{list(lost[:3])}; give each its own, or set the protocol to published"
        )
    return groups


def _refuse_gaps(table: pd.DataFrame) -> None:
    new = table["part"].isin(["b", "c"])
    wanted = {
        "training tracks": table["use"] == TRAIN,
        "validation tracks": table["use"] == VALIDATION,
        "tested tracks with an unseen tag": table["tested"] & new,
    }
    gaps = [name for name, rows in wanted.items() if not rows.any()]
    if gaps:
        a, b, c = (int((table["part"] == part).sum()) for part in PARTS)
        raise DataError(
            f"this split of the tags leaves no {' and no '.join(gaps)}: of "
            f"{len(table)} tracks, {a} have seen tags only (a), {b} both (b), {c} "
            "unseen ones only (c); try another seed, learn_from, seen_share or "
            "validation_share"
        )
