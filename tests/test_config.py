"""params.yaml: one reader, closed sections, one way to override."""

import pytest

from tagsmith.config import Params, parse_overrides, read_yaml
from tagsmith.errors import ConfigError
from tests.conftest import ROOT

PARAMS = ROOT / "profiles" / "scores.yaml"


def message(overrides=None, path=PARAMS):
    with pytest.raises(ConfigError) as caught:
        Params.load(path, overrides)
    return str(caught.value)


def edited(tmp_path, old, new):
    path = tmp_path / "params.yaml"
    text = PARAMS.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return path


def test_an_unknown_key_is_named_with_the_nearest_one(tmp_path):
    path = edited(tmp_path, "low_hz:", "lowest_hz:")
    assert "features.logmel.lowest_hz: unknown key" in message(path=path)
    assert "features.logmel.low_hz: this key is missing" in message(path=path)
    path = edited(tmp_path, "seed:", "sed:")
    assert "(did you mean 'seed'?)" in message(path=path)


def test_all_mistakes_are_named_at_once():
    text = message({"seed": -1, "evaluation.confidence": 2})
    assert "seed:" in text
    assert "evaluation.confidence:" in text


def test_a_value_out_of_range_is_shown():
    assert "(got 7)" in message({"architectures.crnn.dropout": 7})


def test_a_union_shows_no_tag_that_nobody_wrote():
    assert "dataset.clips: " in message({"dataset.clips": 0})


def test_a_union_by_name_shows_no_tag_that_nobody_wrote():
    assert "  vectors.glove.dimensions: " in message({"vectors.glove.dimensions": 51})


def test_a_misspelt_override_is_answered_with_the_nearest_key():
    assert "did you mean 'dropout'?" in message({"models.crnn_gru.dropuot": 0.1})


def batch_sizes(params):
    """Return how many clips each model is trained on at once, if it is trained."""
    models = params.models.items()
    return {name: m.training.batch_size for name, m in models if m.kind != "texture"}


def test_an_override_of_one_model_leaves_the_others_alone():
    params = Params.load(PARAMS, {"models.crnn_lstm.training.batch_size": 5})
    sizes = batch_sizes(params)
    assert sizes.pop("crnn_lstm") == 5
    assert 5 not in sizes.values()


def test_an_override_of_an_architecture_reaches_all_its_models():
    params = Params.load(PARAMS, {"architectures.crnn.training.batch_size": 5})
    changed = {name for name, size in batch_sizes(params).items() if size == 5}
    assert changed == {n for n, m in params.models.items() if m.kind == "crnn"}


def test_overriding_afterwards_equals_overriding_at_once():
    change = {"models.crnn_gru.dropout": 0.1, "seed": 5}
    assert Params.load(PARAMS).override(change) == Params.load(PARAMS, change)


def test_values_of_overrides_are_yaml():
    parsed = parse_overrides(["a.b=1e-3", "c=[1, 2]", "d=null", "e=x=y"])
    assert parsed == {"a.b": 0.001, "c": [1, 2], "d": None, "e": "x=y"}


@pytest.mark.parametrize("word", ["seed", "=3", "seed=["])
def test_an_override_that_is_none_is_refused(word):
    with pytest.raises(ConfigError, match=r"seed|key=value"):
        parse_overrides([word])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- a\n- b\n",
        "seed: [1",
        "seed: 1\nseed: 2\n",
        "\x00",
        "seed: !!python/object/apply:os.system ['true']",
        "a: &a [*a]",
        "[" * 5000,
        "models: {crnn_gru: 3}\nseed: &x [*x]",
    ],
    ids=repr,
)
def test_malformed_and_hostile_yaml_is_one_clear_error(tmp_path, text):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    assert str(path) in message(path=path) or "params.yaml" in message(path=path)


