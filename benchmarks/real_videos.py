"""Real videos for the benchmarks, and shards that hold each of them many times."""

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av

import tfrecords
from tfrecords.format.index import index_path
from tfrecords.sources.folder_or_csv import read_source


def find(folder: Path) -> list[Path]:
    """Videos of the size of action data sets, of 64 frames or more, one of each name."""
    names = {path.with_suffix(""): path for path in _videos(folder)}
    if not names:
        raise SystemExit("no mp4 or avi of 240 to 360 lines and 64 frames or more; give --videos")
    return list(names.values())


def _videos(folder: Path) -> Iterator[Path]:
    for path in sorted(p for p in folder.rglob("*") if p.suffix in (".mp4", ".avi")):
        try:
            with av.open(str(path)) as container:
                stream = container.streams.video[0]
                short = min(stream.width, stream.height)
                if 240 <= short <= 360 and stream.frames >= 64:
                    yield path
        except (av.FFmpegError, IndexError, UnicodeDecodeError):
            continue


def build(videos: list[Path], folder: Path, clips: int, **options) -> tuple[Path, list[Path]]:
    """Shards of the videos, listed often enough for `clips`; and the video of each entry."""
    folder.mkdir()
    source, once, data = folder / "list.csv", folder / "once", folder / "data"
    with open(source, "w", encoding="utf-8", newline="") as file:
        rows = [(path.resolve(), "ab"[i % 2], "train") for i, path in enumerate(videos)]
        csv.writer(file).writerows([("path", "label", "split"), *rows])
    manifest = tfrecords.build(source, once, max_failures=1.0, **options)
    path_of = {entry.id: Path(entry.path) for entry in read_source(source).entries}
    paths = [path_of[name] for name in manifest.ids("train")]
    copies = -(-clips // len(paths))
    data.mkdir()
    shards = []
    for copy in range(copies):
        for shard in manifest.all_shards:
            file = f"{copy}-{shard.file}"
            (data / file).symlink_to(once / shard.file)
            (data / index_path(file)).symlink_to(once / index_path(shard.file))
            names = tuple(f"{copy} {name}" for name in shard.videos)
            shards.append(replace(shard, file=file, videos=names))
    counts = {"train": {"videos": copies * len(paths), "frames": 0}}
    write = tfrecords.format.manifest.write_manifest
    write(data, replace(manifest, all_shards=tuple(shards), splits=counts))
    return data, paths * copies
