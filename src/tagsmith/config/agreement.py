"""What must hold between the sections of `params.yaml`."""

import copy
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from tagsmith.config.datasets import AcousticBrainzDataset
from tagsmith.config.features import LogMel
from tagsmith.config.mistakes import nearest
from tagsmith.config.models import HEARS, Crnn, MelbandFcn, Model, Texture, WordModel
from tagsmith.config.reading import put, value_at
from tagsmith.config.training import ClipTraining
from tagsmith.config.tuning import ChoiceSpace, Space
from tagsmith.errors import ConfigError

if TYPE_CHECKING:
    from tagsmith.config.params import Params

ENSEMBLE = "ensemble"  # the fused scores go by this name beside the models'
GROUPS = "groups"  # and a group's by groups/<name>
MOST_SUBSETTED = 16  # models whose subsets are all tried: 65,519 means


def _models_hear_known_features(params: "Params") -> None:
    for name, model in params.models.items():
        if model.feature not in params.features:
            raise ValueError(
                f"models.{name}.feature is {model.feature!r}; "
                f"features has {sorted(params.features)}"
            )
        feature = params.features[model.feature]
        if feature.kind != HEARS[model.kind]:
            raise ValueError(
                f"models.{name} is a {model.kind} and hears {HEARS[model.kind]}, "
                f"but features.{model.feature} is {feature.kind}"
            )
        if isinstance(feature, LogMel):
            _check_scale(name, model, feature)
    for name in (ENSEMBLE, GROUPS):
        if name in params.models:
            raise ValueError(f"no model may be called {name!r}: fused scores are")


def _groups_have_members(params: "Params") -> None:
    for name, pattern in params.fusion.groups.items():
        if not params.group_members[f"{GROUPS}/{name}"]:
            raise ValueError(
                f"fusion.groups.{name} is {pattern!r}, which matches no model; "
                f"models has {sorted(params.models)}"
            )


def _weights_are_of_models(params: "Params") -> None:
    weights = params.fusion.weights
    for name in weights:
        if name not in params.models:
            raise ValueError(
                f"fusion.weights has {name!r}{nearest(name, params.models)}, which is "
                f"no model; models has {sorted(params.models)}"
            )
    if weights and not any(weights.values()):
        raise ValueError(
            f"fusion.weights leaves every model out, got {weights}; give one a weight "
            "above 0, or none at all ({}) to have weights looked for"
        )


def _subsets_can_be_counted(params: "Params") -> None:
    if "subsets" in params.fusion.methods and len(params.models) > MOST_SUBSETTED:
        raise ValueError(
            f"fusion.methods has 'subsets', which tries every subset of at most "
            f"{MOST_SUBSETTED} models, got {len(params.models)}; use 'greedy'"
        )


def _vectors_are_known(params: "Params") -> None:
    named = {
        f"models.{name}.vectors": model.vectors
        for name, model in params.models.items()
        if isinstance(model, WordModel)
    }
    if named:
        named["zeroshot.control"] = params.zeroshot.control
    for key, source in named.items():
        if source not in params.vectors:
            raise ValueError(
                f"{key} is {source!r}{nearest(source, params.vectors)}; vectors has "
                f"{sorted(params.vectors)}"
            )


def _registered_models_score_words(params: "Params") -> None:
    able = [k for k, m in params.models.items() if isinstance(m, WordModel)]
    for name in params.zeroshot.registered:
        if name not in able:
            raise ValueError(
                f"zeroshot.registered has {name!r}, but only some models score "
                f"any words: {able}"
            )


def _documents_are_heard_as_melbands(params: "Params") -> None:
    others = {k: f.kind for k, f in params.features.items() if f.kind != "melbands"}
    if params.dataset.kind == "acousticbrainz" and others:
        name, kind = next(iter(others.items()))
        raise ValueError(
            f"dataset is acousticbrainz, which has no audio, but features.{name} is "
            f"{kind}; all that its documents yield is melbands"
        )


def _sources_are_known(params: "Params") -> None:
    dataset = params.dataset
    known = dataset.truth if isinstance(dataset, AcousticBrainzDataset) else {}
    for name, model in params.models.items():
        if not isinstance(model, MelbandFcn) or model.sources == "target":
            continue
        for source in model.sources:
            if source not in known:
                raise ValueError(
                    f"models.{name}.sources has {source!r}{nearest(source, known)}; "
                    f"dataset {dataset.kind} has the sources {sorted(known)}"
                )
        if params.target not in model.sources:
            raise ValueError(
                f"models.{name}.sources is {list(model.sources)}, without the target "
                "of dataset, whose tags are judged; add it, or set another target"
            )