def test_yaml_that_is_no_utf8_is_one_clear_error(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    assert "not valid YAML" in message(path=path)


def test_a_missing_file_is_answered_with_the_way_out(tmp_path):
    with pytest.raises(ConfigError, match="--params"):
        read_yaml(tmp_path / "absent.yaml")


def test_params_are_frozen():
    params = Params.load(PARAMS)
    with pytest.raises(ValueError, match="frozen"):
        params.seed = 3


def test_an_unknown_model_feature_or_vectors_are_answered_with_the_nearest():
    params = Params.load(PARAMS)
    with pytest.raises(ConfigError, match="did you mean 'crnn_gru'"):
        params.model("crnn_gur")
    with pytest.raises(ConfigError, match="'logmel'"):
        params.feature("mel")
    with pytest.raises(ConfigError, match=r"no vectors 'glvoe' .*did you mean 'glove'"):
        params.vector_source("glvoe")


def test_a_control_that_is_no_vectors_is_answered_with_the_nearest():
    text = message({"zeroshot.control": "chanse"})
    assert "zeroshot.control is 'chanse' (did you mean 'chance'?); vectors has" in text


def test_the_shipped_vectors_and_withheld_tags_are_of_their_sections():
    params = Params.load(PARAMS)
    assert params.vector_source("glove").kind == "glove_package"
    assert params.vector_source(params.zeroshot.control).kind == "random"


@pytest.mark.parametrize("share", [0, 1])
def test_both_seen_and_unseen_tags_are_needed(share):
    assert "zeroshot.seen_share" in message({"zeroshot.seen_share": share})


def test_a_model_that_hears_an_unknown_feature_is_refused():
    text = message({"models.crnn_gru.feature": "mels"})
    assert "models.crnn_gru.feature is 'mels'; features has [" in text


def test_a_model_that_hears_another_kind_of_feature_is_refused():
    text = message({"models.crnn_gru.feature": "deep_spectrum_1s"})
    assert "models.crnn_gru is a crnn and hears logmel, but" in text


def test_a_group_without_models_is_refused_with_the_models_that_there_are():
    text = message({"fusion.groups": {"vast": "transformer_*"}})
    assert "fusion.groups.vast is 'transformer_*', which matches no model" in text
    assert "'crnn_gru'" in text


def test_a_group_holds_the_models_that_its_pattern_matches():
    groups = {"crnn": "crnn_*", "one": "crnn_gru"}
    members = Params.load(PARAMS, {"fusion.groups": groups}).group_members
    assert set(members["groups/crnn"]) >= {"crnn_gru", "crnn_lstm", "crnn_bilstm"}
    assert members["groups/one"] == ("crnn_gru",)


def test_a_name_of_a_group_is_a_word():
    assert "fusion.groups" in message({"fusion.groups": {"../models": "*"}})


@pytest.mark.parametrize("name", ["ensemble", "groups"])
def test_a_model_may_not_take_the_name_of_fused_scores(name):
    models = Params.load(PARAMS).model_dump(mode="json")["models"]
    text = message({"models": {**models, name: models["crnn_gru"]}})
    assert f"no model may be called {name!r}" in text


def test_subsets_of_too_many_models_are_refused_before_anything_is_trained():
    model = Params.load(PARAMS).model_dump(mode="json")["models"]["crnn_gru"]
    many = {f"crnn_{number}": model for number in range(17)}
    changes = {"models": many, "fusion.groups": {}, "fusion.methods": ["subsets"]}
    text = message(changes)
    assert "at most 16 models, got 17; use 'greedy'" in text


def test_a_crnn_hears_decibels_only():
    natural = {"models.crnn_gru.feature": "logmel_11025"}
    with pytest.raises(ConfigError, match=r"crnn and hears decibels.*is natural"):
        Params.load(ROOT / "params.yaml", natural)


# --- models that score any words, and what tags mean


@pytest.fixture
def two(tmp_path):
    """A params.yaml with a second siamese model that sets its loss in part."""
    other = "other: {kind: siamese, feature: logmel_22050, vectors: glove, "
    new = f"word_models:\n  {other}loss: {{margin: 0.75}}}}\n  #"
    return edited(tmp_path, "word_models:", new)


def test_word_models_are_completed_and_stand_among_the_others(two):
    models = Params.load(two).models
    assert list(models)[-3:] == ["other", "texture", "siamese"]
    assert models["other"].filters == models["siamese"].filters
    assert models["other"].loss.negatives == models["siamese"].loss.negatives
    assert models["other"].loss.margin == 0.75 != models["siamese"].loss.margin


def test_overrides_reach_word_models_in_their_section_and_among_models(two):
    for section in ("word_models", "models"):
        models = Params.load(two, {f"{section}.siamese.dropout": 0.125}).models
        assert models["siamese"].dropout == 0.125 != models["other"].dropout


def test_an_override_of_their_architecture_reaches_all_that_do_not_differ(two):
    change = {
        "architectures.siamese.loss.margin": 0.25,
        "architectures.siamese.dropout": 0.125,
    }
    models = Params.load(two, change).models
    assert (models["siamese"].loss.margin, models["other"].loss.margin) == (0.25, 0.75)
    assert models["siamese"].dropout == models["other"].dropout == 0.125


def test_a_misspelt_override_of_a_word_model_is_answered_with_the_nearest_key():
    text = message({"word_models.siamese.dropuot": 0.1})
    assert "did you mean 'dropout'?" in text


def test_a_name_of_two_models_is_refused(tmp_path):
    path = edited(tmp_path, "multiscale: {kind", "siamese: {kind")
    text = message(path=path)
    assert "['siamese'] are in `models` and in `word_models`; rename some" in text


def test_a_section_of_word_models_that_is_none_is_refused(tmp_path):
    lines = PARAMS.read_text().splitlines(keepends=True)
    start = next(n for n, line in enumerate(lines) if line.startswith("word_models:"))
    end = next(n for n, line in enumerate(lines) if line.startswith("calibration:"))
    path = tmp_path / "params.yaml"
    path.write_text("".join([*lines[:start], "word_models: 3\n", *lines[end:]]))
    assert "`word_models` must hold sections by name, got int" in message(path=path)


def test_unknown_vectors_are_refused_with_the_nearest():
    text = message({"word_models.siamese.vectors": "glvoe"})
    assert "models.siamese.vectors is 'glvoe' (did you mean 'glove'?)" in text
    text = message({"zeroshot.control": "change"})
    assert (
        "zeroshot.control is 'change' (did you mean 'chance'?); vectors has [" in text
    )
    with pytest.raises(ConfigError, match=r"no vectors 'glov' .*mean 'glove'"):
        Params.load(PARAMS).vector_source("glov")


@pytest.mark.parametrize("name", ["multiscale", "nobody"])
def test_only_models_that_score_any_words_are_registered_for_that(name):
    text = message({"zeroshot.registered": {name: "tagsmith-zeroshot"}})
    assert f"zeroshot.registered has {name!r}, but only some models score" in text
    assert "['texture', 'siamese']" in text


def test_a_family_without_a_name_or_patterns_is_refused():
    assert "zeroshot.tags" in message({"zeroshot.tags": {}})
    assert "zeroshot.tags" in message({"zeroshot.tags": {"../all": ["*"]}})


def test_a_texture_model_hears_decibels_only():
    text = message({"word_models.texture.feature": "logmel_22050"})
    assert "models.texture is a texture and hears decibels, but the scale of" in text


@pytest.mark.parametrize(
    "change", [{"noise_db": 1.0}, {"tilt_db": 1.0}, {"background_db": [-40, -20]}]
)
def test_decibels_are_refused_where_they_are_no_fixed_amount(change):
    (key, value), *_ = change.items()
    text = message({f"word_models.siamese.training.augmentation.{key}": value})
    assert "models.siamese.training.augmentation is in decibels" in text
    assert "the compressed scale of features.logmel_22050; set noise_db" in text


def test_masks_and_shifts_are_not_measured_in_decibels():
    changes = {"masked_bands": 8, "masked_seconds": 0.2, "shifted_bands": 2}
    training = "word_models.siamese.training.augmentation"
    params = Params.load(PARAMS, {f"{training}.{k}": v for k, v in changes.items()})
    assert not params.models["siamese"].training.augmentation.changes_levels


def test_semi_hard_tags_must_be_counted():
    changes = {"loss.mining": "semi_hard", "loss.negatives": "all"}
    text = message(
        {f"word_models.siamese.{key}": value for key, value in changes.items()}
    )
    assert "models.siamese.loss" in text and "semi_hard" in text


@pytest.mark.parametrize(
    ("key", "value"),
    [("margin", 0), ("negatives", 0), ("negatives", "some"), ("reduction", "max")],
)
def test_a_loss_out_of_range_is_named_with_its_place(key, value):
    text = message({f"word_models.siamese.loss.{key}": value})
    assert f"models.siamese.loss.{key}" in text and f"(got {value!r})" in text


# --- tuning


RATE = {"kind": "float", "low": 0.001, "high": 0.1, "log": True}


@pytest.mark.parametrize(
    ("model", "key", "space", "complaint"),
    [
        ("crnn_gur", "dropout", RATE, "'crnn_gur' (did you mean 'crnn_gru'?)"),
        ("crnn_gru", "dropuot", RATE, "no 'dropuot' (did you mean 'dropout'?)"),
        ("crnn_gru", "training.phases.3.epochs", RATE, "training.phases has no '3'"),
        ("crnn_gru", "dropout", {**RATE, "low": 0.2}, "low (0.2) must be below high"),
        ("crnn_gru", "dropout", {**RATE, "low": 0}, "low (0) must be above 0 for log"),
        ("crnn_gru", "dropout", {**RATE, "high": 2}, "dropout would try 2.0, which"),
        ("crnn_gru", "dropout", {"kind": "choice"}, "dropout.choices: this key is"),
        ("crnn_gru", "dropout", {"kind": "choice", "choices": [0.1]}, "at least 2"),
        ("crnn_gru", "dropout", {**RATE, "step": 1}, "dropout.step: unknown key"),
        (
            "crnn_gru",
            "dense_units",
            {**RATE, "high": 0.5},
            "dense_units would try 0.00",
        ),
    ],
)
def test_a_space_that_makes_no_sense_is_named(model, key, space, complaint):
    assert complaint in message({"tuning.spaces": {model: {key: space}}})


WEIGHT = {"kind": "int", "low": 0, "high": 4, "log": False}


@pytest.mark.parametrize(
    ("spaces", "complaint"),
    [
        ({"dropout": WEIGHT}, "ensemble.dropout is no weight; keys are weights.MODEL"),
        ({"weights.cnn_*": WEIGHT}, "weights.cnn_* is no weight"),
        (
            {"weights.crnn_*": WEIGHT, "weights.*": WEIGHT},
            "crnn_gru is matched by 'weights.crnn_*' and by 'weights.*'",
        ),
        (
            {"weights.*": {**WEIGHT, "low": -1}},
            "would try -1; weights are numbers of 0",
        ),
        ({"weights.*": {"kind": "choice", "choices": [0, "much"]}}, "would try 'much'"),
    ],
)
def test_a_space_of_the_ensemble_is_about_weights(spaces, complaint):
    assert complaint in message({"tuning.spaces": {"ensemble": spaces}})


@pytest.mark.parametrize(
    ("weights", "complaint"),
    [
        ({"crnn_gur": 1}, "fusion.weights has 'crnn_gur' (did you mean 'crnn_gru'?)"),
        ({"crnn_gru": -1}, "fusion.weights.crnn_gru"),
        ({"crnn_gru": 0, "multiscale": 0.0}, "fusion.weights leaves every model out"),
    ],
)
def test_weights_that_make_no_ensemble_are_refused(weights, complaint):
    assert complaint in message({"fusion.weights": weights})


@pytest.mark.parametrize(
    "address",
    [
        "sqlite:///tuning.db",
        "journal://tuning.log",
        "postgresql://ada@host:5432/tagsmith",
        "postgresql+psycopg://host/tagsmith",
        "grpc://host:13000",
    ],
)
def test_studies_are_kept_in_a_file_a_journal_a_server_or_behind_a_proxy(address):
    assert Params.load(PARAMS, {"tuning.storage": address}).tuning.storage == address


@pytest.mark.parametrize("address", ["tuning.db", "grpc://host", "mysql://host/x"])
def test_an_address_of_no_storage_is_refused(address):
    assert "storage must be one of sqlite:///FILE" in message(
        {"tuning.storage": address}
    )


def test_samplers_and_pruners_know_their_own_keys_only():
    text = message({"tuning.pruner": {"kind": "none", "warmup_epochs": 3}})
    assert "tuning.pruner.warmup_epochs: unknown key" in text
    assert "tuning.sampler.candidates: this key" in message(
        {
            "tuning.sampler": {
                "kind": "tpe", "startup_trials": 1, "multivariate": True,
                "constant_liar": True,
            }
        }
    )  # fmt: skip


ENGINES = [
    {"kind": "loky", "workers": 2},
    {"kind": "dask", "address": "tcp://scheduler:8786", "workers": -1},
    {"kind": "ray", "address": "auto", "workers": -1},
    {"kind": "ray", "address": "ray://head:10001", "workers": 8},
]


@pytest.mark.parametrize("engine", ENGINES, ids=str)
def test_work_runs_here_or_on_a_cluster(engine):
    assert Params.load(PARAMS, {"engine": engine}).engine.model_dump() == engine


@pytest.mark.parametrize(
    ("engine", "complaint"),
    [
        ({"kind": "spark", "workers": 1}, "engine: Input tag 'spark'"),
        ({"kind": "loky", "workers": 0}, "engine.workers: workers must be -1"),
        ({"kind": "dask", "workers": 1}, "engine.address: this key is missing"),
        ({**ENGINES[1], "address": "host"}, "address must be a Dask scheduler's"),
        ({**ENGINES[2], "address": "http://x"}, "address must be a Ray cluster's"),
        ({**ENGINES[0], "address": "auto"}, "engine.address: unknown key"),
    ],
)
def test_an_engine_that_makes_no_sense_is_named(engine, complaint):
    assert complaint in message({"engine": engine})
