"""One table of models, many properties; each holds for every row.

Rows that together have every layer run by default; all rows run with `-m long`.
"""

import json
from functools import cache

import keras
import numpy as np
import pytest
import tensorflow as tf

import ctm_keras
from ctm_keras.temporal import slowfast

# A row: method, backbone, options.
CASES = {
    "tsn": ("tsn", "tiny", {}),
    "ctm": ("ctm", "tiny", {}),
    "ctm-tccm": ("ctm", "tiny", {"paths": ("tccm",), "blocks": 1}),
    "ctm-temporal": ("ctm", "tiny", {"paths": "temporal", "reduction": 2, "stages": (3, 4)}),
    "ctm-all": ("ctm", "tiny", {"blocks": "all"}),
    "ctm-stochastic-depth": ("ctm", "efficientnetb0", {}),
    "ctm-bare-operations": ("ctm", "convnexttiny", {"blocks": 1}),
    "ctm-resnet50": ("ctm", "resnet50", {}),
    "cost": ("cost", "tiny", {}),
    "cost-a": ("cost", "tiny", {"kind": "a", "share_weights": False}),
    "c2d": ("c2d", "tiny", {}),
    "c3d": ("c3d", "tiny", {}),
    "stm": ("stm", "tiny", {}),
    "stm-concat": ("stm", "tiny", {"fusion": "concat", "temporal_conv": "ordinary", "blocks": 1}),
    "i3d": ("i3d", "tiny", {}),
    "i3d-pooled": ("i3d", "tiny", {"temporal_pooling": True}),
    "i3d-zero": ("i3d", "tiny", {"time_padding": "zero", "temporal_pooling": True}),
    "i3d-resnet50v2": ("i3d", "resnet50v2", {"time_padding": "zero", "temporal_pooling": True}),
    "i3d-3x1x1": ("i3d_3x1x1", "tiny", {}),
    "s3d": ("s3d", "tiny", {}),
    "s3d-depthwise": ("s3d", "tiny", {"depthwise": True, "temporal_pooling": True}),
    "s3d-r2plus1d": ("s3d", "tiny", {"widths": "r2plus1d", "temporal_pooling": True}),
    "tam": ("tam", "tiny", {}),
    "tam-max": ("tam", "tiny", {"blending": "max", "blending_frames": 4}),
    "tsm": ("tsm", "tiny", {}),
    "conv": ("conv", "tiny", {}),
    "avg": ("avg", "tiny", {}),
    "max": ("max", "tiny", {}),
    "nonlocal": ("nonlocal", "tiny", {}),
    "nonlocal-dot-product": ("nonlocal", "tiny", {"mode": "dot_product"}),
    "nonlocal-pooled": ("nonlocal", "tiny", {"mode": "gaussian", "temporal_pooling": True}),
    "slowfast": ("slowfast", "resnet50", {"variant": "8x8"}),
    "six": ("tsm+tam+stm+ctm+conv+nonlocal", "tiny", {}),
    "six-head": ("tsm+tam+stm+ctm+conv+nonlocal", "tiny", {"stages": "head"}),
}
NAMES = ["left", "right", "schräg"]
FRAMES, SIZE = 4, 32
SHUFFLED = [1, 0, 3, 2]  # not the reverse, under which an average of neighbors stays the same

GRAFTED = [case for case, (method, _, _) in CASES.items() if method != "slowfast"]
ON_TINY = [case for case, (_, backbone, _) in CASES.items() if backbone == "tiny"]
ONE_OF_EACH = list({CASES[case][0]: case for case in reversed(CASES)}.values())  # method
FEW = ("tsn", "six")
EVERY_LAYER = (*FEW, "cost", "s3d", "s3d-r2plus1d", "slowfast")
SEVERAL_METHODS = (*EVERY_LAYER, "ctm", "i3d", "nonlocal")
ORDERLESS = ("tsn", "nonlocal")  # a frame sees itself, or all alike
IDENTITY_AT_START = ("tsn", "ctm", "nonlocal", "i3d", "i3d_3x1x1", "c3d")
KEEP_STILL_CLIPS = [case for case in ON_TINY if CASES[case][0] in IDENTITY_AT_START]
KEEP_STILL_CLIPS.remove("i3d-zero")  # its first and last frame see zeros


