import dataclasses
import json
from pathlib import Path

import pytest

import training.config.clips
import training.config.train
from tfrecords import Augment
from training.config.train import TrainConfig, parse_option


def test_config_survives_json_form():
    config = TrainConfig(
        data=Path("d"),
        options=("paths=tccm",),
        flip_pairs=("a:b",),
        class_weights=("fall=3",),
        augment="mvit",
        color_jitter=(0.4, 0.4, 0.4, 0.1),
        repeats=1,
    )
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_parts_of_a_preset_can_be_overridden():
    mvit = TrainConfig(augment="mvit", repeats=1, randaugment="none", erasing=0.0).augmentation
    assert mvit == Augment(crop="resized", mixup=0.8, cutmix=1.0)
    assert TrainConfig().augmentation == Augment()
    assert TrainConfig(augment="tsn", crop="scale", mixup=0.2).augmentation == Augment(mixup=0.2)


def test_class_weights_and_flip_pairs_are_parsed():
    assert TrainConfig().weights_of_classes is None
    assert TrainConfig(class_weights=("sqrt",)).weights_of_classes == "sqrt"
    config = TrainConfig(class_weights=("a=b=2", "fall=0.5"))
    assert config.weights_of_classes == {"a=b": 2.0, "fall": 0.5}
    assert TrainConfig(flip_pairs=("jester",)).pairs == "jester"
    assert TrainConfig(flip_pairs=("a:b", "c:d")).pairs == [("a", "b"), ("c", "d")]


def test_paper_rate_is_scaled_to_the_batch():
    assert TrainConfig(batch_size=96).rate == pytest.approx(0.02)
    assert TrainConfig(batch_size=24).rate == pytest.approx(0.005)
    assert TrainConfig(batch_size=24, learning_rate=0.3).rate == 0.3


def test_each_optimizer_has_its_own_defaults():
    sgd, adamw = TrainConfig(batch_size=24), TrainConfig(optimizer="adamw", batch_size=24)
    assert sgd.of_optimizer == {"learning_rate": 0.005, "momentum": 0.9, "weight_decay": 1e-4}
    assert adamw.of_optimizer == {"learning_rate": 1e-3, "weight_decay": 0.01}
    own = {"learning_rate": 0.3, "weight_decay": 0.0}
    assert TrainConfig(optimizer="adamw", **own).of_optimizer == own


def test_the_config_of_an_older_run_has_sgd():
    values = TrainConfig(momentum=0.8, weight_decay=5e-4).to_dict()
    del values["optimizer"]
    config = TrainConfig.from_dict(values)
    assert config.optimizer == "sgd"
    assert config.of_optimizer | {"momentum": 0.8, "weight_decay": 5e-4} == config.of_optimizer


def test_every_field_has_a_help_text():
    files = [training.config.train.__file__, training.config.clips.__file__]
    source = "".join(Path(file).read_text(encoding="utf-8") for file in files)
    for field in dataclasses.fields(TrainConfig):
        declaration = source.index(f"    {field.name}: ")
        assert source[declaration:].split("\n")[1].startswith('    """'), field.name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("paths=tccm", ("paths", "tccm")),
        ("paths=tccm,temporal", ("paths", ("tccm", "temporal"))),
        ("blocks=1", ("blocks", 1)),
        ("blocks=1,3,5", ("blocks", (1, 3, 5))),
    ],
)
def test_options_are_read_as_python_values(text, expected):
    assert parse_option(text) == expected


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"num_frames": 0}, "--num-frames must be 1 or more, received 0"),
        ({"batch_size": -1}, "--batch-size"),
        ({"dropout": 1.0}, "--dropout must be in"),
        ({"label_smoothing": -0.1}, "--label-smoothing"),
        ({"momentum": 2}, "--momentum"),
        ({"patience": 0}, "--patience must be 1 or more, received 0"),
        ({"precise_bn": -1}, "--precise-bn must be at least 0, received -1"),
        ({"backbone_rate": 0.0}, r"--backbone-rate must be in \(0, 1\], received 0.0"),
        ({"weight_decay": -1}, "--weight-decay must be at least 0, received -1"),
        ({"optimizer": "adam"}, "--optimizer must be sgd or adamw, received 'adam'"),
        ({"optimizer": "adamw", "momentum": 0.9}, "--momentum requires --optimizer sgd, r.*adamw"),
        ({"learning_rate": 0}, "--learning-rate must be above 0"),
        ({"milestones": (30,)}, "--milestones must be fractions"),
        ({"options": ("paths",)}, "--options must be name=value, received 'paths'"),
        ({"flip_pairs": ("left",)}, "--flip-pairs must be pairs NAME:NAME .*, received 'left'"),
        ({"class_weights": ("fall",)}, "--class-weights must be balanced, sqrt or NAME=FACTOR, r"),
        ({"class_weights": ("fall=-1",)}, "--class-weights must be .*, received 'fall=-1'"),
        ({"randaugment": "rand-9"}, "randaugment must be none or a policy such as"),
        ({"mixup": -0.5}, "mixup must be a number of at least 0, received -0.5"),
    ],
)
def test_an_invalid_value_is_named(values, words):
    with pytest.raises(ValueError, match=words):
        TrainConfig(**values).check()


def test_unknown_names_in_a_config_are_named():
    with pytest.raises(ValueError, match="momentun"):
        TrainConfig.from_dict({"momentun": 0.9})


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("online=false", False),
        ("online=True", True),
        ("blocks=none", None),
        ("mode=gaussian", "gaussian"),
    ],
)
def test_boolean_options_accept_every_spelling(option, value):
    assert parse_option(option)[1] == value
