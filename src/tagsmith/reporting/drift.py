"""Drift as a reader sees it: sentences, and the shapes of the page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tagsmith.core.changes import Change
from tagsmith.core.drift import Comparison
from tagsmith.core.histograms import Histogram
from tagsmith.reporting import page

TEMPLATE = "drift.html.j2"
MINUS = "\N{MINUS SIGN}"
NAMED = 3  # shifts that a heading names
MOST_LISTED = 12  # shifts, and files, that are listed one by one
PICTURED = 6  # tags whose scores are drawn


@dataclass(frozen=True)
class Spoken:
    """How a reader calls a number.

    Attributes:
        name: Its name.
        unit: Its unit, with a space in front; empty for counts and shares.
        digits: After the point.
        more: What tracks are that have more of it.
        less: And less.
    """

    name: str
    unit: str
    digits: int
    more: str
    less: str

    def write(self, value: float | None) -> str:
        """Write a value with its unit; `none` for an unknown one."""
        if value is None:
            return "none"
        return f"{value:,.{self.digits}f}{self.unit}".replace("-", MINUS)


@dataclass(frozen=True)
class Row:
    """What is said of a tag.

    Attributes:
        decided: How its share of the tracks changed.
        score: How its scores did.
    """

    decided: Change
    score: Change

    @property
    def shifted(self) -> bool:
        """Whether one of them shifted."""
        return self.decided.shifted or self.score.shifted


NUMBERS = {
    "level_db": Spoken("level", " dB", 1, "louder", "quieter"),
    "seconds": Spoken("duration", " s", 1, "longer", "shorter"),
    "centroid_hz": Spoken("spectral centroid", " Hz", 0, "brighter", "darker"),
    "quiet_share": Spoken("quiet share", "", 3, "more silent", "less silent"),
    "tags": Spoken("tags per track", "", 1, "tagged more", "tagged less"),
    "surest": Spoken("surest score", "", 3, "scored surer", "scored less sure"),
}
KINDS = {
    "sample_rate_hz": "sample rate",
    "channels": "channels",
    "format": "format",
}
OTHERS = {
    "sample_rate_hz": "sample rates",
    "channels": "numbers of channels",
    "format": "formats",
}


def called(change: Change) -> str:
    """Say what a change is of."""
    if change.quantity in {"number", "kind"}:
        return _named(change.name)
    what = "decisions for" if change.quantity == "decided" else "scores of"
    return f"{what} {change.name}"


def headline(comparison: Comparison) -> str:
    """Say in a few words what became of the tracks."""
    if comparison.verdict == "unknown":
        return "Too few tracks to say whether they are like the reference"
    if comparison.verdict == "stable":
        return "The new tracks are like the reference"
    words = list(dict.fromkeys(_brief(each) for each in comparison.shifted))
    more = len(words) - NAMED
    named = words[:NAMED] + ([f"{more} more shifts"] if more > 0 else [])
    *first, last = named
    listed = f"{', '.join(first)} and {last}" if first else last
    return f"The new tracks are unlike the reference: {listed}"


def sentence(change: Change) -> str:
    """Say what became of one quantity."""
    if change.quantity == "decided":
        before, now = _figures(change)
        return (
            f"{100 * now:.0f} % of the tracks instead of "
            f"{100 * before:.0f} % ({100 * change.low:+.0f} to "
            f"{100 * change.high:+.0f} points)"
        )
    if change.quantity == "kind":
        apart = f"{100 * change.distance:.0f} % of the tracks differ"
        if change.before == change.now:
            return f"mostly {change.now}, as before; {apart}"
        return f"mostly {change.now} instead of {change.before}; {apart}"
    spoken = NUMBERS.get(change.name, _SCORE) if change.quantity == "number" else _SCORE
    before, now = _figures(change)
    return (
        f"median {spoken.write(now)} instead of {spoken.write(before)}, "
        f"{spoken.write(change.difference)} apart on average, distance "
        f"{change.distance:.2f}"
    )


def text(facts: Mapping[str, Any]) -> str:
    """Say it for a terminal: the verdict, the numbers of tracks, and each shift."""
    comparison: Comparison = facts["comparison"]
    shown = comparison.shifted[:MOST_LISTED]
    more = len(comparison.shifted) - len(shown)
    lines = [f"{headline(comparison)}", f"  {counted(facts)}"]
    lines += [f"  {called(each)}: {sentence(each)}" for each in shown]
    return "\n".join(lines + ([f"  and {more} more, on the page"] if more > 0 else []))


def counted(facts: Mapping[str, Any]) -> str:
    """Say how many tracks were compared with how many."""
    old, failed = facts["reference"], len(facts["failed"])
    said = (
        f"{facts['tracks']} new tracks, {old['tracks']} {old['split']} tracks in the "
        f"reference of {facts['model']}"
    )
    if facts["comparison"].verdict == "unknown":
        said += f"; a verdict needs {facts['limits']['least_tracks']} of each"
    return said + (f"; {failed} could not be heard" if failed else "")


def render(facts: Mapping[str, Any]) -> str:
    """Lay a comparison out as a page of HTML that needs nothing else.

    Args:
        facts: What `drifting` gathers, by the names that the template uses.
    """
    comparison: Comparison = facts["comparison"]
    decided, scores = comparison.of("decided"), comparison.of("score")
    rows = sorted(
        (Row(*pair) for pair in zip(decided, scores, strict=True)),
        key=lambda row: (not row.shifted, -row.score.distance),
    )
    ends = [end for each in decided for end in (each.low, each.high)]
    farthest = sorted(scores, key=lambda it: (not it.shifted, -it.distance))
    shown = {
        "tags": rows,
        "scale": page.Scale.around([*ends, 0.0]),
        "pictured": farthest[:PICTURED],
        "lacking": [_named(name) for name in facts["lacking"]],
        "MOST_LISTED": MOST_LISTED,
        "NUMBERS": NUMBERS,
        "KINDS": KINDS,
        "called": called,
        "headline": headline,
        "sentence": sentence,
        "steps": steps,
        "ticks": ticks,
    }
    return page.render({**facts, **shown}, TEMPLATE)


def steps(shares: Sequence[float], highest: float) -> str:
    """Return a histogram as an SVG path in a box of 100 by 100, from the left bottom.

    >>> steps([0.5, 0.25], highest=0.5)
    'M0 100V0.0H50.0V50.0H100.0V100'
    """
    width = 100 / len(shares)
    parts = [
        f"V{100 - 100 * share / highest:.1f}H{width * (bin_ + 1):.1f}"
        for bin_, share in enumerate(shares)
    ]
    return f"M0 100{''.join(parts)}V100"


def ticks(histogram: Histogram) -> list[tuple[float, str]]:
    """Return round values below a histogram: where, in percent, and their text."""
    low, high = histogram.edges[0], histogram.edges[-1]
    inside = [t for t in page.Scale.around((low, high)).ticks if low <= t <= high]
    return [
        (100 * (t - low) / (high - low), f"{t:g}".replace("-", MINUS)) for t in inside
    ]


_SCORE = Spoken("score", "", 3, "scored higher", "scored lower")


def _brief(change: Change) -> str:
    if change.quantity in {"number", "score"}:
        spoken = NUMBERS[change.name] if change.quantity == "number" else _SCORE
        before, now = _figures(change)
        word = spoken.more if now > before else spoken.less
        if now == before:
            word = f"of another spread of {spoken.name}"
        return f"{word} for {change.name}" if change.quantity == "score" else word
    if change.quantity == "kind":
        return f"other {OTHERS[change.name]}"
    return f"{change.name} {'more' if change.difference > 0 else 'less'} often"


def _figures(change: Change) -> tuple[float, float]:
    """Return what was and what is, of anything but a kind."""
    assert isinstance(change.before, float)
    assert isinstance(change.now, float)
    return change.before, change.now


def _named(name: str) -> str:
    return NUMBERS[name].name if name in NUMBERS else KINDS[name]
