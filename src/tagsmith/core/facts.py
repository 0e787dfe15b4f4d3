"""Names and values as MLflow takes them."""

import posixpath
import re
import zlib
from collections.abc import Mapping

METRIC_LETTERS = 200  # MLflow allows 250


def flattened(values: Mapping[str, object], prefix: str = "") -> dict[str, str]:
    """Write nested values as dotted names and text.

    >>> flattened({"crop": {"seconds": [4, 8]}, "seed": 1})
    {'crop.seconds': '[4, 8]', 'seed': '1'}
    """
    flat: dict[str, str] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= flattened(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = str(value)
    return flat


def metric_name(name: str) -> str:
    """Return a name that MLflow takes as a metric's.

    Letters, digits and `_-. :/` stay. A changed name ends in a checksum of the old one,
    so that no two names fall together.

    >>> metric_name("f_score/mood/theme---action"), metric_name("f_score/r&b")
    ('f_score/mood/theme---action', 'f_score/r_b.a93380e7')
    """
    plain = re.sub(r"[^\w\-. :/]", "_", name)[:METRIC_LETTERS]
    if posixpath.normpath(plain) != plain or plain.startswith(("/", "..")):
        plain = plain.replace("/", "_").replace("..", "_")
    if plain == name:
        return name
    return f"{plain}.{zlib.crc32(name.encode()):08x}"
