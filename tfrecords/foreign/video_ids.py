"""Assigns unique ids and groups to the videos of foreign shards."""

from collections import Counter
from collections.abc import Sequence

from tfrecords.foreign.scan_shard import Scanned


def name_videos(scanned: Sequence[Scanned]) -> tuple[list[str], dict[str, str]]:
    """Assigns an id to each video, and a group to clips of the same video.

    Clips with the same id are distinguished by their start, or by their position in the shards.
    """
    videos = [
        (video, f"{shard.name}#{place}")
        for shard in scanned
        for video, place in zip(shard.videos, shard.places, strict=True)
    ]
    times = Counter(video.name for video, _ in videos)
    timed = [
        video.name
        if times[video.name] < 2 or video.start is None
        else f"{video.name}@{video.start:g}"
        for video, _ in videos
    ]
    once = Counter(timed)
    ids = [
        name if name and once[name] < 2 else place
        for name, (_, place) in zip(timed, videos, strict=True)
    ]
    media = [video.media or video.name for video, _ in videos]
    clips = Counter(media)
    groups = {
        name: group for name, group in zip(ids, media, strict=True) if group and clips[group] > 1
    }
    return ids, groups
