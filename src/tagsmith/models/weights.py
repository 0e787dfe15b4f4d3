"""Published weights: from a file, or from an address whose checksum is pinned.

Nothing falls back to random weights: what is missing is said, with the way out.
"""

import hashlib
import shutil
import urllib.error
import urllib.request
from pathlib import Path

from tagsmith.errors import ConfigError, DataError, MissingError
from tagsmith.store import atomic

TIMEOUT_SECONDS = 30


def weights_file(source: str, checksum: str, *, cache: Path, otherwise: str) -> Path:
    """Return a file of weights, downloaded once if `source` is an address.

    Args:
        source: A path or an address.
        checksum: `md5:` or `sha256:` and hexadecimal digits; empty for a path that the
            user vouches for.
        cache: Where a downloaded file is kept.
        otherwise: What a user can do who does not have the weights.

    Raises:
        ConfigError: An address without a checksum.
        MissingError: There is no such file, or the address does not answer.
        DataError: The checksum is not the pinned one.
    """
    path = Path(source)
    if "://" in source:
        if not checksum:
            raise ConfigError(
                f"the weights at {source} need a pinned `checksum` (sha256: or md5: "
                "and digits): what an address serves may change"
            )
        path = cache / Path(source).name
        if not path.exists():
            _download(source, path, otherwise)
    elif not path.is_file():
        raise MissingError(
            f"the weights {path} are not there; download them from their publisher "
            f"(docs/fidelity.md says where), {otherwise}"
        )
    if checksum:
        _check(path, checksum)
    return path


def _check(path: Path, checksum: str) -> None:
    algorithm, _, expected = checksum.partition(":")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, algorithm).hexdigest()
    if found != expected:
        raise DataError(
            f"{path} is not the pinned file: expected {algorithm} {expected}, got "
            f"{found}; delete it and fetch it again"
        )


def _download(address: str, path: Path, otherwise: str) -> None:
    try:
        with (
            urllib.request.urlopen(address, timeout=TIMEOUT_SECONDS) as response,  # noqa: S310 - the user's address
            atomic(path) as temporary,
            temporary.open("wb") as file,
        ):
            shutil.copyfileobj(response, file)
    except (urllib.error.URLError, TimeoutError, ValueError) as error:
        raise MissingError(
            f"{address} does not answer ({error}); download the weights by other means "
            f"and give their path, {otherwise}"
        ) from error
