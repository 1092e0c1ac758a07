"""The state of an unfinished build: what was asked, and which shards are done.

`OUT/.unfinished/` holds plan.json, a JSON file for each finished shard, the spool, and a lock.
Of a remote `OUT` the spool and the lock are on the machine of the build, so that two builds on
different machines are not kept apart, except by their plans: the same plan writes the same bytes.
A build that stops before it begins leaves nothing; on a disk, the plan of one that stopped before a
shard was done gives way to another.
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
SOURCE = {  # what of a plan tells the source, and how it differs
    "class_order": "its class names are numbers sorted as text, and are sorted by value now",
    "entries": "the videos of the source, their labels or splits, or their groups are others",
    "files": "the source's files changed (another size or time of change, or missing before)",
}


def finished(out: AnyPath, asked: Mapping[str, Any]) -> Manifest | None:
    """The data set that lies in `out` already, if it is the one that is asked for."""
    if not is_file(out / FILE):
        return None
    manifest = read_manifest(out)
    differences = _differences(manifest.source.get("asked", {}), asked)
    if differences:
        raise BuildError(
            f"{out} holds a finished data set that was built otherwise: {differences}; choose "
            "another --out to build from the source as it is now, or remove it first"
        )
    for shard in manifest.all_shards:
        if not is_file(out / shard.file) or file_size(out / shard.file) != shard.bytes:
            raise BuildError(
                f"{out} was finished, but {shard.file} is missing or damaged now: `ctm verify "
                f"{out}` lists what is wrong; remove {out} to build it again"
            )
    remove_folder(out / UNFINISHED)
    return manifest


class Journal:
    """Opens the state of a build, as a context; only one build at a time may hold it.

    Args:
        out: The data set's folder.
        asked: The options and the hash of the entries.
        files: Mapping from a video's id to the fingerprint of its file.

    Raises:
        BuildError: If another build holds `out`, or shards of an unfinished one of other options or
            other versions lie there.
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
                f"{self.out} holds {strangers[0]}, which is of no build that could go on: "
                "choose another --out, or remove it first"
            )
        self._new = is_remote(self.out) or not self.out.exists()
        self.here.mkdir(parents=True, exist_ok=True)
        self._lock = open(self.here / "lock", "wb")
        os.register_at_fork(after_in_child=self._lock.close)  # an executor's may outlive us
        try:
            self._hold_lock()
            if is_remote(self.out) or self.recorded():  # who else writes to a server has no lock
                self.compare()
            self._begun = is_file(self.folder / PLAN)
        except BaseException:
            self._lock.close()
            raise
        return self

    def begin(self) -> None:
        """Writes the plan: from now on a build that stops can go on."""
        if self._difference():  # nothing is recorded of what that plan wrote
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
            with suppress(OSError):  # it is not empty
                self.out.rmdir()
        self._lock.close()

    def _hold_lock(self) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(self._lock.fileno()), os.stat(self._lock.name)):
                return
        except (BlockingIOError, FileNotFoundError):  # the other one removes it when it ends
            pass
        raise BuildError(f"another build is writing {self.out}: wait until it ends")

    def recorded(self) -> bool:
        """Whether a shard of an unfinished build is done."""
        return bool(names(self.folder, "*.tfrecord.json"))

    def clear_spool(self) -> None:
        """Frees the space of what is no shard yet."""
        remove_folder(self.spool)
        for folder in (self.out, self.folder):
            for name in names(folder, "*.tmp"):
                remove(folder / name)

    def there(self, shard: Shard) -> bool:
        """Whether a shard and its index are there as they were written."""
        file = self.out / shard.file
        try:
            index = read_bytes(index_path(file))
            size = file_size(file)
        except FileNotFoundError:
            return False
        return size == shard.bytes and hashlib.sha256(index).hexdigest() == shard.index_sha256

    def compare(self) -> None:
        """Raises `BuildError` where an unfinished build of something else lies there."""
        if difference := self._difference():
            raise BuildError(
                f"{self.out} holds an unfinished build that cannot go on: {difference}; repeat "
                f"its own command, or remove {self.out} to start again"
            )

    def _difference(self) -> str:
        path = self.folder / PLAN
        return _differences(json.loads(read_bytes(path)), self._plan) if is_file(path) else ""

    def load(self, file: str) -> Done | None:
        """What was recorded of a shard, if it is still there and of the files that are there now.

        Raises:
            BuildError: If a file of a video in it changed: the data set would mix two sources.
        """
        path = self.folder / f"{file}.json"
        if not is_file(path):
            return None
        content = json.loads(read_bytes(path))
        failures = tuple(Failure(**failure) for failure in content["failures"])
        changed = {name for name, was in content["files"].items() if self.files[name] != was}
        if kept := sorted(changed - {failure.id for failure in failures}):
            raise BuildError(
                f"{self.out} holds an unfinished build that cannot go on: the source's files "
                f"changed, for example of {kept[0]!r}; remove {self.out} to start again, or choose "
                "another --out"
            )
        if changed:  # a video that failed was repaired
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
        """Records a shard that is on disk, whole and synced."""
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
        """Lets the next run read failed videos again, since they may have been repaired."""
        for name in names(self.folder, "*.tfrecord.json"):
            if json.loads(read_bytes(self.folder / name))["failures"]:
                remove(self.folder / name)

    def remove(self) -> None:
        """Ends the build: dataset.json is there."""
        remove_folder(self.folder)
        remove_folder(self.here)


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What was asked then and now, named for people; empty where it is the same."""
    before, now = _flat(before), _flat(json.loads(json.dumps(now)))
    names: Sequence[str] = [name for name in now if before.get(name) != now[name]]
    told = [f"{n} is {now[n]}, there {before.get(n)}" for n in names if n not in SOURCE]
    told = told or [sentence for name, sentence in SOURCE.items() if name in names][:1]
    return ", ".join(told)


def _flat(content: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in content.items():
        flat |= value if isinstance(value, Mapping) else {key: value}
    return flat
