"""Settings of a file are used; contradicting arguments are refused by name."""

import keras
import numpy as np
import pytest

import ctm_keras
from ctm_keras.engine.preprocessing import Preprocessing
from ctm_keras.methods import METHODS, NETWORKS, options_of
from ctm_keras.temporal import slowfast
from ctm_keras.weights.origin import Origin, pixels_of

FRAMES, SIZE, CLASSES = 8, 32, 3
KINETICS = {"channels": "bgr", "mean": (114.75,) * 3, "scale": (57.375,) * 3}

# Each option of each method with a value other than its default; several rows where they exclude
# each other. The second value contradicts the first.
OPTIONS = {
    "tsn": [{}],
    "ctm": [{"paths": (["temporal"], "tccm"), "stages": ([3, 4], 4), "blocks": (1, "all"),
             "reduction": (8, 2)}],
    "cost": [{"kind": ("a", "b"), "share_weights": (False, True), "pooling": ("code", None)}],
    "c2d": [{"pooling": ("code", "paper")}],
    "c3d": [{"time_padding": ("zero", "replicate"), "pooling": ("code32", None)}],
    "stm": [{"modules": (("cmm",), ("cstm",)), "fusion": ("concat", "sum"), "stages": ((4,), 3),
             "blocks": (2, "all")},
            {"temporal_conv": ("ordinary", "channelwise"), "blocks": ((1,), "all")}],
    "i3d": [{"time_padding": ("zero", "replicate"), "inflation": ("copy", "divide")}],
    "i3d_3x1x1": [{"inflate": ({4: (1, 2)}, "all"), "stem_frames": (3, 5), "early_stride": (1, 2),
                   "pool": (False, True), "time_padding": ("zero", "replicate"),
                   "inflation": ("copy", "divide")}],
    "s3d": [{"depthwise": (True, False), "time_padding": ("zero", "replicate"),
             "inflation": ("copy", "divide")},
            {"widths": ("r2plus1d", "same")}],
    "tam": [{"blending_frames": (5, 3), "blending": ("max", "sum")},
            {"stages": ("head", None)}],
    "tsm": [{"fold_div": (4, 8), "online": (True, False), "every": (2, 1)},
            {"stages": ("head", None)}],
    "conv": [{"size": (5, 3)}, {"stages": ("head", None)}],
    "avg": [{"stages": ("head", None)}],
    "max": [{"stages": ("head", None)}],
    "nonlocal": [{"mode": ("dot_product", "gaussian"), "stages": (3, 4), "blocks": ("all", 1),
                  "reduction": (4, 2), "sub_sample": (False, True)},
                 {"scale": (True, False)}],
    "tsm+nonlocal": [{"fold_div": (4, 8), "blocks": ({3: (1,), 4: (1, 2)}, None)}],
    "slowfast": [{"variant": ("8x8", "4x16"), "fusion_kernel": (3, 5), "temporal_blocks": (0, 1),
                  "lateral_norm": (False, True), "slow_frames": ("strided", "spread")}],
}  # fmt: skip
QUICK = ("ctm",)
ROWS = [
    pytest.param(method, row, marks=[] if method in QUICK else pytest.mark.long)
    for method, rows in OPTIONS.items()
    for row in rows
]


@pytest.fixture(autouse=True)
def _short(monkeypatch, no_random_start):
    monkeypatch.setitem(slowfast.DEPTHS, "resnet50", (1, 1, 1, 1))


def build(method, **kwargs):
    kwargs = {"num_classes": CLASSES, "image_size": SIZE, "weights": None} | kwargs
    backbone = "resnet50" if method in NETWORKS else "tiny"
    return ctm_keras.build_video_model(method, kwargs.pop("backbone", backbone), **kwargs)


def again(model, path, method, **kwargs):
    """A model that is built from a model's file."""
    model.save(path)
    return build(method, weights=path, **kwargs)


def test_every_option_of_every_method_has_a_row():
    assert set(OPTIONS) - {"tsm+nonlocal"} == set(METHODS | NETWORKS)
    for method, rows in OPTIONS.items():
        if "+" not in method:
            own = set(options_of(method)) - {"pools"}  # of Inception, which is not small
            assert {name for row in rows for name in row} == own


@pytest.mark.parametrize(("method", "row"), ROWS)
def test_nothing_given_is_as_in_the_file(method, row, tmp_path, scramble, make_clips):
    options = {name: value for name, (value, _) in row.items()}
    one = scramble(build(method, num_frames=FRAMES, preprocessing=KINETICS, **options))
    two = again(one, tmp_path / "x.keras", method, num_classes=None, image_size=None)
    clips = make_clips(2, FRAMES, SIZE)
    assert np.array_equal(one(clips), two(clips))
    if row:
        others = {name: other for name, (_, other) in row.items()}
        with pytest.raises(ValueError, match="differs from the model") as error:
            build(method, weights=tmp_path / "x.keras", **others)
        assert all(f"{name} is " in str(error.value) for name in row)


