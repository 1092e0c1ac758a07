"""The decoding process of a build, one video after the other.

Jobs come as lines of JSON on standard input, replies go as lines of JSON to standard output. The
JPEGs or packets of a video spool into a file, so that a long video takes no more memory than a
short one.
A reply `{}` is a sign of life; the end of standard input, the death of the parent, ends the process
at once, even amid a video that hangs.
"""

import json
import os
import queue
import sys
import threading
import time
import zlib
from pathlib import Path
from typing import Any

import cv2

from tfrecords.format.record import RECORD_LIMIT
from tfrecords.storage.disk_space import FULL
from tfrecords.video.images import FOLDER_FPS
from tfrecords.video.read import VideoError, read_pixels
from tfrecords.writing.remux import spool_media
from tfrecords.writing.remux_check import NotFaithful


def spool_video(job: dict[str, Any], alive=lambda: None) -> dict[str, Any]:
    """Spools one video into a file, as the JPEGs of its frames or as it is, encoded.

    Args:
        job: mapping with `path`, `start`, `end`, `fps`, `short_side`, `quality`, `spool`
            and perhaps `store`, `"frames"` or `"video"`.
        alive: callable, called with every frame.

    Returns:
        A mapping with lists `lengths` and `crcs` (CRC-32), one item per frame, `timestamps`,
        `height`, `width`, `frame_rate` and `clock_jumps` (seconds); of an encoded video what
        `remux.spool_media` returns; of one that had to become JPEGs, `not_encoded`, the reason.

    Raises:
        VideoError: If the video cannot be read, or would make a record above 1 GB.
    """
    if job.get("store") == "video":
        try:
            found = spool_media(job, alive)
        except NotFaithful as error:
            found = {**spool_jpegs(job, alive), "not_encoded": str(error)}
    else:
        found = spool_jpegs(job, alive)
    times = found["timestamps"]
    span = times[-1] - times[0]
    rate = job["fps"] or ((len(times) - 1) * 1e6 / span if span else FOLDER_FPS)
    return {**found, "frame_rate": float(rate)}


def spool_jpegs(job: dict[str, Any], alive=lambda: None) -> dict[str, Any]:
    """Decodes, scales and encodes one video into a spool file of JPEGs, end to end."""
    lengths, crcs, timestamps, jumps, size = [], [], [], [], None
    asked = {key: job[key] for key in ("path", "start", "end", "fps", "short_side")}
    options = [cv2.IMWRITE_JPEG_QUALITY, job["quality"]]
    with open(job["spool"], "wb") as spool:
        for pixels, timestamp in read_pixels(**asked, jumps=jumps):
            jpeg = cv2.imencode(".jpg", pixels, options)[1].data
            spool.write(jpeg)
            lengths.append(len(jpeg))
            crcs.append(zlib.crc32(jpeg))
            timestamps.append(timestamp)
            size = pixels.shape[:2]
            alive()
            if spool.tell() > RECORD_LIMIT:
                raise VideoError(
                    f"its first {len(lengths)} frames already make a record above 1 GB: cut it "
                    "with start and end in a CSV file"
                )
    return {
        "lengths": lengths,
        "crcs": crcs,
        "timestamps": timestamps,
        "height": size[0],
        "width": size[1],
        "clock_jumps": jumps,
    }


def answer(job: dict[str, Any], alive=lambda: None) -> dict[str, Any]:
    """The reply to a job: what `spool_video` found, the `error` of it, or the `full` disk."""
    try:
        return spool_video(job, alive)
    except VideoError as error:
        return {"error": str(error)}
    except FileNotFoundError:
        return {"error": "the file is missing"}
    except OSError as error:
        if error.errno in FULL:
            return {"full": error.strerror}
        return {"error": error.strerror or str(error)}
    except MemoryError:
        return {"error": "reading it takes more memory than there is"}
    except Exception as error:  # one video's surprise must not end the build
        return {"error": f"{type(error).__name__}: {error}"}


def main() -> None:
    """Answers jobs until standard input ends."""
    replies = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # libraries print here what they like
    cv2.setNumThreads(1)
    jobs: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(jobs,), daemon=True).start()
    replies.write("{}\n")
    while True:
        job = json.loads(jobs.get())
        started = spoken = time.monotonic()

        def alive():
            nonlocal spoken
            if time.monotonic() - spoken > 0.5:
                spoken = time.monotonic()
                replies.write("{}\n")

        reply = answer(job, alive)
        if "lengths" not in reply:
            Path(job["spool"]).unlink(missing_ok=True)
        reply["seconds"] = time.monotonic() - started
        replies.write(json.dumps(reply) + "\n")


def _listen(jobs: queue.SimpleQueue) -> None:
    for line in sys.stdin:
        jobs.put(line)
    os._exit(0)
