"""Builds with executors: the same bytes as other builds, also after crashes of workers."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import pytest

import tfrecords
from tfrecords.format.decoded import Reply
from tfrecords.format.manifest import UNFINISHED
from tfrecords.format.record import VideoEntry
from tfrecords.storage.disk_space import FullDisk
from tfrecords.writing import dask_cluster, decoder_pool
from tfrecords.writing import shard_task as task
from tfrecords.writing.decoder_pool import BuildError
from tfrecords.writing.fingerprint import environment
from tfrecords.writing.plan import plan_shards

OPTIONS = {"short_side": 32, "progress": False, "shards": 2}


@pytest.fixture
def processes():
    """Spawned processes, as on another machine."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        yield executor


# Executors


def test_a_process_pool_writes_the_same_bytes(videos, built, content, tmp_path, processes):
    tfrecords.build(videos, tmp_path / "data", executor=processes, **OPTIONS)
    assert content(tmp_path / "data") == content(built)


def test_two_workers_at_the_same_shard_do_not_conflict(videos, built, content, tmp_path):
    """Each attempt has its own folder; the shard is complete whichever is last."""
    names = tfrecords.read_manifest(built).class_names
    entries = []
    for path in sorted(videos.rglob("*.mp4")):
        name = path.relative_to(videos).as_posix()
        entries.append(VideoEntry(name[:-4], name, path.parent.name, "train"))
    (shard,) = plan_shards(entries, 1)
    common = {"root": videos, "out": tmp_path, "spool": tmp_path / "spool", "timeout": 60.0}
    common |= {"frame": {"short_side": 32, "quality": 95, "fps": None}}
    common["spool"].mkdir()
    labels = tuple(names.index(entry.label) for entry in shard.entries)
    work = task.ShardTask(shard, labels, environment=environment(), **common)
    with ThreadPoolExecutor(3) as threads:
        one, two, three = threads.map(task.build_shard, [work] * 3)
    assert one == two == three
    assert sorted(content(tmp_path)) == [f"{shard.file[:-9]}.index", shard.file]
    assert content(tmp_path)[shard.file] == one.shard.sha256
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_dask_cluster_of_threads_writes_the_same_bytes(videos, built, content, tmp_path):
    from distributed import LocalCluster

    threads = {"n_workers": 1, "threads_per_worker": 1, "processes": False, "protocol": "tcp"}
    with LocalCluster(**threads, dashboard_address=None) as cluster:
        address = cluster.scheduler_address
        tfrecords.build(videos, tmp_path / "data", dask=address, **OPTIONS)
    assert content(tmp_path / "data") == content(built)


