"""One of each family of keras.applications, against that family's own functions."""

import keras
import numpy as np
import pytest

import ctm_keras
from ctm_keras import backbones
from ctm_keras.assembly import image_anatomy
from ctm_keras.engine.families import FAMILIES, STANDARDIZED, UNGRAFTABLE
from ctm_keras.engine.preprocessing import Preprocess

applications = keras.applications


def itself(frames):
    """For image models with preprocessing layers of their own."""
    return frames


def efficientnet(frames):
    """EfficientNet divides by 255 itself; the rest comes with its ImageNet weights only."""
    return (frames - np.array(STANDARDIZED.mean)) / np.array(STANDARDIZED.scale) * 255


# backbone, image size, the family's preprocessing, sites of CTM
CASES = [
    ("resnet50v2", 64, applications.resnet_v2.preprocess_input,
     ["conv4_block1", "conv4_block3", "conv4_block5"]),
    ("mobilenet", 64, applications.mobilenet.preprocess_input,
     ["conv_pw_6", "conv_pw_8", "conv_pw_10"]),
    ("mobilenetv2", 64, applications.mobilenet_v2.preprocess_input,
     ["block_7", "block_9", "block_11"]),
    ("mobilenetv3small", 64, itself,
     ["expanded_conv_3", "expanded_conv_5", "expanded_conv_6"]),
    ("efficientnetb0", 64, efficientnet, ["block4a", "block4c", "block5b"]),
    ("efficientnetv2b0", 64, itself, ["block4b", "block5a", "block5c"]),
    ("densenet121", 64, applications.densenet.preprocess_input,
     ["conv4_block6", "conv4_block12", "conv4_block18"]),
    ("vgg16", 64, applications.vgg16.preprocess_input, ["block5_conv1", "block5_conv2"]),
    ("convnexttiny", 64, itself, ["add_7", "add_10", "add_12"]),
    ("xception", 75, applications.xception.preprocess_input, ["add_3", "add_6", "add_8"]),
    ("inceptionv3", 75, applications.inception_v3.preprocess_input,
     ["mixed3", "mixed5", "mixed6"]),
    ("inceptionresnetv2", 75, applications.inception_resnet_v2.preprocess_input,
     ["block17_5", "block17_10", "block17_15"]),
]  # fmt: skip


@pytest.fixture
def anatomies(monkeypatch):
    """The anatomies of the models that are built; a video model shares their layers."""
    built = []

    def remember(*args):
        built.append(image_anatomy(*args))
        return built[-1]

    monkeypatch.setattr("ctm_keras.assembly.image_anatomy", remember)
    return built


QUICK = ("mobilenet", "vgg16")


@pytest.mark.parametrize(
    ("backbone", "size", "preprocess", "places"),
    [case if case[0] in QUICK else pytest.param(*case, marks=pytest.mark.long) for case in CASES],
)
def test_a_family_is_grafted(backbone, size, preprocess, places, anatomies, make_clips):
    model = ctm_keras.build_video_model("ctm", backbone, 3, 2, size, weights=None)
    blocks = [layer.name for layer in model.layers if isinstance(layer, ctm_keras.CTM)]
    assert blocks == [f"{place}_ctm" for place in places]
    clips = make_clips(1, 2, size)
    frames = clips[0].astype("float32")
    features = anatomies[0].model(preprocess(frames.copy()), training=False)
    kernel, bias = model.get_layer("scores").get_weights()
    scores = np.mean(features, axis=(1, 2)) @ kernel + bias
    output = np.array(model(clips))[0]
    np.testing.assert_allclose(output, scores.mean(axis=0), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("backbone", "reference"),
    [("efficientnetv2s", lambda x: x / 128 - 1)],
)
def test_preprocessing_that_no_case_above_covers(backbone, reference):
    family = next(f for f in FAMILIES if backbone in [m.lower() for m in f.members])
    pixels = np.random.default_rng(0).uniform(0, 255, (1, 2, 4, 4, 3)).astype("float32")
    output = Preprocess(**vars(family.preprocessing))(pixels)
    np.testing.assert_allclose(output, reference(pixels), atol=1e-5)


def test_every_member_exists_and_appears_once():
    members = [member for family in FAMILIES for member in family.members]
    assert len(members) == len(set(members))
    known = {name for name in dir(applications) if name[0].isupper()} | set(backbones.__all__)
    assert set(members) | set(UNGRAFTABLE) == known


@pytest.mark.parametrize("backbone", ["mobilenet", "xception"])
def test_the_error_for_a_missing_site_gives_the_reason(backbone):
    anatomy = image_anatomy(backbone, 75, None)
    role, reason = next(iter(anatomy.family.why_not.items()))
    with pytest.raises(ValueError, match=f"{backbone} has no site '{role}': {reason}"):
        anatomy.at(role)


def test_an_image_that_is_too_small_is_refused_by_the_backbone():
    with pytest.raises(ValueError, match="at least 71x71"):
        ctm_keras.build_video_model("ctm", "xception", 2, image_size=64, weights=None)
