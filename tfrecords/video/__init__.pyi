from .read import Frame, VideoError, read_frames, read_times

__all__ = ["Frame", "VideoError", "read_frames", "read_times"]
