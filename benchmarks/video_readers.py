"""What other programs do for the frames of a clip: open the video, go to them, decode.

Each reader takes a video file and a function from its number of frames to the wanted frame numbers,
and gives the frames, uint8 of shape `(T, height, width, 3)` or a list of them.
"""

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np

Choose = Callable[[int], np.ndarray]


def pyav_frames(path: Path, choose: Choose) -> list[np.ndarray]:
    """Seeks to the keyframe before the first frame and decodes up to the last."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        wanted = choose(stream.frames)
        rate, base, zero = stream.average_rate, stream.time_base, stream.start_time or 0
        container.seek(zero + int(wanted.min() / rate / base), stream=stream)
        found = {}
        for frame in container.decode(stream):
            number = round((frame.pts - zero) * base * rate) if frame.pts is not None else 0
            if number in wanted or number > wanted.max():
                found[number] = frame.to_ndarray(format="rgb24")
            if number >= wanted.max():
                break
    numbers = np.array(sorted(found))
    return [found[numbers[np.abs(numbers - w).argmin()]] for w in wanted]


def decord_frames(path: Path, choose: Choose) -> np.ndarray:
    """The same with decord."""
    import decord

    video = decord.VideoReader(str(path), num_threads=1)
    return video.get_batch(choose(len(video))).asnumpy()


def torchcodec_frames(path: Path, choose: Choose) -> np.ndarray:
    """The same with torchcodec, which seeks by the container's times."""
    from torchcodec.decoders import VideoDecoder

    video = VideoDecoder(str(path), seek_mode="approximate", num_ffmpeg_threads=1)
    wanted = np.minimum(choose(len(video)), len(video) - 1).tolist()
    return video.get_frames_at(wanted).data.permute(0, 2, 3, 1).numpy()


def available(some_video: Path) -> tuple[dict[str, Callable], dict[str, str]]:
    """The readers that work here, by name, and why the others do not."""
    readers = {"PyAV": pyav_frames, "decord": decord_frames, "torchcodec": torchcodec_frames}
    absent = {}
    for name, read in readers.items():
        try:
            read(some_video, lambda count: np.arange(4))
        except (ImportError, OSError, RuntimeError) as error:
            absent[name] = str(error).splitlines()[0]
    return {name: read for name, read in readers.items() if name not in absent}, absent