def rows(default, cases=tuple(CASES)):
    """These cases; all but the default ones are `long`."""
    return [
        case if case in default else pytest.param(case, marks=pytest.mark.long) for case in cases
    ]


RELOAD = """
import sys, json
from unittest.mock import patch
import numpy as np
import keras, ctm_keras

def zeros(self, shape, dtype=None, **_):
    return keras.ops.zeros(shape, dtype)

assert keras.config.backend() == "tensorflow" or "tensorflow" not in sys.modules
folder, cases = sys.argv[1], json.loads(sys.argv[2])
clips = np.load(f"{folder}/clips.npy")
scores = {}
for case in cases:
    # Weights are overwritten; JAX would compile a draw for each shape.
    with patch.object(keras.initializers.VarianceScaling, "__call__", zeros):
        model = keras.saving.load_model(f"{folder}/{case}.keras")
    assert ctm_keras.class_names(model) == ["left", "right", "schr\\u00e4g"], case
    if keras.config.backend() == "jax":  # which compiles each operation by itself otherwise
        scores[case] = model.predict(clips, verbose=0)
    else:
        scores[case] = keras.ops.convert_to_numpy(model(clips))
np.savez(f"{folder}/{keras.config.backend()}.npz", **scores)

# On this backend, too: the identity at the start, and a step of training.
model = ctm_keras.build_video_model(
    "ctm", "tiny", 3, num_frames=4, image_size=32, weights=f"{folder}/tsn.keras")
print(np.abs(keras.ops.convert_to_numpy(model(clips)) - scores["tsn"]).max())
if keras.config.backend() == "torch" or len(cases) > 2:  # JAX compiles for seconds
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    assert np.isfinite(model.train_on_batch(clips, np.arange(len(clips)) % 3))
"""


def built(case, weights=None):
    """The model of a row."""
    method, backbone, options = CASES[case]
    return ctm_keras.build_video_model(
        method,
        backbone,
        class_names=NAMES,
        num_frames=FRAMES,
        image_size=SIZE,
        weights=weights,
        **options,
    )


@pytest.fixture(scope="module")
def models(scramble, make_clips):
    """Each row's model, away from its start, built once; SlowFast with few blocks."""

    @cache
    def build(case):
        return calibrated(scramble(built(case)), make_clips(8, FRAMES, SIZE, seed=1))

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(slowfast.DEPTHS, "resnet50", (1, 1, 2, 1))
        yield build


def calibrated(model, clips):
    """Gives batch norms the statistics of a batch, so that signals reach the end."""
    norms = parts(model, keras.layers.BatchNormalization)
    for norm in norms:
        norm.momentum = 0.0
    model(clips, training=True)
    for norm in norms:
        norm.momentum = 0.9
    return model


def parts(model, kind):
    """All layers of a kind in a model, within its layers too."""
    return [layer for layer in model._flatten_layers() if isinstance(layer, kind)]


@pytest.mark.parametrize(
    ("backend", "cases"),
    [
        ("jax", ["tsn"]),
        ("torch", FEW),
        pytest.param("tensorflow", list(CASES), marks=pytest.mark.long),
        pytest.param("jax", ON_TINY, marks=pytest.mark.long),
        pytest.param("torch", ON_TINY, marks=pytest.mark.long),
    ],
)
def test_a_fresh_process_that_imports_ctm_keras_loads_every_model(
    backend, cases, models, make_clips, run_python, tmp_path
):
    pytest.importorskip(backend, reason=f"{backend} is not installed")
    clips = make_clips(3, FRAMES, SIZE)
    np.save(tmp_path / "clips.npy", clips)
    for case in cases:
        models(case).save(tmp_path / f"{case}.keras")
    fast = "--xla_backend_optimization_level=0"  # fast to compile
    environ = {"KERAS_BACKEND": backend, "XLA_FLAGS": fast}
    printed = run_python(RELOAD, tmp_path, json.dumps(cases), **environ)
    assert float(printed.split()[-1]) <= (0.0 if backend == "tensorflow" else 1e-6)
    loaded = np.load(tmp_path / f"{backend}.npz")
    for case in cases:
        expected = np.array(models(case)(clips))
        np.testing.assert_allclose(loaded[case], expected, rtol=1e-3, atol=1e-4, err_msg=case)


