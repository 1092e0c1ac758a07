"""Small intact videos with motion, one of each kind of container and codec."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

FRAMES, HEIGHT, WIDTH = 16, 48, 64
CODECS = {  # file: encoder, format of its pixels, options
    "h264.mp4": ("libx264", "yuv420p", {"qp": "24"}),
    "h264_all_intra.mov": ("libx264", "yuv420p", {"g": "1", "qp": "24"}),
    "h264.ts": ("libx264", "yuv420p", {"qp": "24"}),
    "hevc.mp4": ("libx265", "yuv420p", {"x265-params": "log-level=none"}),
    "vp8.webm": ("libvpx", "yuv420p", {}),
    "vp9.webm": ("libvpx-vp9", "yuv420p", {}),
    "av1.mkv": ("libsvtav1", "yuv420p", {}),
    "mpeg4.avi": ("mpeg4", "yuv420p", {}),
    "mpeg1.mpg": ("mpeg1video", "yuv420p", {}),
    "mpeg2.ts": ("mpeg2video", "yuv420p", {}),
    "mjpeg.avi": ("mjpeg", "yuvj420p", {}),
    "ffv1.mkv": ("ffv1", "yuv420p", {"level": "3", "slicecrc": "1"}),
    "raw.avi": ("rawvideo", "bgr24", {}),
    "wmv2.wmv": ("wmv2", "yuv420p", {}),
    "animation.gif": ("gif", "rgb8", {}),
}


def picture(number: int) -> np.ndarray:
    """A moving square in front of a drifting texture."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    waves = 120 + 60 * np.sin((x + 2 * number) / 5) + 40 * np.cos((y - number) / 4)
    rgb = np.stack([waves, waves[::-1], 255 - waves], axis=-1).clip(0, 255).astype(np.uint8)
    rgb[10:26, 2 * number : 2 * number + 16] = (250, 30, 30)
    return rgb


def write_original(path: Path) -> Path:
    """Encodes the pictures in the format of the file name."""
    codec, pixels, options = CODECS[path.name]
    same_bytes = {"fflags": "bitexact"}  # Matroska has a random identifier
    with av.open(str(path), "w", container_options=same_bytes) as out:
        stream = out.add_stream(codec, rate=Fraction(25), options=options)
        stream.height, stream.width, stream.pix_fmt = HEIGHT, WIDTH, pixels
        stream.thread_count = 1
        for number in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(picture(number), format="rgb24")
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path
