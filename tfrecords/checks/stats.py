"""`ctm stats`: statistics of a data set, and problems that inflate scores or harm training."""

from tfrecords.checks.copies import all_copies
from tfrecords.checks.stats_report import StatsReport
from tfrecords.format.manifest import read_manifest
from tfrecords.reading.split import Split
from tfrecords.sources.groups import groups_of, torn_groups
from tfrecords.storage.files import AnyPath


def stats(data: str | AnyPath, copies: bool = True, progress: bool = True) -> StatsReport:
    """Inspects a data set: classes, lengths, sizes, copies and groups across splits.

    Copies are found by their pictures (see `tfrecords.checks.video_hashes`). This reads eight
    frames of each video, and more frames of videos that look alike.

    Args:
        data: The folder with dataset.json.
        copies: Whether to search for copies, which reads frames.
        progress: Whether to show a progress bar on a terminal.

    Returns:
        A `StatsReport`. `print` shows it, `as_json` returns it for programs.

    Raises:
        ValueError: If the data set does not exist or is damaged.

    Example:
        >>> found = tfrecords.stats("data/mine")
        >>> [copy.videos for copy in found.copies if copy.torn]
        []
    """
    manifest = read_manifest(data)
    splits = [Split(data, name) for name, n in manifest.splits.items() if n["videos"]]
    videos = [(split, name) for split in manifest.splits for name in manifest.ids(split)]
    groups = groups_of((name for _, name in videos), manifest.groups)
    pairs, blank = all_copies(splits, progress) if copies else (None, ())
    return StatsReport(
        folder=str(data),
        class_names=manifest.class_names,
        rows={split.name: split.videos for split in splits},
        ids={split.name: split.ids for split in splits},
        copies=pairs,
        blank=blank,
        groups=torn_groups((groups.get(name), split, name) for split, name in videos),
        num_groups=len(set(groups.values())),
        missing=sum(map(len, manifest.missing.values())),
        failures=len(manifest.failures),
    )
