"""Videos of image files: folders of frames and animated WebP. Also detects still pictures."""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
from PIL import Image, ImageSequence

from tfrecords.text import counted
from tfrecords.video.parts import chunk_length, parts
from tfrecords.video.picture import Picture, VideoError
from tfrecords.video.suffixes import IMAGES, VIDEOS

FOLDER_FPS = 25.0  # a folder of frames has no time stamps
_WEBP_CHUNKS = {b"VP8X", b"ICCP", b"ANIM", b"ANMF", b"EXIF", b"XMP ", b"C2PA"}  # of an animation
_STILLS = {"image2", "ico"}  # demuxers of one picture, and all whose names end in _pipe
_STILL_BRANDS = {"avif", "heic", "heix", "heim", "heis", "mif1"}  # in MP4 containers


def folder(path: Path) -> Iterator[Picture]:
    """Decodes the images of a folder in the natural order of their names."""
    tick = round(1e6 / FOLDER_FPS)
    files = [f for f in path.iterdir() if f.name[0] != "."]
    names = [f for f in files if f.suffix.lower() in IMAGES]
    if not names:
        raise VideoError("the folder has no images")
    if any(f.suffix.lower() in VIDEOS for f in files):
        raise VideoError("the folder contains videos next to images")
    for number, file in enumerate(sorted(names, key=natural)):
        yield Picture(_image(file), number * tick, tick)


def natural(path: Path) -> list:
    """A sort key that puts frame_9 before frame_10."""
    parts = re.split(r"(\d+)", path.name)
    return [(int(part), part) if part.isdigit() else (-1, part) for part in parts]


def _image(file: Path) -> np.ndarray:
    content = file.read_bytes()
    if _is_animated(content):
        raise VideoError(f"its image {file.name} is an animation and thus a separate video")
    cut = content[:2] == b"\xff\xd8" and b"\xff\xd9" not in content[-64:]
    image = None if cut or not content else cv2.imdecode(np.frombuffer(content, np.uint8), 1)
    if image is None:
        raise VideoError(f"its image {file.name} is damaged")
    return image


def still_kind(container: av.container.InputContainer) -> str | None:
    """The kind of a still picture, regardless of its suffix; None for a video."""
    name = container.format.name
    brand = container.metadata.get("major_brand", "").strip()
    if brand in _STILL_BRANDS and "avis" not in container.metadata.get("compatible_brands", ""):
        return brand.upper()
    if name.endswith("_pipe"):
        return name.removesuffix("_pipe").upper()
    return name.upper() if name in _STILLS else None


def is_animated_webp(path: Path) -> bool:
    """Whether a file is an animated WebP according to its header; FFmpeg cannot read these."""
    if not path.is_file():
        return False
    with open(path, "rb") as file:
        return _is_animated(file.read(21))


def _is_animated(head: bytes) -> bool:
    return head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X" and bool(head[20:21] and head[20] & 2)


def animated_webp(path: Path) -> Iterator[Picture]:
    """Decodes an animated WebP with the durations of its pictures."""
    time = count = 0
    try:
        with Image.open(path, formats=["WEBP"]) as image:
            for frame in ImageSequence.Iterator(image):
                pixels = np.asarray(frame.convert("RGB"))[..., ::-1]
                duration = round(1000 * frame.info.get("duration", 0)) or round(1e6 / FOLDER_FPS)
                yield Picture(np.ascontiguousarray(pixels), time, duration)
                time, count = time + duration, count + 1
    except (OSError, EOFError, ValueError, Image.DecompressionBombError) as error:
        reason = f"it is damaged: decoding failed after {count} pictures ({error})"
        raise VideoError(reason) from None
    if (promised := _promised_pictures(path)) != count:
        raise VideoError(f"it is damaged: {count} of {counted(promised, 'picture')} were decoded")


def _promised_pictures(path: Path) -> int:
    """The number of pictures in the chunks of an animation. Its decoder skips unknown chunks."""
    with open(path, "rb") as file:
        riff = next(parts(file, chunk_length))
        chunks = parts(file, chunk_length, start=12)
        names = [
            part.head[:4] for part in itertools.takewhile(lambda p: p.start < riff.end, chunks)
        ]
    if unknown := [name for name in names if name not in _WEBP_CHUNKS]:
        raise VideoError(f"it is damaged: it contains a chunk with the unknown name {unknown[0]!r}")
    return names.count(b"ANMF")
