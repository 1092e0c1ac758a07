"""Loading of weights from ImageNet or `.keras` files, and reports about it."""

from .files import read_video_model
from .origin import Origin, frames_and_options, pixels_of

__all__ = ["Origin", "frames_and_options", "pixels_of", "read_video_model"]
