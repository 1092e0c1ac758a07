"""SlowFast: its parts against plain loops, its published costs, its options and its errors.

The numbers of whole networks are in `reference/`, other backends in `test_conformance.py`.
"""

import keras
import numpy as np
import pytest

import ctm_keras
from ctm_keras.temporal import slowfast as module
from ctm_keras.temporal._pathway import SlowFrames, TimeConv
from training.costs.count import multiply_adds, trained_parameters


@pytest.fixture
def short(monkeypatch):
    """Lets pathways be short, so that they are built fast."""
    monkeypatch.setitem(module.DEPTHS, "resnet50", (1, 1, 2, 1))


def build(backbone="resnet50", num_frames=16, image_size=32, **options):
    return ctm_keras.build_video_model(
        "slowfast",
        backbone,
        num_classes=options.pop("num_classes", 5),
        num_frames=num_frames,
        image_size=image_size,
        weights=options.pop("weights", None),
        **options,
    )


def kernels(model, pathway, stage=4):
    """Frames that the first convolution of each block of a stage reaches over."""
    layers = [x for x in model.layers if x.name.startswith(f"{pathway}_conv{stage}_block")]
    return [getattr(x, "size", 1) for x in layers if x.name.endswith("_1_conv")]


@pytest.mark.parametrize(
    ("frames", "alpha", "choice", "expected"),
    [
        (32, 8, "spread", [0, 10, 20, 31]),
        (32, 4, "spread", [0, 4, 8, 13, 17, 22, 26, 31]),
        (32, 8, "strided", [0, 8, 16, 24]),
        (8, 8, "spread", [0]),
    ],
)
def test_the_slow_pathway_reads_one_frame_of_alpha(frames, alpha, choice, expected):
    clip = np.arange(frames, dtype="float32").reshape(1, frames, 1, 1, 1)
    assert np.array(SlowFrames(alpha, choice)(clip)).ravel().tolist() == expected


