"""The engine: three edits at every site, with small layers made for the test."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from ctm_keras.backbones.tiny import Tiny
from ctm_keras.engine.anatomy import dissect
from ctm_keras.engine.folding import Fold, Unfold
from ctm_keras.engine.graft import Graft, Site
from ctm_keras.engine.surgery import operate, tidy_names

FRAMES, SIZE = 4, 32


class Scale(layers.Layer):
    """Multiplies by a constant."""

    def __init__(self, factor, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, inputs):
        return inputs * self.factor


class Shift(layers.Layer):
    """The next frame instead of this one; zeros after the last."""

    def call(self, inputs):
        return ops.concatenate([inputs[:, 1:], ops.zeros_like(inputs[:, :1])], axis=1)


class PoolTime(layers.Layer):
    """The mean of each two frames."""

    def call(self, inputs):
        return (inputs[:, ::2] + inputs[:, 1::2]) / 2


class Inflated(layers.Layer):
    """A convolution over space and time with stride and padding of the one it replaces."""

    def __init__(self, replaced, **kwargs):
        super().__init__(name=replaced.name, **kwargs)
        self.conv = layers.Conv3D(
            replaced.filters,
            (3, *replaced.kernel_size),
            strides=(1, *replaced.strides),
            padding=replaced.padding,
            use_bias=replaced.use_bias,
        )

    def call(self, inputs):
        if self.conv.padding == "valid":
            inputs = ops.pad(inputs, [(0, 0), (1, 1), (0, 0), (0, 0), (0, 0)])
        return self.conv(inputs)

    def adopt(self, replaced):
        """The image kernel in the middle frame."""
        kernel = np.zeros(self.conv.kernel.shape, "float32")
        kernel[1] = replaced.get_weights()[0]
        self.conv.set_weights([kernel, *replaced.get_weights()[1:]])


class Widen(layers.Layer):
    """Returns more channels than the backbone expects."""

    def call(self, inputs):
        return ops.concatenate([inputs, inputs], axis=-1)


@pytest.fixture
def anatomy(scramble):
    return dissect("tiny", tidy_names(scramble(Tiny(input_shape=(SIZE, SIZE, 3)))))


@pytest.fixture
def pixels():
    shape = (2, FRAMES, SIZE, SIZE, 3)
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def grafted(anatomy, *grafts):
    """The video model, its features unfolded."""
    clip = keras.Input((FRAMES, SIZE, SIZE, 3))
    features, frames = operate(anatomy, clip, grafts)
    return keras.Model(clip, Unfold(frames, name="clip_features")(features))


def frame_by_frame(model, pixels):
    """The image model on each frame."""
    images = pixels.reshape(-1, *pixels.shape[2:])
    output = np.array(model(images))
    return output.reshape(*pixels.shape[:2], *output.shape[1:])


def site(anatomy, role, index=0):
    return anatomy.at(role)[index]


def test_nothing_grafted_is_the_image_model(anatomy, pixels):
    video = grafted(anatomy)
    assert np.array_equal(video(pixels), frame_by_frame(anatomy.model, pixels))
    shared = [layer for layer in anatomy.model.layers[1:] if layer not in video.layers]
    assert shared == []


def test_batch_norm_of_the_image_model_gets_momentum(anatomy):
    momenta = {
        layer.momentum
        for layer in grafted(anatomy).layers
        if isinstance(layer, layers.BatchNormalization)
    }
    assert momenta == {0.9}


ROLES = [
    "stem",
    "residual_entry",
    "middle",
    "middle_output",
    "shortcut",
    "block_output",
    "stage_output",
    "head",
]


@pytest.mark.parametrize("edit", ["before", "after"])
@pytest.mark.parametrize(
    "role",
    [
        role
        if role in ("residual_entry", "block_output")
        else pytest.param(role, marks=pytest.mark.long)
        for role in ROLES
    ],
)
def test_every_site_takes_layers_before_and_after(anatomy, pixels, role, edit):
    grafts = [
        Graft(s, edit, Scale(1.0, name=f"{s.operation.name}_scale{i}"))
        for i, s in enumerate(anatomy.at(role))
    ]
    assert np.array_equal(grafted(anatomy, *grafts)(pixels), frame_by_frame(anatomy.model, pixels))


@pytest.mark.parametrize("role", ["stem", "middle", "shortcut"])
def test_instead_takes_over_stride_padding_and_weights(anatomy, pixels, role):
    grafts = [Graft(s, "instead", Inflated(s.operation)) for s in anatomy.at(role)]
    video = grafted(anatomy, *grafts)
    np.testing.assert_allclose(
        video(pixels), frame_by_frame(anatomy.model, pixels), rtol=1e-3, atol=1e-3
    )
    assert all(graft.site.operation not in video.layers for graft in grafts)


def test_instead_takes_over_explicit_padding(pixels):
    image = keras.applications.ResNet50V2(
        weights=None, include_top=False, input_shape=pixels.shape[2:]
    )
    anatomy = dissect("resnet50v2", image)
    strided = [s for s in anatomy.at("middle") if s.operation.strides == (2, 2)]
    assert [s.block for s in strided] == ["conv2_block3", "conv3_block4", "conv4_block6"]
    video = grafted(anatomy, *(Graft(s, "instead", Inflated(s.operation)) for s in strided))
    expected = frame_by_frame(image, pixels)
    np.testing.assert_allclose(video(pixels), expected, atol=1e-3 * np.abs(expected).max())


def test_a_replacement_of_the_same_name_and_shape_is_given_the_weights(anatomy, pixels):
    class PerFrame(layers.Layer):
        """The replaced convolution, frame by frame, under its name."""

        def build(self, input_shape):
            self.kernel = self.add_weight(shape=(3, 3, input_shape[-1], 64), name="kernel")

        def call(self, inputs):
            x = ops.conv(Fold()(inputs), self.kernel, padding="same")
            return Unfold(FRAMES)(x)

    last = site(anatomy, "middle", -1)
    video = grafted(anatomy, Graft(last, "instead", PerFrame(name=last.operation.name)))
    np.testing.assert_allclose(
        video(pixels), frame_by_frame(anatomy.model, pixels), rtol=1e-4, atol=1e-4
    )


def test_before_an_entry_leaves_the_shortcut_alone(anatomy, pixels):
    """With the entry of the last block at zero, the block is its shortcut plus a constant."""
    entry = site(anatomy, "residual_entry", -1)
    video = grafted(anatomy, Graft(entry, "before", Scale(0.0, name="zero")))
    before = anatomy.model.get_layer("conv4_block3_out").output
    constant = anatomy.model.get_layer(f"{entry.block}_2_bn")
    x = layers.ReLU()(anatomy.model.get_layer(f"{entry.block}_1_bn")(before * 0.0))
    x = constant(anatomy.model.get_layer(f"{entry.block}_2_conv")(x))
    expected = frame_by_frame(keras.Model(anatomy.model.input, ops.relu(before + x)), pixels)
    np.testing.assert_allclose(video(pixels), expected, rtol=1e-4, atol=1e-4)


def test_a_shift_in_time_moves_frames_and_not_rows(anatomy, pixels):
    video = grafted(anatomy, Graft(site(anatomy, "head"), "after", Shift(name="shift")))
    expected = frame_by_frame(anatomy.model, pixels)
    output = np.array(video(pixels))
    assert np.array_equal(output[:, :-1], expected[:, 1:])
    assert not output[:, -1].any()


@pytest.mark.parametrize("role", ["stem", "stage_output", "block_output"])
def test_layers_may_change_the_number_of_frames(anatomy, pixels, role):
    graft = Graft(site(anatomy, role), "after", PoolTime(name="pool"))
    video = grafted(anatomy, graft)
    assert video.output_shape == (None, FRAMES // 2, 4, 4, 64)
    still = np.repeat(pixels[:, :1], FRAMES, axis=1)
    expected = frame_by_frame(anatomy.model, still)[:, ::2]
    np.testing.assert_allclose(video(still), expected, atol=1e-4)


def test_several_layers_at_one_site_take_effect_in_their_order(anatomy, pixels):
    where = site(anatomy, "head")
    grafts = [Graft(where, "after", layer) for layer in (PoolTime(name="p"), Shift(name="s"))]
    expected = frame_by_frame(anatomy.model, pixels)
    expected = (expected[:, ::2] + expected[:, 1::2]) / 2
    output = np.array(grafted(anatomy, *grafts)(pixels))
    np.testing.assert_allclose(output[:, :-1], expected[:, 1:], atol=1e-5)


def test_branches_with_different_frames_are_refused(anatomy):
    graft = Graft(site(anatomy, "residual_entry"), "before", PoolTime(name="pool"))
    with pytest.raises(ValueError, match=r"meet in 'conv2_block1_add' .* received 2 and 4"):
        grafted(anatomy, graft)


def test_branches_that_both_change_may_meet(anatomy):
    grafts = [
        Graft(site(anatomy, role), "before", PoolTime(name=f"pool_{role}"))
        for role in ("residual_entry", "shortcut")
    ]
    grafts[0] = Graft(anatomy.at("residual_entry", 3)[0], "before", PoolTime(name="pool"))
    assert {graft.site.block for graft in grafts} == {"conv3_block1"}
    assert grafted(anatomy, *grafts).output_shape[1] == FRAMES // 2


def test_a_layer_of_the_wrong_shape_is_refused(anatomy):
    graft = Graft(site(anatomy, "block_output"), "after", Widen(name="widen"))
    with pytest.raises(
        ValueError, match=r"'widen' after block_output .* return \(batch, frames, 8"
    ):
        grafted(anatomy, graft)


def test_a_site_of_another_model_is_refused_with_those_that_exist(anatomy):
    foreign = Site("block_output", layers.ReLU(name="conv9_block1_out"))
    with pytest.raises(ValueError, match=r"no site block_output conv9_block1_out(.|\n)*conv4_bl"):
        grafted(anatomy, Graft(foreign, "after", Scale(1.0)))


class Difference(keras.layers.Layer):
    """The first clip minus the second."""

    def call(self, inputs):
        return inputs[0] - inputs[1]


@pytest.mark.parametrize("edit_there", [False, True])
def test_a_layer_may_read_what_another_site_reads(anatomy, pixels, edit_there):
    entry, output = site(anatomy, "middle"), site(anatomy, "middle_output")
    grafts = [Graft(output, "after", Difference(name="difference"), reads=entry)]
    if edit_there:  # what is read is what was there before it
        grafts += [Graft(entry, "before", Scale(0.0, name="nothing"))]
    tensors = [entry.operation.input, output.operation.output]
    read, written = (frame_by_frame(keras.Model(anatomy.model.input, x), pixels) for x in tensors)
    if edit_there:
        written = written - written
        bias = anatomy.model.get_layer("conv2_block1_1_bn")(np.zeros((1, 1, 1, 16), "float32"))
        written += np.maximum(bias, 0)
    video = grafted(anatomy, *grafts)
    probe = keras.Model(video.input, video.get_layer("difference").output)
    np.testing.assert_allclose(probe(pixels), written - read, atol=1e-5)


def test_what_comes_later_cannot_be_read(anatomy):
    graft = Graft(site(anatomy, "stem"), "after", Difference(name="d"), site(anatomy, "middle"))
    with pytest.raises(ValueError, match=r"'d' at stem conv1_conv cannot read the input of middle"):
        grafted(anatomy, graft)


def test_an_unknown_edit_is_refused(anatomy):
    with pytest.raises(ValueError, match="'before', 'after' or 'instead', received 'around'"):
        grafted(anatomy, Graft(site(anatomy, "head"), "around", Scale(1.0)))


def test_one_operation_is_replaced_once(anatomy):
    where = site(anatomy, "middle")
    grafts = [Graft(where, "instead", Inflated(where.operation)) for _ in range(2)]
    with pytest.raises(ValueError, match=f"may replace {where.operation.name}, received several"):
        grafted(anatomy, *grafts)


def test_each_layer_has_a_name_of_its_own(anatomy):
    grafts = [
        Graft(site(anatomy, where), "after", Scale(1.0, name="s")) for where in ("stem", "head")
    ]
    with pytest.raises(ValueError, match="Only one layer may be called s, received several"):
        grafted(anatomy, *grafts)


def test_no_graft_before_a_sum(anatomy):
    add = anatomy.model.get_layer("conv4_block1_add")
    where = Site("block_output", add)
    odd = type(anatomy)(anatomy.backbone, anatomy.family, anatomy.model, (*anatomy.sites, where))
    with pytest.raises(ValueError, match=r"must have one input .* received 2"):
        grafted(odd, Graft(where, "before", Scale(1.0, name="scale")))


def test_a_site_that_the_graph_visits_twice_is_refused():
    image = keras.Input((SIZE, SIZE, 3))
    conv = layers.Conv2D(3, 3, padding="same", name="conv1_conv")
    x = layers.ReLU(name="conv4_block1_out")(conv(conv(image)))
    anatomy = dissect("tiny", keras.Model(image, x))
    with pytest.raises(ValueError, match="stem conv1_conv is visited more than once"):
        grafted(anatomy, Graft(site(anatomy, "stem"), "after", Scale(1.0)))


def test_stochastic_depth_drops_clips_and_not_frames():
    image = keras.Input((SIZE, SIZE, 3))
    x = layers.Conv2D(3, 1, kernel_initializer="ones", name="conv1_conv")(image)
    x = layers.Dropout(0.5, noise_shape=(None, 1, 1, 1), name="drop")(x)
    x = layers.ReLU(name="conv4_block1_out")(x)
    video = grafted(dissect("tiny", keras.Model(image, x)))
    ones = np.ones((64, FRAMES, SIZE, SIZE, 3), "float32")
    kept = np.array(video(ones, training=True))[:, :, 0, 0, 0] > 0
    assert 0 < kept[:, 0].sum() < 64
    assert np.array_equal(kept, np.repeat(kept[:, :1], FRAMES, axis=1))
    assert video.get_layer("drop").rate == 0.5
