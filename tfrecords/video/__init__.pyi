from .read import Frame, VideoError, read_frames, read_times
from .resample import resample_evenly

__all__ = ["Frame", "VideoError", "read_frames", "read_times", "resample_evenly"]