@pytest.mark.parametrize(
    ("size", "stride", "frames"), [(3, 1, 5), (5, 8, 32), (7, 4, 8), (5, 4, 6)]
)
def test_a_convolution_over_frames_is_the_plain_one(size, stride, frames):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, frames, 3, 2, 4)).astype("float32")
    layer = TimeConv(6, size, stride)
    y = np.array(layer(x))
    kernel = np.array(layer.kernel)[:, 0]
    expected = np.zeros((2, -(-frames // stride), 3, 2, 6), "float32")
    for t in range(expected.shape[1]):
        for i in range(size):
            read = t * stride + i - size // 2
            if 0 <= read < frames:
                expected[:, t] += x[:, read] @ kernel[i]
    np.testing.assert_allclose(y, expected, atol=1e-5)
    assert layer.compute_output_shape(x.shape) == y.shape


@pytest.mark.long
@pytest.mark.usefixtures("no_random_start")
@pytest.mark.parametrize(
    ("backbone", "variant", "frames", "giga", "million"),
    [("resnet50", "4x16", 32, 36.1, 34.5), ("tv_resnet101", "16x8", 64, 213.0, 53.8)],
)
def test_the_costs_are_the_papers(backbone, variant, frames, giga, million):
    """Table 2 of the paper, at 256 pixels; mmaction2 publishes 34.5 M."""
    model = build(backbone, frames, 256, variant=variant, num_classes=400)
    assert multiply_adds(model) / 1e9 == pytest.approx(giga, rel=2e-3)
    assert trained_parameters(model) / 1e6 == pytest.approx(million, abs=0.05)
    reach = 6 * [3] + (len(kernels(model, "slow")) - 6) * [1]
    assert kernels(model, "slow") == kernels(model, "fast") == reach


def test_the_end_of_every_branch_starts_at_zero(short):
    model = build()
    ends = [x for x in model.layers if x.name.endswith("_3_bn")]
    assert len(ends) == 10
    assert not any(np.any(x.gamma) for x in ends)


@pytest.mark.parametrize(
    ("variant", "kernel"),
    [
        pytest.param("4x16", 5, marks=pytest.mark.long),
        ("8x8", 3),
        pytest.param("16x8", 7, marks=pytest.mark.long),
    ],
)
def test_lateral_connections_reach_as_far_as_asked(short, variant, kernel):
    model = build(variant=variant, fusion_kernel=kernel)
    laterals = [x for x in model.layers if x.name.startswith("lateral") and isinstance(x, TimeConv)]
    assert [x.size for x in laterals] == [kernel] * 4
    assert {x.stride for x in laterals} == {8 if variant == "4x16" else 4}


def test_lateral_connections_may_go_without_norm(short):
    names = [x.name for x in build(lateral_norm=False).layers]
    assert "lateral_conv1_conv" in names
    assert not any(name.startswith("lateral") and name.endswith("_bn") for name in names)


def test_temporal_pooling_halves_both_pathways_three_times(short):
    model = build(num_frames=32, temporal_pooling=True)
    frames = {
        path: [
            layer.output.shape[1]
            for layer in model.layers
            if layer.name.startswith(path) and layer.name.endswith("_temporal_pool")
        ]
        for path in ("slow", "fast")
    }
    assert frames == {"slow": [2, 1, 1], "fast": [16, 8, 4]}
    assert model.output_shape == (None, 5)


@pytest.mark.parametrize(
    "temporal_blocks",
    [pytest.param(0, marks=pytest.mark.long), 1, pytest.param(2, marks=pytest.mark.long)],
)
def test_as_many_blocks_of_res4_reach_over_frames_as_asked(short, temporal_blocks):
    model = build(temporal_blocks=temporal_blocks)
    expected = [3] * temporal_blocks + [1] * (2 - temporal_blocks)
    assert kernels(model, "slow") == kernels(model, "fast") == expected
    assert kernels(model, "slow", 3) == [1]
    assert kernels(model, "fast", 3) == kernels(model, "slow", 5) == [3]


def test_every_frame_counts(short, scramble, make_clips):
    """Frames that the slow pathway leaves out reach it over the fast one."""
    model = scramble(build(slow_frames="strided"))
    clips = make_clips(1, 16, 32)
    features = keras.Model(model.input, model.get_layer("slow_pool").output)
    before = np.array(features(clips))
    for frame in (3, 13):
        changed = clips.copy()
        changed[:, frame] = 255 - changed[:, frame]
        assert np.abs(np.array(features(changed)) - before).max() > 1e-6


@pytest.mark.long
def test_mixed_precision(short, scramble, make_clips):
    model, clips = scramble(build()), make_clips(2, 16, 32)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        mixed = build()
    finally:
        keras.config.set_dtype_policy("float32")
    mixed.set_weights(model.get_weights())
    expected = np.array(model(clips))
    np.testing.assert_allclose(mixed(clips), expected, atol=0.05 * np.abs(expected).max())
    for name in ("fast_conv1_conv", "pathways"):
        assert mixed.get_layer(name).compute_dtype == "bfloat16"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"backbone": "tiny"}, "must be resnet50 or resnet101, received 'tiny'"),
        ({"backbone": "resnet50v2"}, "must be resnet50 or resnet101"),
        ({"num_frames": 12}, "num_frames must be a multiple of 8 .*received 12"),
        ({"num_frames": 6, "variant": "8x8"}, "multiple of 4 .*received 6"),
        ({"variant": "4x8"}, "'4x8'"),
        ({"fusion_kernel": 4}, "must be odd, received 4"),
        ({"fusion_kernel": 0}, "must be odd, received 0"),
        ({"temporal_blocks": 7}, "0 to 6, .* received 7"),
        ({"temporal_blocks": "all"}, "0 to 6, .* received 'all'"),
        (
            {"slow_frames": "random"},
            "one of spread, strided, received 'random'",
        ),
        ({"weights": "imagenet"}, "Use weights=None"),
        ({"alpha": 8}, "option of slowfast"),
    ],
)
def test_what_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        build(**arguments)
