"""What bundles have in common: folders with all that tagging needs."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from tagsmith.features import audio
from tagsmith.models.folder import DESCRIPTION
from tagsmith.models.runtime import ONNX
from tagsmith.store import Store

META = "meta.json"  # what was measured, in every bundle


def put_model(store: Store, name: str, folder: Path) -> dict[str, Any]:
    """Copy a trained model into a bundle, without what only training needs.

    Returns:
        Its description: `config`, `feature`, `tags` and more.

    Raises:
        MissingError: It has not been trained.
    """
    source = store.find("models", name, made_by="train")
    ignored = shutil.ignore_patterns("history*", ".*")
    shutil.copytree(source, folder, ignore=ignored)
    described: dict[str, Any] = json.loads((source / DESCRIPTION).read_text("utf-8"))
    return described


def sha256(folder: Path) -> str:
    """Return the hash of a folder's file names and bytes, but for networks in ONNX.

    These follow from the rest, and no two writings of one are the same bytes.
    """
    total = hashlib.sha256()
    files = (path for path in folder.rglob("*") if path.is_file())
    for path in sorted(path for path in files if path.name != ONNX):
        total.update(path.relative_to(folder).as_posix().encode() + b"\0")
        total.update(audio.sha256(path).encode())
    return total.hexdigest()
