"""What a study is called: a model, and a hash of all that its figures depend on."""

import hashlib
import json

from tagsmith.config import Params, put
from tagsmith.stages.train import ingredients
from tagsmith.store import Store
from tagsmith.tuning.space import spaces_of

LETTERS = 10  # of the hash: a million studies would meet once in a million times


def study_name(params: Params, store: Store, model: str) -> str:
    """Return the name of the study that these parameters and data belong to.

    It depends on the seed, the tables, the feature, the space, and the model's section
    without what is searched: another experiment never joins a study, and adopting a
    study's values leaves its name as it is.

    Raises:
        ConfigError: Nothing is searched for the model.
        MissingError: Features or tables have not been made.
    """
    spaces = spaces_of(params, model)
    section = params.model(model).model_dump(mode="json")
    for key in spaces:
        put(section, key, None)
    decided = [
        params.seed,
        params.target,
        params.tuning.metric,
        section,
        params.feature(params.model(model).feature).model_dump(mode="json"),
        {key: space.model_dump(mode="json") for key, space in spaces.items()},
    ]
    made_of = hashlib.sha256(json.dumps(decided, sort_keys=True).encode())
    for path in ingredients(params, store, model):
        made_of.update(path.read_bytes())
    return f"{model}-{made_of.hexdigest()[:LETTERS]}"
