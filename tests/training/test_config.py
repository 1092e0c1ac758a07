import dataclasses
from pathlib import Path

import pytest

from training.config import TrainConfig, parse_option


def test_config_survives_json_form():
    config = TrainConfig(data=Path("d"), options=("paths=tccm",), flip_pairs=("a:b",))
    assert TrainConfig.from_dict(config.to_dict()) == config


def test_paper_rate_is_scaled_to_the_batch():
    assert TrainConfig(batch_size=96).rate == pytest.approx(0.02)
    assert TrainConfig(batch_size=24).rate == pytest.approx(0.005)
    assert TrainConfig(batch_size=24, learning_rate=0.3).rate == 0.3


def test_every_field_has_a_help_text():
    source = Path(__import__("training.config", fromlist=["x"]).__file__).read_text()
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
        ({"learning_rate": 0}, "--learning-rate must be above 0"),
        ({"milestones": (30,)}, "--milestones are parts"),
        ({"options": ("paths",)}, "--options takes name=value, received 'paths'"),
        ({"flip_pairs": ("left",)}, "--flip-pairs takes NAME:NAME, received 'left'"),
    ],
)
def test_a_wrong_value_is_named(values, words):
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
def test_switches_are_understood_however_they_are_spelt(option, value):
    assert parse_option(option)[1] == value