@pytest.fixture(scope="module")
def dask(tmp_path_factory):
    """A scheduler and two workers; returns the address and the worker processes."""
    folder = tmp_path_factory.mktemp("dask")
    where, here = folder / "scheduler.json", str(Path(tfrecords.__file__).parents[1])

    def start(name, *options):
        command = [sys.executable, "-m", f"distributed.cli.dask_{name}", "--no-dashboard", *options]
        found = {"cwd": folder, "env": {**os.environ, "PYTHONPATH": here}}
        return subprocess.Popen(
            [*command, "--scheduler-file", str(where)], stderr=subprocess.DEVNULL, **found
        )

    scheduler = start("scheduler", "--host", "127.0.0.1", "--port", "0")
    workers = [start("worker", "--nthreads", "1", "--no-nanny") for _ in range(2)]
    deadline = time.monotonic() + 60
    while not (where.exists() and where.read_text(encoding="utf-8").endswith("}")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield json.loads(where.read_text(encoding="utf-8"))["address"], workers
    for process in (*workers, scheduler):
        process.kill()
        process.wait()


@pytest.mark.long
def test_a_dask_cluster_writes_the_same_bytes(videos, built, content, tmp_path, dask):
    tfrecords.build(videos, tmp_path / "data", dask=dask[0], **OPTIONS)
    assert content(tmp_path / "data") == content(built)


@pytest.mark.long
def test_a_lost_dask_worker_costs_its_current_shard(videos, content, tmp_path, dask):
    """Recorded shards are not written again, and the lost attempt leaves no files."""
    out, options, kept = tmp_path / "data", {**OPTIONS, "shards": 6}, {}
    address, workers = dask

    def kill():
        while len(records := list(out.glob(f"{UNFINISHED}/*.tfrecord.json"))) < 4:
            time.sleep(0.01)
        kept.update({p.stem: (out / p.stem).stat().st_mtime_ns for p in records})
        workers[0].kill()

    killer = threading.Thread(target=kill)
    killer.start()
    tfrecords.build(videos, out, dask=address, **options)
    killer.join()
    assert workers[0].wait(10) == -signal.SIGKILL
    assert kept
    assert {name: (out / name).stat().st_mtime_ns for name in kept} == kept
    tfrecords.build(videos, tmp_path / "plain", workers=1, **options)
    assert content(out) == content(tmp_path / "plain")


@pytest.mark.long
def test_a_killed_build_on_a_cluster_resumes(videos, content, built, tmp_path, dask):
    """The workers may still build its shards when it starts again."""
    out = tmp_path / "data"
    command = f"import tfrecords\ntfrecords.build({str(videos)!r}, {str(out)!r}, dask={dask[0]!r}, "
    process = subprocess.Popen(
        [sys.executable, "-c", f"{command}**{OPTIONS!r})"], stdout=subprocess.DEVNULL
    )
    while not list(out.glob(f"{UNFINISHED}/*.tfrecord.json")):
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    tfrecords.build(videos, out, dask=dask[0], **OPTIONS)
    assert content(out) == content(built)


# Errors


def test_a_scheduler_that_does_not_respond(videos, tmp_path, monkeypatch):
    monkeypatch.setattr(dask_cluster, "CONNECT_TIMEOUT", 0.2)
    for address in ("tcp://127.0.0.1:9", "nonsense"):
        with pytest.raises(
            BuildError, match=f"No Dask scheduler responds at {address} .*Start one"
        ):
            tfrecords.build(videos, tmp_path / "data", dask=address, **OPTIONS)
    assert not (tmp_path / "data").exists()


def test_dask_is_not_installed(videos, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(
        BuildError, match=r"--dask requires Dask\. Run pip install 'ctm-keras\[dask\]'"
    ):
        tfrecords.build(videos, tmp_path / "data", dask="tcp://127.0.0.1:9", **OPTIONS)


def test_a_lost_process_stops_the_build_which_resumes_later(
    videos, built, content, tmp_path, processes
):
    out = tmp_path / "data"
    processes.submit(os.getpid).result()

    def kill():
        while not list(out.glob(f"{UNFINISHED}/spool/*/*")):
            time.sleep(0.01)
        for process in list(processes._processes):
            os.kill(process, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(BuildError, match=r"The executor lost its workers \(.*Run the same command"):
        tfrecords.build(videos, out, executor=processes, **OPTIONS)
    killer.join()
    assert not (out / UNFINISHED / "spool").exists()
    tfrecords.build(videos, out, workers=1, **OPTIONS)
    assert content(out) == content(built)


class Here(Executor):
    """Runs each task immediately, with hooks before and after."""

    def __init__(self, before=lambda work: work, after=lambda work, done: done):
        self.before, self.after = before, after

    def submit(self, function, work):
        future = Future()
        try:
            future.set_result(self.after(work, function(self.before(work))))
        except Exception as error:
            future.set_exception(error)
        return future


def test_a_worker_with_other_versions_is_rejected(videos, tmp_path):
    other = Here(lambda work: replace(work, environment={**work.environment, "machine": "vax"}))
    with pytest.raises(
        BuildError, match=r"All workers must have .*Install the same versions on every"
    ):
        tfrecords.build(videos, tmp_path / "data", executor=other, **OPTIONS)


def test_a_worker_that_does_not_share_the_folder(videos, tmp_path):
    elsewhere = Here(lambda work: replace(work, spool=tmp_path / "elsewhere"))
    with pytest.raises(BuildError, match=r"elsewhere is missing: .*which all workers must share"):
        tfrecords.build(videos, tmp_path / "a", executor=elsewhere, **OPTIONS)

    def lose(work, done):
        (work.out / work.shard.file).unlink()
        return done

    with pytest.raises(
        BuildError, match=r"is not the shard that a worker wrote\. All workers must"
    ):
        tfrecords.build(videos, tmp_path / "b", executor=Here(after=lose), **OPTIONS)


def test_a_removed_spool_is_not_a_failure_of_the_videos(videos, tmp_path, monkeypatch):
    result = task._result
    monkeypatch.setattr(task, "_result", lambda *a: (shutil.rmtree(a[2], True), result(*a))[1])
    with pytest.raises(BuildError, match="is missing: the build has ended"):
        tfrecords.build(videos, tmp_path / "data", executor=Here(), **OPTIONS)


def test_a_full_disk_of_a_worker_is_reported(videos, tmp_path, monkeypatch):
    full = Reply(full="No space left on device")
    monkeypatch.setattr(decoder_pool.Decoder, "run", lambda self, job: full)
    with pytest.raises(FullDisk, match=r"The disk of .*data is full. Free some space, then run"):
        tfrecords.build(videos, tmp_path / "data", executor=Here(), **OPTIONS)


def test_too_many_failures_stop_an_executor(tmp_path, write_video):
    for name in ("x", "y"):
        for number in range(3):
            write_video(tmp_path / "videos" / name / f"{number}.mp4", frames=2)
    (tmp_path / "videos" / "x" / "0.mp4").write_bytes(b"no film")
    with pytest.raises(BuildError, match=r"Stopped: 1 of 6 videos failed(.|\n)*0.mp4"):
        tfrecords.build(tmp_path / "videos", tmp_path / "data", executor=Here(), **OPTIONS)


# Videos that hang or crash the decoder


def decoder(monkeypatch, tmp_path, body):
    """Decoder processes that first run `body` with the number of the attempt at a video."""
    code = (
        "import os, pathlib, signal, time\n"
        "from tfrecords.writing import decoder_process as worker\n"
        "spool = worker.spool_video\n"
        "def odd(job, alive):\n"
        f"    tries = pathlib.Path({str(tmp_path)!r}, job.path.replace('/', ' '))\n"
        "    attempt = tries.stat().st_size if tries.exists() else 0\n"
        "    tries.open('a').write('x')\n"
        f"    {body}\n"
        "    return spool(job, alive)\n"
        "worker.spool_video = odd\nworker.main()"
    )
    monkeypatch.setattr(decoder_pool, "WORKER", [sys.executable, "-c", code])


@pytest.fixture(params=["its own processes", "an executor"])
def through(request):
    return {"executor": Here()} if request.param == "an executor" else {"workers": 2}


def test_a_video_that_hung_once_is_read_at_the_end(
    videos, built, content, tmp_path, monkeypatch, through, capsys
):
    tries = tmp_path / "tries"
    tries.mkdir()
    body = "if 'a.b/clip 3' in job.path and attempt == 0: time.sleep(1000)"
    decoder(monkeypatch, tries, body)
    tfrecords.build(videos, tmp_path / "data", timeout=1.5, **through, **OPTIONS)
    assert content(tmp_path / "data") == content(built)
    printed = capsys.readouterr().out
    message = "1 video exceeded the timeout, but not at the second attempt: a.b/clip 3"
    assert message in printed


def test_a_video_that_hangs_twice_and_one_that_crashes_are_reported(
    videos, tmp_path, monkeypatch, through
):
    tries = tmp_path / "tries"
    tries.mkdir()
    hangs = "time.sleep(1000) if 'a.b/clip 3' in job.path else None"
    crashes = "os.kill(os.getpid(), signal.SIGSEGV) if 'a.b/clip 5' in job.path else None"
    decoder(monkeypatch, tries, f"{hangs}; {crashes}")
    found = tfrecords.build(videos, tmp_path / "data", timeout=1.5, **through, **OPTIONS)
    assert {failure.id: failure.reason for failure in found.failures} == {
        "a.b/clip 3": "it hangs: no new frame for 1.5 s, the timeout, also when read alone",
        "a.b/clip 5": "it crashes the decoder (SIGSEGV)",
    }
    assert sum(n["videos"] for n in found.splits.values()) == 22
    assert sorted(p.stat().st_size for p in tries.iterdir()) == [1] * 23 + [2]