def test_the_models_for_every_layer_have_every_layer(models):
    """But for Inception's pool and the scale and shift of deployable models, tested elsewhere."""
    registered = keras.saving.get_custom_objects().items()
    kinds = {kind for name, kind in registered if name.startswith("ctm_keras>")}
    kinds = {kind for kind in kinds if issubclass(kind, keras.layers.Layer)}
    found = {type(layer) for case in EVERY_LAYER for layer in models(case)._flatten_layers()}
    missing = {kind.__name__ for kind in kinds - found} - {"PaddedMaxPool", "ScaleShift"}
    assert not missing, f"Add a row of CASES that has {missing} to EVERY_LAYER."


@pytest.mark.parametrize("case", rows(EVERY_LAYER))
def test_config_round_trip(case, models, make_clips):
    model = models(case)
    copy = keras.Model.from_config(json.loads(json.dumps(model.get_config())))
    copy.set_weights(model.get_weights())
    clips = make_clips(2, FRAMES, SIZE)
    assert np.array_equal(copy(clips), model(clips))
    assert ctm_keras.class_names(copy) == NAMES
    assert [(x.name, type(x)) for x in copy.layers] == [(x.name, type(x)) for x in model.layers]


@pytest.mark.parametrize("case", rows(EVERY_LAYER))
def test_gradients_reach_every_weight_once(case, models, make_clips, monkeypatch):
    model = models(case)
    for dropout in parts(model, keras.layers.Dropout):  # whole branches, in EfficientNet
        monkeypatch.setattr(dropout, "rate", 0.0)
    assert len({id(w) for w in model.trainable_weights}) == len(model.trainable_weights)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(make_clips(2, FRAMES, SIZE), training=True) ** 2)
    gradients = tape.gradient(loss, [w.value for w in model.trainable_weights])
    for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
        assert gradient is not None, weight.path
        assert np.isfinite(gradient).all(), weight.path
        assert np.any(gradient), weight.path


@pytest.mark.parametrize("case", rows((*EVERY_LAYER, "cost-a")))
def test_what_weight_decay_must_not_skip_is_named_a_kernel(case, models):
    """The optimizers decay weights whose names end in `kernel`, and no others."""
    names = {weight.name for weight in models(case).trainable_weights}
    others = {name for name in names if not name.endswith("kernel")}
    assert others <= {"gamma", "beta", "bias", "alpha"}  # alpha blends the views of CoST


@pytest.mark.parametrize("case", rows(EVERY_LAYER))
def test_a_batch_does_not_mix_its_rows(case, models, make_clips):
    model = models(case)
    clips = make_clips(3, FRAMES, SIZE)
    together = np.array(model(clips))
    alone = np.concatenate([model(clip[None]) for clip in clips])
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("case", rows(SEVERAL_METHODS, ONE_OF_EACH))
def test_the_order_of_frames_counts_exactly_where_it_should(case, models, make_clips):
    model = models(case)
    clips = make_clips(2, FRAMES, SIZE)
    scores, shuffled = np.array(model(clips)), np.array(model(clips[:, SHUFFLED]))
    scale = np.abs(scores).max()
    method, _, options = CASES[case]
    if method in ORDERLESS and not options.get("temporal_pooling"):
        np.testing.assert_allclose(shuffled, scores, atol=1e-5 * scale)
    else:
        assert np.abs(shuffled - scores).max() > 1e-4 * scale


