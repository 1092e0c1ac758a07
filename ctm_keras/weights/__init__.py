"""Loading of weights: ImageNet's, `.keras` files, published checkpoints; reports about it."""

from .fetch import alone
from .files import no_file, read_video_model
from .origin import Origin, frames_and_options, pixels_of
from .registry import Published, is_published, nearest_names, published_weights

__all__ = [
    "Origin",
    "Published",
    "alone",
    "frames_and_options",
    "is_published",
    "nearest_names",
    "no_file",
    "pixels_of",
    "published_weights",
    "read_video_model",
]
