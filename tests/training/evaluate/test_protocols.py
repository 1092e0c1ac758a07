"""Protocols: the views that each uses, as values and as text."""

import dataclasses

import pytest

from training.config.train import TrainConfig
from training.evaluate.config import EvaluateCommand, EvaluateConfig
from training.evaluate.protocols import PROTOCOLS
from training.evaluate.settings import settings_for
from training.view import View

RUN = TrainConfig(num_frames=8)

# clips, crops, pixels of a crop, short side, sampling, frames, average
TABLE = {
    "ctm": (10, 3, 224, 256, "dense", 8, "probabilities"),
    "nonlocal": (10, 3, 256, 256, "dense", 8, "probabilities"),
    "slowfast": (10, 3, 256, 256, "dense", 8, "probabilities"),
    "mmaction2": (10, 3, 256, 256, "dense", 8, "probabilities"),
    "tsm": (10, 3, 256, 256, "dense", 8, "logits"),
    "tsm-segments": (2, 3, 256, 256, "segments", 8, "logits"),
    "tsn": (1, 10, 224, 256, "segments", 25, "logits"),
    "analysis-clip": (1, 1, 224, 224, "dense", 8, "logits"),
    "analysis-video": (10, 1, 224, 224, "dense", 8, "logits"),
}


def settings(run=RUN, **options):
    return settings_for(EvaluateConfig(**options), View(run.clip_options()))


def test_every_protocol_is_in_the_table():
    assert list(TABLE) == list(PROTOCOLS)


@pytest.mark.parametrize("name", TABLE)
def test_a_protocol_uses_its_views(name):
    found = settings(protocol=name)
    clips, crops, pixels, short_side, sampling, frames, average = TABLE[name]
    assert (found.num_clips, found.num_crops, found.image_size) == (clips, crops, pixels)
    assert found.scale == (224 * short_side / pixels,) * 2
    assert (found.sampling, found.num_frames, found.average) == (sampling, frames, average)
    assert found.rule == name.split("-")[0]
    assert not found.changed


@pytest.mark.parametrize("name", TABLE)
def test_a_small_model_sees_the_same_part_of_the_image(name):
    full, half = (
        settings(TrainConfig(num_frames=8, image_size=s), protocol=name) for s in (224, 112)
    )
    assert half == dataclasses.replace(full, image_size=full.image_size // 2)


def test_values_that_a_protocol_leaves_open_are_the_runs():
    segments = TrainConfig(num_frames=16, sampling="segments", interval=4, scale=(240, 300))
    own = settings(segments)
    assert (own.sampling, own.interval, own.num_frames, own.scale[0]) == ("segments", 4, 16, 240)
    assert settings(segments, protocol="analysis-clip").sampling == "segments"
    assert settings(segments, protocol="slowfast").sampling == "dense"
    assert settings(segments, protocol="slowfast").scale == (224, 224)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {},
            "ctm: 10 clips x 3 crops of 224 from short side 256, 8 frames, 8 apart; "
            "probabilities averaged",
        ),
        (
            {"protocol": "slowfast", "num_clips": 1, "interval": 2},
            "like slowfast: 1 clip x 3 crops of 256 from short side 256, 8 frames, 2 apart; "
            "probabilities averaged",
        ),
        (
            {"protocol": "tsn"},
            "tsn: 1 clip x 10 crops of 224 from 340 x 256, 25 frames, one of each equal part; "
            "logits averaged",
        ),
        (
            {"crop": 192, "short_side": 240, "average": "logits"},
            "like ctm: 10 clips x 3 crops of 192 from short side 240, 8 frames, 8 apart; "
            "logits averaged",
        ),
    ],
)
def test_words_name_the_protocol_and_every_value(options, words):
    assert str(settings(**options)) == words


def test_a_protocol_with_another_average_is_marked_as_changed():
    logits = settings(average="logits")
    assert str(logits).startswith("like ctm: 10 clips")
    assert str(dataclasses.replace(logits, average="probabilities")) == str(settings())


def test_giving_a_protocols_own_value_changes_nothing():
    assert settings(protocol="slowfast", num_clips=10, interval=8) == settings(protocol="slowfast")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"protocol": "slofast"}, "must be one of ctm, nonlocal, slowfast, .* received 'slofast'"),
        ({"crop": 300}, "--crop must be from 1 to the short side 256, received 300"),
        ({"protocol": "tsn", "short_side": 224}, "--short-side is fixed by the protocol tsn"),
    ],
)
def test_a_value_that_contradicts_the_protocol_is_an_error(options, words):
    with pytest.raises(ValueError, match=words):
        settings(**options)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"models": ()}, "requires at least one model"),
        ({"num_clips": 0}, "--num-clips must be 1 or more"),
        ({"num_crops": 2}, "num_crops must be 1, 3, 5 or 10, received 2"),
        (
            {"saved": True, "protocol": "tsm", "num_crops": 1},
            "with --average only, received --protocol, --num-crops",
        ),
        ({"saved": True, "which": "best"}, "with --average only, received --which"),
        ({"saved": True, "which": "model"}, "with --average only, received --which"),
        ({"ensemble": True}, "require at least two models"),
        ({"models": ("a", "b"), "ensemble": True, "average_weights": True}, "only one of them"),
        ({"models": ("a", "b"), "saved": True, "average_weights": True}, "no saved predictions"),
        ({"out": "x"}, "--out requires --ensemble"),
    ],
)
def test_options_that_cannot_be_combined_are_errors(options, words):
    with pytest.raises(ValueError, match=words):
        EvaluateCommand(**{"models": ("a",), **options}).check()