@pytest.mark.parametrize("case", rows(("ctm", "i3d", "nonlocal"), KEEP_STILL_CLIPS))
def test_a_still_clip_scores_as_the_image_where_the_start_is_the_identity(
    case, models, make_clips, share_weights, tmp_path
):
    models("tsn").save(tmp_path / "tsn.keras")
    model = built(case, tmp_path / "tsn.keras")
    still = np.repeat(make_clips(2, 1, SIZE), FRAMES, axis=1)
    expected = np.array(models("tsn")(still))
    np.testing.assert_allclose(model(still), expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("case", rows(SEVERAL_METHODS, ONE_OF_EACH))
def test_batch_norms_have_momentum_and_are_not_synchronized(case, models):
    norms = parts(models(case), keras.layers.BatchNormalization)
    assert {norm.momentum for norm in norms} <= {0.9}
    assert not any(norm.synchronized for norm in norms)


@pytest.mark.parametrize(
    ("case", "half"),
    [("six", "float16"), ("cost", "float16")]
    + [pytest.param("six", "bfloat16", marks=pytest.mark.long)]
    + [
        pytest.param(case, "float16", marks=pytest.mark.long)
        for case in (*ON_TINY, "slowfast", "ctm-stochastic-depth", "ctm-bare-operations")
        if case not in ("six", "cost")
    ],
)
def test_mixed_precision(case, half, models, make_clips, tmp_path):
    keras.config.set_dtype_policy(f"mixed_{half}")
    try:
        model = built(case)
    finally:
        keras.config.set_dtype_policy("float32")
    model.set_weights(models(case).get_weights())
    clips = make_clips(2, FRAMES, SIZE)
    with_weights = [x for x in model._flatten_layers() if x.weights and x.name != "scores"]
    assert {x.compute_dtype for x in with_weights if x is not model} == {half}
    assert model.get_layer("preprocess").output.dtype == model.output.dtype == "float32"
    expected = np.array(models(case)(clips))
    np.testing.assert_allclose(model(clips), expected, atol=0.05 * np.abs(expected).max())
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(clips, training=True))
    gradients = tape.gradient(loss, [w.value for w in model.trainable_weights])
    assert all(np.isfinite(gradient).all() for gradient in gradients)
    model.save(tmp_path / "half.keras")
    loaded = keras.saving.load_model(tmp_path / "half.keras")
    assert np.array_equal(loaded(clips), model(clips))


def test_uint8_and_float_clips_score_alike(models, make_clips):
    model = models("ctm")
    clips = make_clips(2, FRAMES, SIZE)
    expected = model.predict(clips.astype("float32"), verbose=0)
    assert np.array_equal(model.predict(clips, verbose=0), expected)
    assert np.array_equal(model(clips), model(clips.astype("float32")))


def test_fractions_of_gray_levels_count(models, make_clips):
    clips = make_clips(1, FRAMES, SIZE).astype("float32")
    assert not np.array_equal(models("ctm")(clips), models("ctm")(clips + 0.4))


@pytest.mark.parametrize("until", ["backbone", "stage3"])
@pytest.mark.parametrize("case", rows(("six-head", "s3d-r2plus1d"), GRAFTED))
def test_the_trunk_and_the_rest_compose_to_the_model(case, until, models, make_clips):
    model, clips = models(case), make_clips(2, FRAMES, SIZE)
    frozen = ctm_keras.freeze(model, until)
    try:
        trunk, rest = ctm_keras.split(model)
        assert np.array_equal(rest(trunk(clips)), model(clips))
        trained = {id(v) for v in model.trainable_variables}
        assert {id(v) for v in rest.trainable_variables} == trained
        assert not trunk.trainable_variables
        assert {layer.name for layer in trunk.layers if layer.weights} <= set(frozen)
    finally:
        for layer in model.layers:
            layer.trainable = True


def test_a_summary_reads_well(models):
    lines = []
    models("ctm").summary(line_length=100, print_fn=lines.append)
    text = "\n".join(lines)
    assert "conv4_block1_ctm (CTM)" in text
    assert text.index("clip (InputLayer)") < text.index("preprocess") < text.index("conv1_conv")
    assert text.index("conv4_block1_out") < text.index("conv4_block1_ctm (CTM)")
    assert "logits (AverageScores)" in text
