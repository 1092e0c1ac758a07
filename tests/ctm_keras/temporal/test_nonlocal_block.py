"""Non-local blocks against plain loops over the paper's equations; places, start and errors."""

import numpy as np
import pytest

from ctm_keras.engine.anatomy import Anatomy
from ctm_keras.engine.families import FAMILIES
from ctm_keras.engine.graft import Site
from ctm_keras.temporal.nonlocal_block import NonLocal, nonlocal_block

MODES = ("embedded_gaussian", "gaussian", "dot_product")
RESNET50 = {2: 3, 3: 4, 4: 6, 5: 3}


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def built(x, **options):
    """A block with random weights."""
    layer = NonLocal(**options)
    layer(x)
    for seed, weight in enumerate(layer.weights):
        value = random(*weight.shape, seed=seed + 1)
        weight.assign(np.abs(value) + 0.5 if "variance" in weight.path else value)
    return layer


def plain_nonlocal(layer, x):
    """Equations 1 to 6, position by position."""

    def linear(dense, x):
        return x @ np.array(dense.kernel) + np.array(dense.bias)

    def positions(x):
        if layer.sub_sample:
            height, width = x.shape[2] // 2, x.shape[3] // 2
            corners = [
                x[:, :, i : 2 * height : 2, j : 2 * width : 2] for i in (0, 1) for j in (0, 1)
            ]
            x = np.max(corners, axis=0)
        return x.reshape(len(x), -1, x.shape[-1])

    embedded = layer.mode != "gaussian"
    theta = linear(layer.theta, x) if embedded else x
    phi = positions(linear(layer.phi, x) if embedded else x)
    g = positions(linear(layer.g, x))
    y = np.zeros((*x.shape[:-1], g.shape[-1]))
    for b, t, i, j in np.ndindex(*x.shape[:-1]):
        f = phi[b] @ theta[b, t, i, j]
        if layer.mode == "dot_product":
            weights = f / len(f)
        else:
            f = f / theta.shape[-1] ** 0.5 if layer.scale and embedded else f
            weights = np.exp(f - f.max()) / np.exp(f - f.max()).sum()
        y[b, t, i, j] = weights @ g[b]
    gamma, beta, mean, variance = (np.array(weight) for weight in layer.bn.weights)
    return x + gamma * (linear(layer.out, y) - mean) / np.sqrt(variance + 1e-5) + beta


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("options", [{}, {"sub_sample": False}, {"reduction": 4}, {"scale": True}])
def test_a_block_is_the_papers_sum_over_positions(mode, options):
    x = random(2, 3, 5, 4, 8)
    layer = built(x, mode=mode, **options)
    expected = plain_nonlocal(layer, x)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("mode", MODES)
def test_a_new_block_is_the_identity(mode):
    x = random(2, 3, 4, 4, 8)
    layer = NonLocal(mode)
    assert np.array_equal(layer(x), x)
    assert np.array_equal(layer(x, training=True), x)
    for dense in filter(None, (layer.theta, layer.phi, layer.g, layer.out)):
        assert not np.any(dense.bias)
        assert 0.005 < np.std(dense.kernel.numpy()) < 0.02


def test_every_position_sees_all_frames():
    x = random(1, 4, 4, 4, 8)
    layer = built(x)
    changed = x.copy()
    changed[:, 3] += 1
    assert np.all(np.any(np.array(layer(x)) != np.array(layer(changed)), axis=-1))


def test_the_number_of_weights_is_the_references():
    # C -> C/2 three times and back, with biases, and a batch norm
    layer = NonLocal()
    layer.build((None, 8, 28, 28, 512))
    assert layer.count_params() == 4 * 512 * 256 + 3 * 256 + 512 + 4 * 512


def anatomy(stages):
    """An anatomy of nothing but block outputs."""
    sites = [
        Site("block_output", None, f"conv{stage}_block{index}", stage, index)
        for stage, length in stages.items()
        for index in range(1, length + 1)
    ]
    return Anatomy("resnet", FAMILIES[1], None, tuple(sites))


@pytest.mark.parametrize(
    ("stages", "options", "places"),
    [
        (RESNET50, {}, {3: (1, 3), 4: (1, 3, 5)}),  # TSM's code
        ({**RESNET50, 4: 23}, {}, {3: (1, 3), 4: (6, 12, 18)}),
        ({3: 1, 4: 4}, {}, {3: (1,), 4: (1, 2, 3)}),
        (RESNET50, {"stages": 4, "blocks": (2, 4, 6)}, {4: (2, 4, 6)}),
        (RESNET50, {"stages": (4,), "blocks": "all"}, {4: (1, 2, 3, 4, 5, 6)}),
        (RESNET50, {"stages": (5,)}, {5: (2,)}),
    ],
)
def test_places(stages, options, places):
    grafts = nonlocal_block(anatomy(stages), **options)
    expected = [f"conv{s}_block{i}_nonlocal" for s, indices in places.items() for i in indices]
    assert [graft.layer.name for graft in grafts] == expected
    assert {graft.edit for graft in grafts} == {"after"}


def test_options_reach_the_blocks():
    options = {"mode": "dot_product", "reduction": 4, "sub_sample": False, "scale": True}
    (layer, *_) = [graft.layer for graft in nonlocal_block(anatomy(RESNET50), **options)]
    assert {name: layer.get_config()[name] for name in options} == options


def test_wrong_mode():
    with pytest.raises(
        ValueError, match=r"mode must be one of embedded_gaussian, gaussian, dot_prod"
    ):
        NonLocal("concatenation")


@pytest.mark.parametrize("reduction", [0, 1.5, "2"])
def test_wrong_reduction(reduction):
    with pytest.raises(ValueError, match=r"reduction must be an integer of at least 1, received"):
        NonLocal(reduction=reduction)


def test_maps_too_small_to_pool_say_what_to_do():
    with pytest.raises(ValueError, match=r"received 1 x 1. Use sub_sample=False"):
        NonLocal()(random(1, 4, 1, 1, 8))


def test_wrong_blocks_name_what_there_is():
    with pytest.raises(ValueError, match=r"blocks must be the number of .* \(1 to 4 in stage 3\)"):
        nonlocal_block(anatomy(RESNET50), blocks=5)


def test_no_stage_is_no_block():
    with pytest.raises(ValueError, match=r"at least one stage for non-local"):
        nonlocal_block(anatomy(RESNET50), stages=())
