"""The decoder process of a build, which decodes one video at a time.

It reads jobs as lines of JSON from standard input and writes replies as lines of JSON to standard
output. The JPEGs or packets of a video spool into a file, so memory does not grow with its length.
A reply `{}` is a heartbeat. When standard input closes because the parent died, the process exits
at once, even while a video hangs.
"""

import os
import queue
import sys
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2

from tfrecords.format.decoded import Decoded, Job, Reply
from tfrecords.format.record import RECORD_LIMIT
from tfrecords.storage.disk_space import FULL
from tfrecords.video.images import FOLDER_FPS
from tfrecords.video.read import VideoError, read_pixels
from tfrecords.writing.remux import spool_media
from tfrecords.writing.remux_check import NotFaithful


def spool_video(job: Job, alive: Callable[[], None] = lambda: None) -> Decoded:
    """Spools one video into a file, as JPEGs or encoded.

    Args:
        job: The video and the options of its frames.
        alive: Called with every frame.

    Raises:
        VideoError: If the video cannot be read, or would make a record above 1 GB.
    """
    if job.frame.store == "video":
        try:
            found = spool_media(job, alive)
        except NotFaithful as error:
            found = replace(spool_jpegs(job, alive), not_encoded=str(error))
    else:
        found = spool_jpegs(job, alive)
    count, span = len(found.timestamps), found.timestamps[-1] - found.timestamps[0]
    rate = job.frame.fps or ((count - 1) * 1e6 / span if span else FOLDER_FPS)
    return replace(found, frame_rate=float(rate))


def spool_jpegs(job: Job, alive: Callable[[], None] = lambda: None) -> Decoded:
    """Decodes, scales and encodes one video into a spool file of concatenated JPEGs."""
    found = Decoded([], [], [], 0, 0, [])
    height = width = 0
    options = [cv2.IMWRITE_JPEG_QUALITY, job.frame.quality or 95]
    asked = job.path, job.start, job.end, job.frame.fps, job.frame.short_side
    with open(job.spool, "wb") as spool:
        for pixels, timestamp in read_pixels(*asked, jumps=found.clock_jumps):
            jpeg = cv2.imencode(".jpg", pixels, options)[1].data
            spool.write(jpeg)
            found.lengths.append(len(jpeg))
            found.crcs.append(zlib.crc32(jpeg))
            found.timestamps.append(timestamp)
            height, width = pixels.shape[:2]
            alive()
            if spool.tell() > RECORD_LIMIT:
                raise VideoError(
                    f"its first {len(found.lengths)} frames already exceed the record limit of "
                    "1 GB; use start and end in a CSV file to cut it"
                )
    return replace(found, height=height, width=width)


def answer(job: Job, alive: Callable[[], None] = lambda: None) -> Reply:
    """The reply to a job: the result of `spool_video`, its `error`, or the `full` disk."""
    try:
        return Reply(spool_video(job, alive))
    except VideoError as error:
        return Reply(error=str(error))
    except FileNotFoundError:
        return Reply(error="the file is missing")
    except OSError as error:
        words = error.strerror or str(error)
        return Reply(full=words) if error.errno in FULL else Reply(error=words)
    except MemoryError:
        return Reply(error="there is not enough memory to read it")
    except Exception as error:  # one bad video must not end the build
        return Reply(error=f"{type(error).__name__}: {error}")


def main() -> None:
    """Answers jobs until standard input ends."""
    replies = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # libraries print to standard output
    cv2.setNumThreads(1)
    jobs: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(jobs,), daemon=True).start()
    replies.write("{}\n")
    while True:
        job = Job.from_json(jobs.get())
        started = spoken = time.monotonic()

        def alive() -> None:
            nonlocal spoken
            if time.monotonic() - spoken > 0.5:
                spoken = time.monotonic()
                replies.write("{}\n")

        reply = answer(job, alive)
        if not reply.decoded:
            Path(job.spool).unlink(missing_ok=True)
        reply = replace(reply, seconds=time.monotonic() - started)
        replies.write(reply.to_json() + "\n")


def _listen(jobs: queue.SimpleQueue) -> None:
    for line in sys.stdin:
        jobs.put(line)
    os._exit(0)
