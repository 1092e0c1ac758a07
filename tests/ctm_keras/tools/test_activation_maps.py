"""Class activation maps: they add up to the scores, and lie where the object is."""

import numpy as np
import pytest

import ctm_keras

CASES = {
    "tsn": ("tsn", "tiny", {}),
    "ctm": ("ctm", "tiny", {}),
    "pooled": ("tam", "tiny", {"temporal_pooling": True}),
    "tv_resnet18": ("tsn", "tv_resnet18", {}),
}


def build(method, backbone, options, **own):
    return ctm_keras.build_video_model(
        method, backbone, num_classes=5, num_frames=8, image_size=64, weights=None, **options, **own
    )


@pytest.mark.parametrize("case", CASES)
def test_a_map_and_the_bias_of_its_class_are_the_score(case, make_clips, scramble):
    model, clips = scramble(build(*CASES[case])), make_clips(3, 8, 64)
    logits, classes = np.array(model(clips)), [4, 0, 2]
    bias = np.array(model.get_layer("scores").bias)
    maps = ctm_keras.class_activation_maps(model, clips, classes)
    assert maps.shape[1] == (1 if case == "pooled" else 8)
    expected = logits[np.arange(3), classes] - bias[classes]
    np.testing.assert_allclose(maps.mean(axis=(1, 2, 3)), expected, rtol=1e-4, atol=1e-5)


def test_without_classes_the_best_one_of_each_clip_is_shown(make_clips, scramble):
    model, clips = scramble(build("ctm", "tiny", {})), make_clips(3, 8, 64)
    best = np.array(model(clips)).argmax(axis=1)
    np.testing.assert_array_equal(
        ctm_keras.class_activation_maps(model, clips),
        ctm_keras.class_activation_maps(model, clips, best),
    )


def test_maps_change_where_and_when_the_picture_does(make_clips, scramble):
    model, clips = scramble(build("tsn", "tiny", {})), make_clips(1, 8, 64)
    other = clips.copy()
    other[:, 5, :8, :8] = 255 - other[:, 5, :8, :8]
    maps = [ctm_keras.class_activation_maps(model, x, [0])[0] for x in (clips, other)]
    change = np.abs(maps[1] - maps[0])
    assert change[5].max() > 0
    assert not np.delete(change, 5, axis=0).any()
    assert max(np.unravel_index(change[5].argmax(), change[5].shape)) < 4


def test_slowfast_has_no_maps(make_clips):
    model = ctm_keras.build_video_model("slowfast", "resnet50", 3, image_size=32, weights=None)
    with pytest.raises(ValueError, match="must keep feature maps up to its head"):
        ctm_keras.class_activation_maps(model, make_clips(1, 32, 32))


@pytest.mark.parametrize("classes", [[0], [0, 5, 1], [0, -1, 1]])
def test_wrong_classes_are_refused(classes, make_clips):
    with pytest.raises(ValueError, match="from 0 to 4 for each of 3 clips"):
        ctm_keras.class_activation_maps(build("tsn", "tiny", {}), make_clips(3, 8, 64), classes)
