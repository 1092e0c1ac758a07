"""The state of an unfinished build: its options, and which shards are finished.

`OUT/.unfinished/` contains plan.json, a JSON file for each finished shard, the spool, and a lock.
If `OUT` is remote, the spool and the lock are on the machine of the build. So only the plans
separate two builds on different machines: the same plan writes the same bytes. A build that stops
before it begins leaves no files. On a local disk, a plan without a finished shard is replaced by
the next one.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from tfrecords.format.index import index_path
from tfrecords.format.manifest import FILE, UNFINISHED, Manifest, Shard, read_manifest, write_json
from tfrecords.format.record import Failure
from tfrecords.storage.files import (
    AnyPath,
    abort_uploads,
    file_size,
    is_file,
    is_folder,
    is_remote,
    names,
    read_bytes,
    remove,
    remove_folder,
)
from tfrecords.storage.local_copies import workshop
from tfrecords.writing.decoder_pool import BuildError
from tfrecords.writing.fingerprint import environment
from tfrecords.writing.plan import Done

PLAN = "plan.json"
SOURCE = {  # keys of a plan that describe the source, and the meaning of a difference
    "class_order": "its class names are numbers sorted as text, but are now sorted by value",
    "entries": "the videos of the source or their labels, splits or groups changed",
    "files": "the files of the source changed (size or modification time, or were missing before)",
}


def finished(out: AnyPath, asked: Mapping[str, Any]) -> Manifest | None:
    """The finished data set in `out`, if it is the requested one."""
    if not is_file(out / FILE):
        return None
    manifest = read_manifest(out)
    differences = _differences(manifest.source.get("asked", {}), asked)
    if differences:
        raise BuildError(
            f"{out} contains a finished data set that was built differently: {differences}. Choose "
            "another --out to build from the current source, or remove it first."
        )
    for shard in manifest.all_shards:
        if not is_file(out / shard.file) or file_size(out / shard.file) != shard.bytes:
            raise BuildError(
                f"{out} is finished, but {shard.file} is missing or damaged. Run `ctm verify "
                f"{out}` to list all problems, or remove {out} to build it again."
            )
    remove_folder(out / UNFINISHED)
    return manifest


class Journal:
    """Opens the state of a build as a context manager. Only one build at a time may hold it.

    Args:
        out: The data set's folder.
        asked: The options and the hash of the entries.
        files: Mapping from a video's id to the fingerprint of its file.

    Raises:
        BuildError: If another build holds `out`, or if it contains shards of an unfinished build
            with other options or versions.
    """

    def __init__(self, out: AnyPath, asked: Mapping[str, Any], files: Mapping[str, str]):
        self.out, self.folder, self.files = out, out / UNFINISHED, files
        self.here = workshop(self.folder)
        self.spool = self.here / "spool"
        self._plan = {**asked, **environment()}

    def __enter__(self) -> "Journal":
        strangers = [] if is_folder(self.folder) else names(self.out, "*.tfrecord")
        if strangers:
            raise BuildError(
                f"{self.out} contains {strangers[0]}, which belongs to no build that can be "
                "resumed. Choose another --out, or remove it first."
            )
        self._new = is_remote(self.out) or not self.out.exists()
        self.here.mkdir(parents=True, exist_ok=True)
        self._lock = open(self.here / "lock", "wb")
        os.register_at_fork(after_in_child=self._lock.close)  # executors' children may live on
        try:
            self._hold_lock()
            if is_remote(self.out) or self.recorded():  # locks do not exclude other machines
                self.compare()
            self._begun = is_file(self.folder / PLAN)
        except BaseException:
            self._lock.close()
            raise
        return self

    def begin(self) -> None:
        """Writes the plan. From now on the build can be resumed."""
        if self._difference():  # no shard of the other plan is recorded
            for pattern in ("*-of-*.tfrecord", "*-of-*.index"):
                for name in names(self.out, pattern):
                    remove(self.out / name)
        write_json(self.folder / PLAN, self._plan)
        self._begun = True
        self.clear_spool()
        abort_uploads(self.out)
        self.spool.mkdir(exist_ok=True)

    def __exit__(self, *_: object) -> None:
        self.clear_spool()
        if is_remote(self.out) or not self._begun:
            remove_folder(self.here)
        if not self._begun and self._new and not is_remote(self.out):
            with suppress(OSError):  # the folder is not empty
                self.out.rmdir()
        self._lock.close()

    def _hold_lock(self) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(self._lock.fileno()), os.stat(self._lock.name)):
                return
        except (BlockingIOError, FileNotFoundError):  # the other build removes it at its end
            pass
        raise BuildError(f"Another build is writing {self.out}. Wait until it ends.")

    def recorded(self) -> bool:
        """Whether any shard is recorded as finished."""
        return bool(names(self.folder, "*.tfrecord.json"))

    def clear_spool(self) -> None:
        """Removes all unfinished files."""
        remove_folder(self.spool)
        for folder in (self.out, self.folder):
            for name in names(folder, "*.tmp"):
                remove(folder / name)

    def there(self, shard: Shard) -> bool:
        """Whether a shard and its index exist as they were written."""
        file = self.out / shard.file
        try:
            index = read_bytes(index_path(file))
            size = file_size(file)
        except FileNotFoundError:
            return False
        return size == shard.bytes and hashlib.sha256(index).hexdigest() == shard.index_sha256

    def compare(self) -> None:
        """Raises `BuildError` if `out` contains an unfinished build with another plan."""
        if difference := self._difference():
            raise BuildError(
                f"{self.out} contains an unfinished build that cannot be resumed: {difference}. "
                f"Repeat its command, or remove {self.out} to start again."
            )

    def _difference(self) -> str:
        path = self.folder / PLAN
        return _differences(json.loads(read_bytes(path)), self._plan) if is_file(path) else ""

    def load(self, file: str) -> Done | None:
        """The record of a shard, if the shard exists and its source files did not change.

        Raises:
            BuildError: If the file of a video in it changed, which would mix two sources.
        """
        path = self.folder / f"{file}.json"
        if not is_file(path):
            return None
        content = json.loads(read_bytes(path))
        failures = tuple(Failure(**failure) for failure in content["failures"])
        changed = {name for name, was in content["files"].items() if self.files[name] != was}
        if kept := sorted(changed - {failure.id for failure in failures}):
            raise BuildError(
                f"{self.out} contains an unfinished build that cannot be resumed: the files of the "
                f"source changed, for example of {kept[0]!r}. Remove {self.out} to start again, or "
                "choose another --out."
            )
        if changed:  # a failed video was repaired
            return None
        hung = tuple(content.get("hung", ()))
        if content["shard"] is None:
            return Done(None, 0, failures, hung)
        shard = Shard(**{**content["shard"], "videos": tuple(content["shard"]["videos"])})
        if not self.there(shard):
            return None
        notes = content["as_frames"], content.get("clock_jumps", {})
        return Done(shard, content["frames"], failures, hung, *notes)

    def save(self, file: str, done: Done) -> None:
        """Records a finished and synced shard."""
        names = [*(done.shard.videos if done.shard else ()), *(f.id for f in done.failures)]
        content = {
            "files": {name: self.files[name] for name in names},
            "shard": done.shard and asdict(done.shard),
            "frames": done.frames,
            "failures": [asdict(failure) for failure in done.failures],
            "hung": done.hung,
            "as_frames": done.as_frames,
            "clock_jumps": done.clock_jumps,
        }
        write_json(self.folder / f"{file}.json", content)

    def forget_failures(self) -> None:
        """Makes the next run retry failed videos, since they may have been repaired."""
        for name in names(self.folder, "*.tfrecord.json"):
            if json.loads(read_bytes(self.folder / name))["failures"]:
                remove(self.folder / name)

    def remove(self) -> None:
        """Removes the state after dataset.json is written."""
        remove_folder(self.folder)
        remove_folder(self.here)


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """The differences between two plans in words; empty if they are equal."""
    before, now = _flat(before), _flat(json.loads(json.dumps(now)))
    names: Sequence[str] = [name for name in now if before.get(name) != now[name]]
    found = [f"{n} is {now[n]}, was {before.get(n)}" for n in names if n not in SOURCE]
    found = found or [sentence for name, sentence in SOURCE.items() if name in names][:1]
    return ", ".join(found)


def _flat(content: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in content.items():
        flat |= value if isinstance(value, Mapping) else {key: value}
    return flat
