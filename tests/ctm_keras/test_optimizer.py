"""The optimizers and the schedule against loops written from the papers' words."""

import keras
import numpy as np
import pytest

from ctm_keras.optimizer import SGD, AdamW, StepSchedule


@pytest.fixture
def model():
    keras.utils.set_random_seed(1)
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, name="conv")(image)
    x = keras.layers.DepthwiseConv2D(3, name="depthwise")(x)
    x = keras.layers.BatchNormalization(name="bn")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, keras.layers.Dense(2, name="dense")(x))


def descend(weights, gradients, decays, rate, momentum, l2):
    """SGD as PyTorch and the papers' frameworks write it, at a constant rate."""
    buffers = [np.zeros_like(w) for w in weights]
    for step in gradients:
        for i, gradient in enumerate(step):
            buffers[i] = momentum * buffers[i] + gradient + l2 * decays[i] * weights[i]
            weights[i] = weights[i] - rate * buffers[i]
    return weights


def adam(weights, gradients, decays, rate, decay):
    """Algorithm 2 of Loshchilov and Hutter at a constant rate, its decay times the rate."""
    first, second = ([np.zeros_like(w) for w in weights] for _ in range(2))
    for t, step in enumerate(gradients, start=1):
        for i, gradient in enumerate(step):
            first[i] = 0.9 * first[i] + 0.1 * gradient
            second[i] = 0.999 * second[i] + 0.001 * gradient**2
            moved = first[i] / (1 - 0.9**t) / (np.sqrt(second[i] / (1 - 0.999**t)) + 1e-7)
            weights[i] = weights[i] - rate * (moved + decay * decays[i] * weights[i])
    return weights


@pytest.mark.parametrize(
    ("make", "loop", "values"),
    [
        (lambda: SGD(0.1, momentum=0.9, l2=0.05), descend, (0.1, 0.9, 0.05)),
        (lambda: AdamW(0.1, weight_decay=0.05), adam, (0.1, 0.05)),
    ],
)
def test_only_kernels_are_decayed_as_in_the_papers(model, make, loop, values):
    optimizer = make()  # an optimizer that is made at import would start TensorFlow
    rng = np.random.default_rng(0)
    variables = model.trainable_variables
    start = [v.numpy() for v in variables]
    steps = [[rng.normal(size=v.shape).astype("float32") for v in variables] for _ in range(20)]
    names = [v.path for v in variables]
    decays = [1.0 if name.endswith("kernel") else 0.0 for name in names]
    assert sum(decays) == 3, names
    assert any("depthwise" in n for n, d in zip(names, decays, strict=True) if d)
    for gradients in steps:
        optimizer.apply([keras.ops.convert_to_tensor(g) for g in gradients], variables)
    expected = loop(start, steps, decays, *values)
    for variable, value in zip(variables, expected, strict=True):
        np.testing.assert_allclose(variable.numpy(), value, rtol=1e-4, atol=5e-5)


def test_adamw_equals_that_of_keras_without_the_other_variables(model):
    twin = keras.models.clone_model(model)
    twin.set_weights(model.get_weights())
    ours, theirs = AdamW(0.01, 0.1), keras.optimizers.AdamW(0.01, 0.1)
    theirs.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    rng = np.random.default_rng(0)
    gradients = [rng.normal(size=v.shape).astype("float32") for v in model.trainable_variables]
    for optimizer, variables in [
        (ours, model.trainable_variables),
        (theirs, twin.trainable_variables),
    ]:
        for _ in range(3):
            optimizer.apply([keras.ops.convert_to_tensor(g) for g in gradients], variables)
    for one, other in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_fit_equals_an_l2_regulariser(model):
    twin = keras.models.clone_model(model)
    twin.set_weights(model.get_weights())
    for layer in twin.layers:
        if hasattr(layer, "kernel"):
            layer.kernel.regularizer = keras.regularizers.L2(0.05 / 2)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(32, 8, 8, 3)).astype("float32"), rng.integers(0, 2, 32)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(SGD(0.1, l2=0.05), loss)
    twin.compile(keras.optimizers.SGD(0.1, momentum=0.9), loss)
    for m in (model, twin):
        m.fit(x, y, batch_size=8, epochs=3, shuffle=False, verbose=0)
    for ours, theirs in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("optimizer", [SGD, AdamW])
def test_a_variable_can_learn_more_slowly(model, optimizer):
    """Also its weight decay; the step of a variable without a factor stays as it is."""
    variables, start = model.trainable_variables, model.get_weights()
    names = [v.path for v in variables]

    def moved(**options):
        model.set_weights(start)
        before = [v.numpy() for v in variables]
        ones = [keras.ops.ones(v.shape) for v in variables]
        optimizer(0.5, **options).apply(ones, variables)
        return {v.path: v.numpy() - b for v, b in zip(variables, before, strict=True)}

    slow = [name for name in names if name.startswith(("conv", "bn"))]
    whole, part = moved(), moved(rate_factors=dict.fromkeys(slow, 0.1))
    assert 0 < len(slow) < len(names)
    for name in names:
        factor = 0.1 if name in slow else 1.0
        np.testing.assert_allclose(part[name], factor * whole[name], rtol=1e-5, atol=1e-7)


def test_a_factor_of_a_variable_that_does_not_exist_is_refused(model):
    optimizer = SGD(0.1, rate_factors={"conv/kernel": 0.1, "conv/kernels": 0.1})
    with pytest.raises(ValueError, match=r"rate_factors must .*, received conv/kernels"):
        optimizer.build(model.trainable_variables)


@pytest.mark.parametrize(
    ("kind", "arguments", "values"),
    [
        (SGD, {"learning_rate": StepSchedule(0.1, [3], 0.5, 2), "l2": 0.01}, {"l2": 0.01}),
        (
            AdamW,
            {"weight_decay": 0.3, "rate_factors": {"a": 0.5}},
            {"decoupled": 0.3, "rate_factors": {"a": 0.5}},
        ),
    ],
)
def test_optimizer_survives_its_config(kind, arguments, values):
    optimizer = kind(**arguments)
    copy = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert type(copy) is type(optimizer)
    assert {name: getattr(copy, name) for name in values} == values
    assert copy.get_config() == optimizer.get_config()


@pytest.mark.parametrize(
    ("optimizer", "values", "word"),
    [
        (SGD, {"l2": -1}, "l2"),
        (SGD, {"weight_decay": 0.1}, "l2"),
        (AdamW, {"weight_decay": -1}, "weight_decay must be at least 0, received -1"),
    ],
)
def test_wrong_weight_decay_is_refused(optimizer, values, word):
    with pytest.raises(ValueError, match=word):
        optimizer(0.1, **values)


def test_schedule_falls_at_the_milestones_after_the_warm_up():
    schedule = StepSchedule(1.0, milestones=[10, 20], decay=0.1, warmup_steps=4)
    rates = [float(schedule(step)) for step in range(22)]
    expected = [0.25, 0.5, 0.75] + [1.0] * 7 + [0.1] * 10 + [0.01] * 2
    np.testing.assert_allclose(rates, expected, rtol=1e-6)
    copy = StepSchedule.from_config(schedule.get_config())
    assert float(copy(20)) == pytest.approx(0.01)