def _submitted_models_know_sources(params: "Params") -> None:
    able = [k for k, m in params.models.items() if isinstance(m, MelbandFcn)]
    for name in params.genres.submitted:
        if name not in able or params.dataset.kind != "acousticbrainz":
            raise ValueError(
                f"genres.submitted has {name!r}, but only a melband_fcn on "
                f"acousticbrainz knows sources: dataset is {params.dataset.kind}, such "
                f"models are {able}"
            )


def _tuned_keys_exist(params: "Params") -> None:
    for name, spaces in params.tuning.spaces.items():
        if name == ENSEMBLE:
            _check_tuned_weights(params, spaces)
            continue
        if name not in params.models:
            raise ValueError(
                f"tuning.spaces has {name!r}{nearest(name, params.models)}, which is "
                f"no model; models has {sorted(params.models)}"
            )
        tree = params.models[name].model_dump(mode="json")
        for key, space in spaces.items():
            _check_tuned(params.models[name], tree, f"tuning.spaces.{name}", key, space)


def _check_tuned_weights(params: "Params", spaces: Mapping[str, Space]) -> None:
    """Refuse keys that are no weights of models, and what cannot be a weight."""
    where, owners = f"tuning.spaces.{ENSEMBLE}", dict[str, str]()
    for key, space in spaces.items():
        section, _, pattern = key.partition(".")
        matched = [name for name in params.models if fnmatchcase(name, pattern)]
        if section != "weights" or not matched:
            raise ValueError(
                f"{where}.{key} is no weight; keys are weights.MODEL, or a pattern of "
                f"models, as weights.crnn_*; models has {sorted(params.models)}"
            )
        for name in matched:
            if name in owners:
                raise ValueError(
                    f"{where}: {name} is matched by {owners[name]!r} and by {key!r}; "
                    "a model has one weight"
                )
            owners[name] = key
        values = space.choices if isinstance(space, ChoiceSpace) else (space.low,)
        for value in values:
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or value < 0:
                raise ValueError(
                    f"{where}.{key} would try {value!r}; weights are numbers of 0, "
                    "which leaves a model out, or more"
                )


def _check_tuned(
    model: Model, tree: Mapping[str, Any], where: str, key: str, space: Space
) -> None:
    """Refuse a key that the model lacks, or values that it would not take."""
    try:
        value_at(tree, key)
    except ConfigError as error:
        raise ValueError(f"{where}: {error}") from error
    if isinstance(space, ChoiceSpace):
        values = space.choices
    else:
        values = (space.low, space.high)
    for value in values:
        changed = copy.deepcopy(dict(tree))
        put(changed, key, value)
        try:
            type(model).model_validate(changed)
        except ValidationError as error:
            mistake = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise ValueError(
                f"{where}.{key} would try {value!r}, which the model does not take: "
                f"{mistake}"
            ) from error


def _check_scale(name: str, model: Model, feature: LogMel) -> None:
    """Refuse a model that takes numbers for decibels which are none."""
    if isinstance(model, Crnn | Texture) and feature.scale != "decibels":
        raise ValueError(
            f"models.{name} is a {model.kind} and hears decibels, but the scale of "
            f"features.{model.feature} is {feature.scale}"
        )
    if isinstance(model, Texture):
        return
    training = model.training
    if (
        feature.scale == "compressed"
        and isinstance(training, ClipTraining)
        and training.augmentation.changes_levels
    ):
        raise ValueError(
            f"models.{name}.training.augmentation is in decibels, which are no fixed "
            f"amount on the compressed scale of features.{model.feature}; set "
            "noise_db, tilt_db and equalizer_db to 0 and background_db to null"
        )


RULES = (
    _models_hear_known_features,
    _groups_have_members,
    _weights_are_of_models,
    _subsets_can_be_counted,
    _vectors_are_known,
    _registered_models_score_words,
    _documents_are_heard_as_melbands,
    _sources_are_known,
    _submitted_models_know_sources,
    _tuned_keys_exist,
)
