"""Where weights come from: ImageNet, a file of this project; and what became of them."""

from .files import read_video_model
from .origin import frames_and_options, pixels_of

__all__ = ["frames_and_options", "pixels_of", "read_video_model"]
