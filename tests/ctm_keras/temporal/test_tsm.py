"""TSM against plain loops over its definition, its places and its errors."""

import keras
import numpy as np
import pytest

import ctm_keras
from ctm_keras.engine.anatomy import Anatomy
from ctm_keras.engine.families import FAMILIES
from ctm_keras.engine.graft import Site
from ctm_keras.temporal.tsm import TSM, tsm


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def plain_tsm(x, fold_div=8, online=False):
    """Channel by channel: which frame it is seen in."""
    y = np.zeros_like(x)
    frames, channels = x.shape[1], x.shape[-1]
    fold = channels // fold_div
    for t, c in np.ndindex(frames, channels):
        if online:
            source = t - 1 if c < fold else t
        else:
            source = t + 1 if c < fold else t - 1 if c < 2 * fold else t
        if 0 <= source < frames:
            y[:, t, ..., c] = x[:, source, ..., c]
    return y


@pytest.mark.parametrize(
    "options",
    [{}, {"fold_div": 3}, {"fold_div": 2}, {"online": True}, {"online": True, "fold_div": 4}],
)
@pytest.mark.parametrize("frames", [1, 2, 5])
def test_channels_move_as_defined(frames, options):
    x = random(2, frames, 3, 2, 16)
    assert np.array_equal(TSM(**options)(x), plain_tsm(x, **options))


def test_tsm_has_no_weights(scramble, make_clips, share_weights):
    model = ctm_keras.build_video_model("tsm", "tiny", 3, 4, 32, None)
    tsn = ctm_keras.build_video_model("tsn", "tiny", 3, 4, 32, None)
    assert model.count_params() == tsn.count_params()


def test_the_shortcut_stays_as_it_was():
    model = ctm_keras.build_video_model("tsm", "tv_resnet18", 3, 4, 32, None)
    shift = model.get_layer("conv3_block1_tsm")
    assert model.get_layer("conv3_block1_0_conv").input is not shift.output
    assert model.get_layer("conv3_block1_tsm_fold").input is shift.output


def test_an_online_model_sees_no_future(scramble, make_clips):
    model = scramble(ctm_keras.build_video_model("tsm", "tiny", 3, 4, 32, None, online=True))
    frames = keras.Model(model.input, model.get_layer("scores_unfold").output)
    clips = make_clips(2, 4, 32)
    changed = clips.copy()
    changed[:, 2:] = 255 - changed[:, 2:]
    before, after = np.array(frames(clips)), np.array(frames(changed))
    assert np.array_equal(before[:, :2], after[:, :2])
    assert not np.allclose(before[:, 3], after[:, 3])


@pytest.mark.parametrize(
    ("blocks", "options", "places"),
    [
        (6, {}, (1, 2, 3, 4, 5, 6)),
        (23, {}, tuple(range(1, 24, 2))),  # ResNet-101
        (36, {}, tuple(range(1, 37, 2))),  # ResNet-152
        (22, {}, tuple(range(1, 23))),
        (6, {"every": 2}, (1, 3, 5)),
        (23, {"every": 1}, tuple(range(1, 24))),
    ],
)
def test_deep_networks_shift_in_every_second_block(blocks, options, places):
    grafts = tsm(anatomy({3: 4, 4: blocks}), **options)
    third = (1, 3) if len(places) < blocks else (1, 2, 3, 4)
    expected = [f"conv3_block{i}_tsm" for i in third] + [f"conv4_block{i}_tsm" for i in places]
    assert [graft.layer.name for graft in grafts] == expected
    assert {(graft.site.role, graft.edit) for graft in grafts} == {("residual_entry", "before")}


def anatomy(stages):
    """An anatomy of nothing but residual blocks."""
    sites = [
        Site(role, None, f"conv{stage}_block{index}", stage, index)
        for stage, length in stages.items()
        for index in range(1, length + 1)
        for role in ("residual_entry", "block_output")
    ]
    return Anatomy("resnet", FAMILIES[1], None, tuple(sites))


def test_backbones_without_residual_branches_are_refused():
    with pytest.raises(ValueError, match=r"vgg16 has no site 'residual_entry': it has no residual"):
        ctm_keras.build_video_model("tsm", "vgg16", 3, 4, 32, None)


@pytest.mark.parametrize("fold_div", [1, 0, 2.5, "8"])
def test_wrong_fold_div(fold_div):
    with pytest.raises(ValueError, match=r"fold_div must be an integer of at least 2, received"):
        TSM(fold_div)


@pytest.mark.parametrize("every", [0, 1.5, "all", True])
def test_wrong_every(every):
    with pytest.raises(ValueError, match=r"every must be an integer of at least 1, received"):
        tsm(anatomy({4: 6}), every=every)


def test_a_part_of_no_channel_is_refused():
    with pytest.raises(ValueError, match=r"the number of channels, 8 at .*, received 16"):
        TSM(16).build((None, 4, 2, 2, 8))