@pytest.mark.parametrize(
    ("method", "mode", "others"),
    [
        pytest.param("tam", "avg", [False, "max"], marks=pytest.mark.long),
        pytest.param("cost", "max", [False, "avg"], marks=pytest.mark.long),
        ("i3d", True, [False]),  # by strides
        pytest.param("tsn", None, [True, "avg"], marks=pytest.mark.long),
    ],
)
def test_pooling_is_taken_and_its_contrary_refused(
    method, mode, others, tmp_path, scramble, make_clips
):
    one = scramble(build(method, num_frames=FRAMES, temporal_pooling=mode))
    two = again(one, tmp_path / "x.keras", method)
    clips = make_clips(1, FRAMES, SIZE)
    assert np.array_equal(one(clips), two(clips))
    for other in others:
        with pytest.raises(ValueError, match="temporal_pooling is "):
            build(method, weights=tmp_path / "x.keras", temporal_pooling=other)


def test_pixels_follow_the_weights(tmp_path):
    path = tmp_path / "x.keras"
    tsn = build("tsn", preprocessing=KINETICS)
    kept = Preprocessing(**KINETICS)
    assert pixels_of(again(tsn, path, "tsn")) == pixels_of(again(tsn, path, "ctm")) == kept
    with pytest.raises(ValueError, match=r"'bgr'.*received .*'rgb'"):
        build("tsn", weights=path, preprocessing={**KINETICS, "channels": "rgb"})


def test_pixels_follow_the_weights_into_a_model_that_has_predicted(tmp_path, make_clips):
    clips, path = make_clips(1, 4, SIZE), tmp_path / "x.keras"
    one, two = (build("tsn", num_frames=4, **p) for p in ({"preprocessing": KINETICS}, {}))
    two.predict(clips, verbose=0)
    one.save(path)
    ctm_keras.load_weights(two, path)
    assert np.array_equal(one.predict(clips, verbose=0), two.predict(clips, verbose=0))


def test_another_method_starts_from_its_own_options(tmp_path):
    tsm = build("tsm", num_frames=6, fold_div=4, temporal_pooling=True)
    ctm = again(tsm, tmp_path / "x.keras", "ctm")
    assert ctm.input_shape[1] == 8
    report = ctm_keras.adoption_report(ctm)
    assert "conv2_block1_tsm" in report.left_out
    assert "conv2_block1_temporal_pool" in report.left_out
    assert "num_frames=8, not 6" in report.changed
    with pytest.raises(ValueError, match="fold_div of conv2_block1_tsm is 4, in the model 8"):
        build("tsm+nonlocal", weights=tmp_path / "x.keras")


def test_frames_that_are_given_count_and_are_reported(tmp_path):
    one = build("i3d", num_frames=4, time_padding="zero")
    two = again(one, tmp_path / "x.keras", "i3d", num_frames=8)
    report = ctm_keras.adoption_report(two)
    assert (report.kept, report.changed) == (("time_padding='zero'",), ("num_frames=8, not 4",))
    assert two.input_shape[1] == 8


def test_other_classes_start_a_head_on_the_files_network(tmp_path):
    one = build("tsm", num_frames=6, fold_div=4)
    two = again(one, tmp_path / "x.keras", "tsm", num_classes=5)
    assert ctm_keras.adoption_report(two).head_started
    assert (two.input_shape[1], two.get_layer("conv2_block1_tsm").fold_div) == (6, 4)


def test_classes_are_those_of_the_file(tmp_path):
    one = build("tsn", num_classes=None, class_names=list("ab"))
    two = again(one, tmp_path / "x.keras", "tsn", num_classes=None)
    assert ctm_keras.class_names(two) == ["a", "b"]


def without_note(model):
    """A model as it was saved before models kept what they were built with."""
    model.layers[-1].built_with = None
    return model


def test_options_of_old_files_are_inferred_from_layers(tmp_path, scramble, make_clips):
    one = without_note(scramble(build("tsm", num_frames=6, fold_div=4, online=True)))
    assert Origin.of(one) == Origin("tsm", "tiny", {"fold_div": 4, "online": True})
    two = again(one, tmp_path / "x.keras", "tsm")
    clips = make_clips(1, 6, SIZE)
    assert np.array_equal(one(clips), two(clips))
    with pytest.raises(ValueError, match="fold_div is 4, in the model 8"):
        build("tsm", weights=tmp_path / "x.keras", fold_div=8)


