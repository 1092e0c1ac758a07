"""The ids of the videos of foreign shards, which must be there and unique, and their groups."""

from collections import Counter
from collections.abc import Sequence

from tfrecords.foreign.scan_shard import Scanned


def name_videos(scanned: Sequence[Scanned]) -> tuple[list[str], dict[str, str]]:
    """Gives each video its id, and a group to those that are clips of one video.

    Clips with one id are told apart by where they start, else by their places in the shards.
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
