from .copies import Copy, Video
from .dataset_stats import Stats

__all__ = ["Copy", "Stats", "Video"]
