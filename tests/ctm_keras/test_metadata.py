"""What a model stores about its clips survives files, copies and new models from its weights."""

import keras
import pytest

import ctm_keras
from ctm_keras.metadata import view_for

VIEW = {
    "sampling": "dense",
    "interval": 4,
    "scale": [256, 320],
    "short_side": None,
    "resampled": True,
    "fps": 12.5,
    "seconds": 1.28,
    "protocol": "ctm",
}


def build(method="tsn", **options):
    options = {"num_classes": 3, "num_frames": 4, "image_size": 32, "weights": None} | options
    return ctm_keras.build_video_model(method, "tiny", **options)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("viewed") / "viewed.keras"
    build(view=VIEW).save(path)
    return path


def test_a_file_and_a_copy_keep_the_view(path):
    model = keras.saving.load_model(path)
    assert ctm_keras.view_options(model) == VIEW
    assert ctm_keras.view_options(ctm_keras.fold_batch_norm(model)) == VIEW


def test_a_model_from_a_file_has_its_view_unless_the_frames_differ(path):
    model = build("tsm", weights=path)
    assert ctm_keras.view_options(model) == view_for(None, model, num_frames=4) == VIEW
    assert view_for(None, model, num_frames=8) is None
    own = VIEW | {"interval": 2}
    assert view_for(own, model, num_frames=4) == own


@pytest.mark.parametrize(
    ("view", "words"),
    [
        ("dense", "view must be a dict of sampling, .* received 'dense'"),
        ({"intervals": 4}, "key of view must be .* received 'intervals'. Did you mean 'interval'"),
    ],
)
def test_a_wrong_view_is_an_error(view, words):
    with pytest.raises(ValueError, match=words):
        build(view=view)


def test_another_model_has_no_view():
    with pytest.raises(ValueError, match="must be a video model of this project"):
        ctm_keras.view_options(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]))
