"""The layers of CTM against independent readings of the paper."""

import keras
import numpy as np
import pytest

import ctm_keras
from ctm_keras.weights.tcc_grid import resize_grid


def equation_1(features, kernel):
    """Eq. 1 of the paper as it is written, position by position; zeros outside."""
    batch, frames, height, width, channels = features.shape
    grid = kernel.reshape(3, 3, height, width)
    output = np.zeros(features.shape)
    for b, t, h, w, c in np.ndindex(batch, frames, height, width, channels):
        for i in (-1, 0, 1):
            for j in (-1, 0, 1):
                if 0 <= t + i < frames and 0 <= c + j < channels:
                    output[b, t, h, w, c] += (
                        grid[i + 1, j + 1, h, w] * features[b, t + i, h, w, c + j]
                    )
    return output


@pytest.mark.parametrize("shape", [(2, 4, 3, 5, 6), (1, 1, 2, 2, 1), (1, 8, 2, 3, 4)])
def test_tcc_is_equation_1(shape):
    features = np.random.default_rng(0).normal(size=shape).astype("float32")
    tcc = ctm_keras.TCC()
    output = tcc(features)
    expected = equation_1(features, np.array(tcc.kernel))
    np.testing.assert_allclose(output, expected, atol=1e-5)


def test_tcc_shares_no_parameter_between_positions():
    tcc = ctm_keras.TCC()
    features = np.ones((1, 3, 4, 5, 3), "float32")
    tcc.build(features.shape)
    kernel = np.zeros(tcc.kernel.shape, "float32")
    kernel[:, :, 2 * 5 + 3] = 1
    tcc.kernel.assign(kernel)
    output = np.array(tcc(features))[0, 1, :, :, 1]
    assert output[2, 3] == 9
    assert output.sum() == 9


@pytest.mark.parametrize(
    ("size", "count"), [(56, 28_224), (28, 7_056), (14, 1_764), (7, 441)], ids="2345"
)
def test_tcc_has_nine_weights_per_position(size, count):
    tcc = ctm_keras.TCC()
    tcc.build((None, 8, size, size, 64))
    assert tcc.count_params() == 9 * size * size == count


def test_tcc_starts_alike_at_all_positions_with_the_variance_of_its_nine_inputs():
    kernels = []
    for seed in range(50):
        keras.utils.set_random_seed(seed)
        tcc = ctm_keras.TCC()
        tcc.build((None, 8, 2, 3, 4))
        kernels.append(np.array(tcc.kernel))
        assert np.ptp(kernels[-1], axis=2).max() == 0
    assert np.std(kernels) == pytest.approx((2 / 9) ** 0.5, rel=0.1)


def test_tcc_needs_the_size_of_the_image():
    with pytest.raises(ValueError, match=r"kernel for each position.*None, 8, None, None, 16"):
        ctm_keras.TCC().build((None, 8, None, None, 16))


def test_temporal_conv_is_its_formula(scramble):
    path = ctm_keras.TemporalConv(reduction=2)
    x = np.random.default_rng(0).normal(size=(2, 5, 2, 3, 4)).astype("float32")
    path.build(x.shape)
    scramble(path)
    y = _relu(_norm(path.reduce_bn, _matmul(path.reduce, x)))
    kernel = np.array(path.temporal.kernel)[:, 0, 0]
    padded = np.pad(y, [(0, 0), (1, 1), (0, 0), (0, 0), (0, 0)])
    y = sum(padded[:, i : i + 5] @ kernel[i] for i in range(3))
    y = _relu(_norm(path.temporal_bn, y))
    expected = _norm(path.restore_bn, _matmul(path.restore, y))
    np.testing.assert_allclose(path(x), expected, atol=1e-5)


