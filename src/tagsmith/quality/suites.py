"""The suites of `expectations/` before `tagsmith author-expectations` writes them.

Each row of a table below is an expectation: how severe it is if it is not met, the
reason to give, its type in Great Expectations and its arguments. `{"$PARAMETER": name}`
is a number that the stage brings along from `params.yaml`.
"""

from typing import Any

Row = tuple[str, str, str, dict[str, Any]]

SPLITS = ["train", "validation", "test"]


def _parameter(name: str) -> dict[str, str]:
    return {"$PARAMETER": name}


def _never_null(*columns: str) -> list[Row]:
    kind = "expect_column_values_to_not_be_null"
    return [("critical", f"has no {name}", kind, {"column": name}) for name in columns]


BETWEEN = "expect_column_values_to_be_between"
UNIQUE = "expect_column_values_to_be_unique"
UNIQUE_TOGETHER = "expect_compound_columns_to_be_unique"
IN_SET = "expect_column_values_to_be_in_set"
LENGTH = "expect_column_value_lengths_to_be_between"
ALL_OF = "expect_column_distinct_values_to_contain_set"
A_OVER_B = "expect_column_pair_values_a_to_be_greater_than_b"
ROWS = "expect_table_row_count_to_equal"

# One row per file. What is wrong with a file itself is a warning: it goes to quarantine
# with the first reason that it gets.
TRACKS: list[Row] = [
    *_never_null("track_id", "path", "sha256", "group", "split"),
    *_never_null("rms_db"),
    ("critical", "is a track id twice", UNIQUE, {"column": "track_id"}),
    ("critical", "has the file of another track: {path}", UNIQUE, {"column": "path"}),
    ("critical", "has no group", LENGTH, {"column": "group", "min_value": 1}),
    (
        "critical",
        "is in an unknown split, {split!r}",
        IN_SET,
        {"column": "split", "value_set": SPLITS},
    ),
    ("warning", "{problem}", IN_SET, {"column": "problem", "value_set": [""]}),
    (
        "warning",
        "decodes to {decoded_seconds:.1f} s, but {declared_seconds:.1f} s are declared",
        BETWEEN,
        {
            "column": "gap_seconds",
            "max_value": _parameter("duration_tolerance_seconds"),
        },
    ),
    (
        "warning",
        "lasts {decoded_seconds:.2f} s, less than {shortest_seconds:g} s",
        BETWEEN,
        {"column": "decoded_seconds", "min_value": _parameter("shortest_seconds")},
    ),
    (
        "warning",
        "is silent: {rms_db:.0f} dB, below {silence_db:g} dB",
        BETWEEN,
        {"column": "rms_db", "min_value": _parameter("silence_db")},
    ),
    (
        "warning",
        "has a sample rate of {sample_rate_hz} Hz, not 8 to 192 kHz",
        BETWEEN,
        {"column": "sample_rate_hz", "min_value": 8_000, "max_value": 192_000},
    ),
]

# One row per tag of a track; only tracks out of quarantine count as a tag's tracks.
ANNOTATIONS: list[Row] = [
    *_never_null("track_id", "tag"),
    ("critical", "has an empty tag", LENGTH, {"column": "tag", "min_value": 1}),
    (
        "critical",
        "has the tag {tag!r} twice",
        UNIQUE_TOGETHER,
        {"column_list": ["track_id", "tag"]},
    ),
    (
        "critical",
        "has tags but is not a track",
        IN_SET,
        {"column": "listed", "value_set": [True]},
    ),
    (
        "critical",
        "tag {tag!r} has no track in {lacking}: leave it out or give it more tracks",
        LENGTH,
        {"column": "lacking", "max_value": 0},
    ),
]

# One row per track out of quarantine.
SPLITS_SUITE: list[Row] = [
    (
        "critical",
        "train, validation and test must all have tracks",
        ALL_OF,
        {"column": "split", "value_set": SPLITS},
    ),
    (
        "critical",
        "group {group!r} is in several splits",
        BETWEEN,
        {"column": "splits_of_group", "max_value": 1},
    ),
    (
        "critical",
        "the same audio (sha256 {sha256:.12}) is in several splits",
        BETWEEN,
        {"column": "splits_of_audio", "max_value": 1},
    ),
    ("info", "has the same audio as another track", UNIQUE, {"column": "sha256"}),
]

# A feature store's index: one row per track.
FEATURES: list[Row] = [
    *_never_null("track_id", "lowest", "highest"),
    ("critical", "is in the store twice", UNIQUE, {"column": "track_id"}),
    ("critical", "has no frames", BETWEEN, {"column": "frames", "min_value": 1}),
    (
        "critical",
        "has a lowest value above its highest",
        A_OVER_B,
        {"column_A": "highest", "column_B": "lowest", "or_equal": True},
    ),
    (
        "critical",
        "the store does not hold every track",
        ROWS,
        {"value": _parameter("tracks")},
    ),
]

# The lowest and the highest score of each model and tag in each split.
SCORES: list[Row] = [
    *_never_null("track_id", "tag", "score"),
    (
        "critical",
        "has the score {score:g} of {model} for {tag!r}, not in [0, 1]",
        BETWEEN,
        {"column": "score", "min_value": 0, "max_value": 1},
    ),
]

# By table: the columns that identify a row, the first of which names it; expectations.
SUITES: dict[str, tuple[list[str], list[Row]]] = {
    "tracks": (["track_id", "path", "declared_seconds", "decoded_seconds"], TRACKS),
    "annotations": (["track_id", "tag"], ANNOTATIONS),
    "splits": (["track_id", "split", "group", "sha256"], SPLITS_SUITE),
    "features": (["track_id"], FEATURES),
    "scores": (["track_id", "tag", "model"], SCORES),
}