@pytest.mark.parametrize(
    ("method", "options", "named"),
    [
        ("tsm", {"every": 2}, "conv4_block2_tsm is missing, in the model a TSM"),
        pytest.param(
            "cost",
            {"pooling": "code"},
            "size of conv2_block1_temporal_pool is 2, in the model 3",
            marks=pytest.mark.long,
        ),
        pytest.param(
            "slowfast",
            {"lateral_norm": False},
            "lateral_conv1_bn is missing, in the model a Ba",
            marks=pytest.mark.long,
        ),
    ],
)
def test_options_missing_in_old_files_are_refused_by_name(
    method, options, named, tmp_path, make_clips, scramble
):
    one = without_note(scramble(build(method, **options)))
    with pytest.raises(ValueError, match=named):
        again(one, tmp_path / "x.keras", method)
    two = build(method, weights=tmp_path / "x.keras", **options)
    clips = make_clips(1, one.input_shape[1], SIZE)
    assert np.array_equal(one(clips), two(clips))


@pytest.mark.parametrize(
    ("method", "options"),
    [
        pytest.param("tsn", {"temporal_pooling": "avg"}, marks=pytest.mark.long),
        pytest.param(
            "nonlocal", {"temporal_pooling": "max", "mode": "dot_product"}, marks=pytest.mark.long
        ),
        pytest.param("c2d", {"temporal_pooling": "avg"}, marks=pytest.mark.long),
        pytest.param("i3d", {"temporal_pooling": "max"}, marks=pytest.mark.long),  # by strides
        pytest.param("slowfast", {"temporal_pooling": "avg"}, marks=pytest.mark.long),
        ("tsm+ctm", {"fold_div": 4, "temporal_pooling": "max", "paths": ("tccm",)}),
        pytest.param(
            "ctm",
            {"stages": (3, 4), "blocks": {3: (1,), 4: (2, 3)}, "reduction": 2},
            marks=pytest.mark.long,
        ),
        pytest.param("nonlocal", {"stages": (4,), "blocks": {4: (1, 4)}}, marks=pytest.mark.long),
        pytest.param(
            "stm", {"stages": (4,), "blocks": {4: (1,)}, "fusion": "concat"}, marks=pytest.mark.long
        ),
    ],
)
def test_pooling_places_and_joined_methods_of_old_files_are_inferred(
    method, options, tmp_path, make_clips, scramble
):
    one = without_note(scramble(build(method, **options)))
    assert options.items() <= Origin.of(one).options.items()
    two = again(one, tmp_path / "x.keras", method)
    clips = make_clips(1, one.input_shape[1], SIZE)
    assert np.array_equal(one(clips), two(clips))


@pytest.mark.parametrize(
    "method",
    [
        "c2d",
        *(pytest.param(m, marks=pytest.mark.long) for m in ("cost", "i3d_3x1x1", "avg", "tam")),
    ],
)
def test_other_poolings_are_no_temporal_pooling(method):
    assert "temporal_pooling" not in Origin.of(without_note(build(method))).options


def test_the_remedy_names_what_was_given_or_what_is_to_be_given(tmp_path):
    path = tmp_path / "x.keras"
    one = build("tsm", every=2, fold_div=4)
    one.save(path)
    with pytest.raises(ValueError, match="Omit fold_div"):
        build("tsm", weights=path, fold_div=8)
    with pytest.raises(
        ValueError, match=r"every is 2, in the model the default.*fold_div=4"
    ) as error:
        ctm_keras.load_weights(build("tsm"), path)
    assert "Omit" not in str(error.value)
    without_note(one).save(path)
    for given in ({}, {"every": 3}):
        with pytest.raises(
            ValueError, match=r"Pass those .* among every, stages, temporal_pooling"
        ) as error:
            build("tsm", weights=path, **given)
        assert "Omit" not in str(error.value)
        assert "the default" not in str(error.value)


def test_methods_and_backbones_of_files_without_note():
    for method in ("i3d_3x1x1", "tsm+nonlocal"):
        assert Origin.of(without_note(build(method))).method == method
    assert Origin.of(without_note(build("tsn", backbone="tv_resnet18"))).backbone == "tv_resnet18"


@pytest.mark.long
def test_a_resnet_of_another_layout_is_refused_by_its_name(tmp_path):
    build("tsn", backbone="tv_resnet50").save(tmp_path / "x.keras")
    with pytest.raises(ValueError, match="Build the model with tv_resnet50"):
        build("tsn", backbone="resnet50", weights=tmp_path / "x.keras")


def test_the_note_is_plain_python():
    model = build("ctm", blocks=[np.int64(1), np.int64(2)], stages=range(4, 5))
    assert Origin.of(model).options == {"blocks": (1, 2), "stages": (4,)}


def test_precision_and_frozen_layers_are_no_difference(tmp_path):
    one = build("tsm", fold_div=4)
    one.trainable = False
    one.save(tmp_path / "x.keras")
    keras.config.set_dtype_policy("mixed_float16")
    try:
        two = build("tsm", weights=tmp_path / "x.keras")
    finally:
        keras.config.set_dtype_policy("float32")
    assert two.get_layer("conv2_block1_tsm").fold_div == 4
