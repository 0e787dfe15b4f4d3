"""What a benchmark yields, and how two ways of doing the same are timed fairly.

Conventions:
    A ratio compares us with a reference measured in the same run. The two take turns,
    A B A B ..., so that whatever else the machine does meets both; every turn gives one
    ratio, and their median counts.
"""

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

Clock = Callable[[], float]


@dataclass(frozen=True)
class Ratio:
    """One line of the table.

    Attributes:
        what: Us and the reference.
        values: The ratio of each turn, at least one.
        at_least: The target, if more is better.
        at_most: The target, if less is better; neither: for information.
        note: Absolute figures, for the curious.
    """

    what: str
    values: tuple[float, ...]
    at_least: float | None = None
    at_most: float | None = None
    note: str = ""

    @property
    def median(self) -> float:
        """The ratio that counts."""
        return statistics.median(self.values)

    @property
    def target(self) -> str:
        """The target in words."""
        if self.at_least is not None:
            return f">= {self.at_least:.2f}"
        return f"<= {self.at_most:.2f}" if self.at_most is not None else ""

    @property
    def verdict(self) -> str:
        """Whether the target is reached."""
        if self.at_least is None and self.at_most is None:
            return "for information"
        enough = self.at_least is None or self.median >= self.at_least
        little = self.at_most is None or self.median <= self.at_most
        return "reached" if enough and little else "NOT REACHED"


def taking_turns(
    ways: Mapping[str, Callable[[], object]], turns: int, *, clock: Clock
) -> dict[str, tuple[float, ...]]:
    """Time several ways of doing the same.

    Args:
        ways: What to call, by name; called once before anything counts.
        turns: How often each is timed.
        clock: `time.perf_counter`, or `time.process_time` for work on one core, which
            other processes then hardly disturb.

    Returns:
        Seconds of each turn, by name.
    """
    for way in ways.values():
        way()
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(turns):
        for name, way in ways.items():
            began = clock()
            way()
            seconds[name].append(clock() - began)
    return {name: tuple(each) for name, each in seconds.items()}


def quotients(
    numerators: Iterable[float], denominators: Iterable[float]
) -> tuple[float, ...]:
    """Divide turn by turn. A speed is the reference's time divided by ours."""
    return tuple(a / b for a, b in zip(numerators, denominators, strict=True))


def milliseconds(seconds: Iterable[float], parts: int = 1) -> str:
    """Return the median of some times, each shared by `parts` pieces of work."""
    return f"{1000 * statistics.median(seconds) / parts:.1f} ms"


def table(ratios: Iterable[Ratio]) -> Iterator[str]:
    """Yield the lines of the table as they come."""
    yield f"{'':62}{'ratio':>6}  {'min..max':>12}  {'target':>8}"
    for ratio in ratios:
        span = f"{min(ratio.values):.2f}..{max(ratio.values):.2f}"
        yield (
            f"{ratio.what:62}{ratio.median:6.2f}  {span:>12}  {ratio.target:>8}  "
            f"{ratio.verdict}"
        )
        if ratio.note:
            yield f"    {ratio.note}"
