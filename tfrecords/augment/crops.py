"""The box of a training clip: TSN's corner crops and Inception's resized crops.

Boxes are int arrays (top, left, height, width) in pixels of the original frame. They are resized to
the square of the clip, so a box that is not square changes the aspect ratio.
"""

import math

import numpy as np

SCALES = (1, 0.875, 0.75, 0.66)
QUARTERS = (  # top and left in quarters of the free space
    *((0, 0), (0, 4), (4, 0), (4, 4), (2, 2)),  # corners and center
    *((2, 0), (2, 4), (4, 2), (0, 2)),  # midpoints of the edges
    *((1, 1), (1, 3), (3, 1), (3, 3)),  # halfway to the corners
)
AREA, SHAPE, TRIES = (0.08, 1.0), (3 / 4, 4 / 3), 10


def corner_crop_box(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """One of TSN's multi-scale corner crops.

    Height and width are each the short side times one of `SCALES`, at most one step of the scales
    apart. The box is at one of thirteen fixed positions.

    Args:
        height: Rows of the frame.
        width: Columns of the frame.
        rng: Random generator.

    Returns:
        An int array (top, left, height, width).

    Reference:
        - [Towards Good Practices for Very Deep Two-Stream ConvNets](
          https://arxiv.org/abs/1507.02159)
        - [Temporal Segment Networks](https://arxiv.org/abs/1608.00859)
    """
    sizes = [max(1, int(min(height, width) * scale)) for scale in SCALES]
    steps = range(len(sizes))
    pairs = [(sizes[i], sizes[j]) for i in steps for j in steps if abs(i - j) <= 1]
    rows, columns = pairs[rng.integers(len(pairs))]
    down, right = QUARTERS[rng.integers(len(QUARTERS))]
    return np.array(
        [down * ((height - rows) // 4), right * ((width - columns) // 4), rows, columns]
    )


def resized_crop_box(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """A box of 8 to 100% of the picture with aspect ratio 3:4 to 4:3, or else the center square.

    Args:
        height: Rows of the frame.
        width: Columns of the frame.
        rng: Random generator.

    Returns:
        An int array (top, left, height, width).

    Reference:
        - [Going Deeper with Convolutions](https://arxiv.org/abs/1409.4842)
    """
    for _ in range(TRIES):
        area = rng.uniform(*AREA) * height * width
        shape = math.exp(rng.uniform(*np.log(SHAPE)))
        rows, columns = round(math.sqrt(area / shape)), round(math.sqrt(area * shape))
        if 0 < rows <= height and 0 < columns <= width:
            top, left = rng.integers(height - rows + 1), rng.integers(width - columns + 1)
            return np.array([top, left, rows, columns])
    side = min(height, width)
    return np.array([(height - side) // 2, (width - side) // 2, side, side])
