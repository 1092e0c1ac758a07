"""Weights and clips by a fixed formula: any machine makes the same, without files or generators."""

import math
import zlib

import numpy as np

Shapes = dict[str, tuple[int, ...]]
# Of a batch norm: the middle and the reach of each of its numbers.
NORM = {
    "weight": (1.0, 0.5),
    "bias": (0.0, 0.1),
    "running_mean": (0.0, 0.1),
    "running_var": (1.0, 0.5),
}
CELLS = 8


def uniform(key: str, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers from -1 to below 1: a hash (MurmurHash3's last step) of a key and each place."""
    x = np.arange(math.prod(shape), dtype=np.uint32) * np.uint32(0x9E3779B1)
    x ^= np.uint32(zlib.crc32(key.encode()))
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        x ^= x >> np.uint32(shift)
        x *= np.uint32(factor)
    return ((x >> np.uint32(8)) * np.float32(2**-23) - np.float32(1)).reshape(shape)


def weights(shapes: Shapes) -> dict[str, np.ndarray]:
    """The weights of a PyTorch network, from the names and shapes of its state.

    Kernels have variance 1 / fan-in. A batch norm is what has a running mean: its scale and
    variance are 0.5 to 1.5. Biases and means are small.
    """
    return {key: _weight(key, shape, shapes) for key, shape in shapes.items()}


def _weight(key: str, shape: tuple[int, ...], shapes: Shapes) -> np.ndarray:
    module, _, end = key.rpartition(".")
    if end == "num_batches_tracked":
        return np.zeros(shape, "int64")
    if f"{module}.running_mean" in shapes:
        center, reach = NORM[end]
    elif len(shape) > 1:
        center, reach = 0.0, math.sqrt(3 / math.prod(shape[1:]))
    else:
        center, reach = 0.0, 0.1
    return np.float32(center) + np.float32(reach) * uniform(key, shape)


def clips(batch: int, frames: int, size: int) -> np.ndarray:
    """Pictures of 8 x 8 random cells under noise, each frame another: uint8 RGB.

    The cells keep the frames apart where all is averaged; noise alone would not.
    """
    cell = np.arange(size) * CELLS // size
    coarse = uniform("cells", (batch, frames, CELLS, CELLS, 3))[:, :, cell][:, :, :, cell]
    fine = uniform("noise", (batch, frames, size, size, 3))
    return (128 + 80 * coarse + 40 * fine).astype("uint8")