def test_tccm_is_its_formula(scramble):
    path = ctm_keras.TCCM(reduction=2)
    x = np.random.default_rng(0).normal(size=(2, 5, 2, 3, 4)).astype("float32")
    path.build(x.shape)
    scramble(path)
    y = _relu(_norm(path.reduce_bn, _matmul(path.reduce, x)))
    y = _relu(_norm(path.temporal_bn, equation_1(y, np.array(path.temporal.kernel))))
    expected = _norm(path.restore_bn, _matmul(path.restore, y))
    np.testing.assert_allclose(path(x), expected, atol=1e-5)


@pytest.mark.parametrize("paths", [("tccm",), ("temporal",), ("tccm", "temporal")])
def test_ctm_is_the_sum_of_its_paths_and_the_identity_at_first(paths, scramble):
    block = ctm_keras.CTM(paths, reduction=2)
    x = np.random.default_rng(0).normal(size=(2, 4, 3, 3, 8)).astype("float32")
    assert np.array_equal(block(x), x)
    scramble(block)
    expected = x + sum(np.array(branch(x)) for branch in block.branches)
    np.testing.assert_allclose(block(x), expected, atol=1e-6)
    assert not np.allclose(block(x), x, atol=1e-3)


def test_only_the_last_batch_norm_of_each_path_starts_at_zero():
    block = ctm_keras.CTM()
    block.build((None, 4, 3, 3, 8))
    zero = [w.path for w in block.weights if "gamma" in w.path and not np.array(w).any()]
    assert zero == [f"{block.name}/{path}/restore_bn/gamma" for path in ("tccm", "temporal")]


@pytest.mark.parametrize("layer", [ctm_keras.CTM, ctm_keras.TCCM, ctm_keras.TemporalConv])
@pytest.mark.parametrize("channels", [16, 64])
def test_parameters_by_formula(layer, channels):
    block = layer(reduction=4)
    block.build((None, 8, 5, 6, channels))
    inner = channels // 4
    norms = 4 * (inner + inner + channels)
    ends = 2 * channels * inner
    count = {
        ctm_keras.TCCM: ends + norms + 9 * 5 * 6,
        ctm_keras.TemporalConv: ends + norms + 3 * inner * inner,
    }
    count[ctm_keras.CTM] = sum(count.values())
    assert block.count_params() == count[layer]


@pytest.mark.parametrize("paths", [(), ("tcc",), ("tccm", "tccm")])
def test_ctm_refuses_wrong_paths(paths):
    with pytest.raises(ValueError, match="must be one or both of tccm, temporal"):
        ctm_keras.CTM(paths)


@pytest.mark.parametrize("reduction", [0, 2.5])
def test_ctm_refuses_wrong_reductions(reduction):
    with pytest.raises(ValueError, match="reduction must be an integer"):
        ctm_keras.CTM(reduction=reduction)


def test_kernels_are_interpolated_as_images_are_resized():
    kernel = np.random.default_rng(0).normal(size=(3, 3, 4 * 6, 1)).astype("float32")
    images = kernel.reshape(9, 4, 6, 1)
    for size in [(8, 12), (7, 9), (4, 6)]:
        expected = keras.ops.image.resize(images, size, interpolation="bilinear")
        resized = resize_grid(kernel, (4, 6), size)
        assert resized.shape == (3, 3, size[0] * size[1], 1)
        np.testing.assert_allclose(resized.reshape(9, *size, 1), expected, atol=1e-5)


def test_an_even_grid_of_kernels_stays_even():
    kernel = np.full((3, 3, 8 * 8, 1), 0.25, "float32")
    np.testing.assert_allclose(resize_grid(kernel, (8, 8), (13, 5)), 0.25, rtol=1e-6)


def _matmul(conv, x):
    return x @ np.array(conv.kernel)[0, 0, 0]


def _norm(layer, x):
    mean, variance = np.array(layer.moving_mean), np.array(layer.moving_variance)
    scale = np.array(layer.gamma) / np.sqrt(variance + layer.epsilon)
    return (x - mean) * scale + np.array(layer.beta)


def _relu(x):
    return np.maximum(x, 0)
