"""A trained model as a folder.

It holds `model.json` (what it is, which tags it scores), `network.weights.h5` and
whatever training adds; in an ensemble's bundle `network.onnx` too.
"""

import json
from functools import partial
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from tagsmith.config import Feature, Model
from tagsmith.core.genres import LabelSpace
from tagsmith.errors import DataError, MissingError
from tagsmith.models.runtime import ONNX, OnnxNetwork
from tagsmith.models.tagger import Tagger
from tagsmith.store import write_json

DESCRIPTION = "model.json"
WEIGHTS = "network.weights.h5"


def save(tagger: Tagger, folder: Path) -> None:
    """Write the folder that `load` reads."""
    from tagsmith.models import build  # noqa: PLC0415 - Keras, as in `load`

    folder.mkdir(parents=True, exist_ok=True)
    # A trained network would write its optimizer too, twice the weights' size.
    bare = build(
        tagger.config,
        tagger.feature,
        tags=tagger.outputs,
        values=tagger.values,
        dimensions=tagger.dimensions,
    )
    bare.set_weights(tagger.network.get_weights())
    bare.save_weights(folder / WEIGHTS)
    description = {
        "name": tagger.name,
        "config": tagger.config.model_dump(mode="json"),
        "feature": tagger.feature.model_dump(mode="json"),
        "tags": tagger.tags,
        "values": tagger.values,
        "dimensions": tagger.dimensions,
        "space": None if tagger.space is None else tagger.space.tree(),
        "target": tagger.target,
    }
    write_json(folder / DESCRIPTION, description)


def load(folder: Path, threads: int | None = None) -> Tagger:
    """Read a trained model.

    Args:
        folder: Where there is a network in ONNX too, that is what scores.
        threads: How many compute it then; None for one per core.

    Raises:
        MissingError: The folder holds no trained model.
        DataError: Its description and its weights do not belong together.
    """
    if not (folder / DESCRIPTION).exists() or not (folder / WEIGHTS).exists():
        raise MissingError(
            f"{folder} holds no trained model; `dvc repro train` makes it"
        )
    description = json.loads((folder / DESCRIPTION).read_text("utf-8"))
    try:
        config = TypeAdapter(Model).validate_python(description["config"])
        feature = TypeAdapter(Feature).validate_python(description["feature"])
    except ValidationError as error:
        first = error.errors()[0]
        raise DataError(
            f"{folder / DESCRIPTION} was written by another version of tagsmith "
            f"({'.'.join(map(str, first['loc']))}: {first['msg']}); train it again"
        ) from error
    tags, tree = tuple(description["tags"]), description.get("space")
    space = None if tree is None else LabelSpace.from_tree(tree)
    target = description.get("target", "")
    tagger = partial(
        Tagger, description["name"], config, feature, tags, space=space, target=target
    )
    if (folder / ONNX).exists():
        return tagger(network=OnnxNetwork(folder / ONNX, threads))
    from tagsmith.models import build  # noqa: PLC0415 - Keras waits until it is needed

    network = build(
        config,
        feature,
        tags=len(tags if space is None else space.labels),
        values=description.get("values"),  # the first CRNNs were saved without it
        dimensions=description.get("dimensions"),
    )
    try:
        network.load_weights(folder / WEIGHTS)
    except ValueError as error:
        raise DataError(
            f"{folder / WEIGHTS} does not fit {DESCRIPTION}: {error}"
        ) from error
    return tagger(network=network)
