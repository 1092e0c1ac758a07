"""Builds into a bucket: the objects equal the files of a local build."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

import tfrecords
from tfrecords.sources.folder_or_csv import SourceError
from tfrecords.storage.disk_space import FullDisk
from tfrecords.storage.retry import StorageError
from tfrecords.writing import scheduler
from tfrecords.writing.decoder_pool import BuildError
from tfrecords.writing.shard_task import decode_and_write

OUT = "s3://bucket/data/mine"
OPTIONS = {"short_side": 32, "shards": 2, "workers": 1, "progress": False}
COMMAND = "import sys, tfrecords; tfrecords.build(sys.argv[1], sys.argv[2], **eval(sys.argv[3]))"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def videos(tmp_path_factory, write_video):
    root = tmp_path_factory.mktemp("source") / "videos"
    for name in ("stir", "pour"):
        for number in range(6):
            write_video(root / name / f"{number}.mp4", frames=4 + number, size=(40, 60))
    return root


@pytest.fixture(scope="module")
def built(videos, tmp_path_factory):
    """The files of a local build."""
    out = tmp_path_factory.mktemp("built") / "data"
    tfrecords.build(videos, out, **OPTIONS)
    return {path.name: path.read_bytes() for path in out.iterdir()}


def objects(s3):
    """All objects in the bucket, by name relative to the data set's folder."""
    found = {name.removeprefix("bucket/"): s3.fs.cat_file(name) for name in s3.fs.find("bucket")}
    return {name.removeprefix("data/mine/"): content for name, content in found.items()}


def left_here(tmp_path):
    """Local files of builds, without the indexes that a reader caches."""
    return [path for path in (tmp_path / "cache").rglob("builds/*/*")]


def test_the_objects_equal_the_files_of_a_local_build(videos, built, s3, tmp_path, capsys):
    manifest = tfrecords.build(videos, OUT, **OPTIONS)
    assert objects(s3) == built
    assert left_here(tmp_path) == []
    assert tfrecords.read_manifest(OUT) == manifest
    assert tfrecords.verify(OUT).ok
    assert tfrecords.build(videos, OUT, **OPTIONS) == manifest
    assert f"{OUT} is complete. Nothing to do." in capsys.readouterr().out


def test_dataset_json_comes_last_and_each_index_before_its_shard(videos, s3):
    tfrecords.build(videos, OUT, **OPTIONS)
    put = [path.rpartition("/")[2] for method, path, *_ in s3.requests if method == "PUT"]
    files = [name for name in put if ".unfinished" not in name]
    assert files[0] == "plan.json"
    assert files[-1] == "dataset.json"
    for name in put:
        if name.endswith(".tfrecord"):
            assert put.index(name.replace(".tfrecord", ".index")) < put.index(name)
            assert put.index(name) < put.index(f"{name}.json")


@pytest.mark.long
def test_processes_of_an_executor_write_the_same_objects(videos, built, s3):
    with ProcessPoolExecutor(1, get_context("spawn")) as executor:
        tfrecords.build(videos, OUT, executor=executor, **OPTIONS)
    assert objects(s3) == built


def started(videos, cache):
    """A build in a separate process, after it has written its plan."""
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(videos), OUT, repr(OPTIONS)],
        env={**os.environ, "XDG_CACHE_HOME": str(cache)},
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def wait_for(s3, name, method, process=None):
    """Waits for a request about an object, at most until the process has ended."""
    deadline = time.monotonic() + 60
    while not any(method == did and name in path for did, path, *_ in s3.requests):
        if process is not None and process.poll() is not None:
            return
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_killed_build_resumes_on_any_machine(videos, built, s3, tmp_path):
    """Killed twice at random moments, and resumed on another machine with another cache."""
    for number, delay in enumerate(np.random.default_rng().uniform(0, 0.5, 2)):
        s3.requests.clear()
        process = started(videos, tmp_path / f"machine {number}")
        wait_for(s3, "plan.json", "PUT", process)  # no plan if the first build was complete
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        process.stderr.close()
    tfrecords.build(videos, OUT, **OPTIONS)
    assert objects(s3) == built


@pytest.fixture
def interrupted(videos, s3, monkeypatch):
    """A build that was stopped after its first shard."""

    def work(task, *others):
        if task.shard.file == "train-00001-of-00002.tfrecord":
            wait_for(s3, "train-00000-of-00002.tfrecord.json", "PUT")
            raise KeyboardInterrupt
        return decode_and_write(task, *others)

    with monkeypatch.context() as patch:
        patch.setattr(scheduler, "decode_and_write", work)
        with pytest.raises(KeyboardInterrupt):
            tfrecords.build(videos, OUT, **OPTIONS)


def test_a_finished_shard_is_not_built_again(videos, built, s3, interrupted):
    with pytest.raises(ValueError, match="has an unfinished build and no"):
        tfrecords.read_manifest(OUT)
    s3.requests.clear()
    tfrecords.build(videos, OUT, **OPTIONS)
    written = [path for method, path, *_ in s3.requests if method == "PUT"]
    assert "/bucket/data/mine/train-00000-of-00002.tfrecord" not in written
    assert "/bucket/data/mine/train-00001-of-00002.tfrecord" in written
    assert objects(s3) == built


def test_other_options_do_not_resume_an_unfinished_build(videos, interrupted):
    with pytest.raises(BuildError, match="cannot be resumed: quality is 50, was 95"):
        tfrecords.build(videos, OUT, quality=50, **OPTIONS)


def test_a_finished_data_set_with_a_missing_shard_is_not_complete(videos, s3):
    tfrecords.build(videos, OUT, **OPTIONS)
    s3.fs.rm_file(f"{OUT}/train-00001-of-00002.tfrecord")
    with pytest.raises(BuildError, match=r"train-00001-of-00002\.tfrecord is missing or damaged"):
        tfrecords.build(videos, OUT, **OPTIONS)


def test_unknown_shards_are_not_overwritten(videos, s3):
    s3.fs.pipe_file(f"{OUT}/train-00000-of-00009.tfrecord", b"x")
    with pytest.raises(
        BuildError, match=r"contains train-00000-of-00009\.tfrecord, which belongs to no"
    ):
        tfrecords.build(videos, OUT, **OPTIONS)


def test_only_interrupted_uploads_in_the_folder_are_aborted(videos, s3):
    for key in ("data/mine/train-00000-of-00002.tfrecord", "data/mine2/x"):
        s3.fs.call_s3("create_multipart_upload", Bucket="bucket", Key=key)
    tfrecords.build(videos, OUT, **OPTIONS)
    left = s3.fs.list_multipart_uploads("bucket")
    assert [upload["Key"] for upload in left] == ["data/mine2/x"]
    rest = {name: left[0][name] for name in ("Key", "UploadId")}
    s3.fs.call_s3("abort_multipart_upload", Bucket="bucket", **rest)


def test_only_unfinished_shards_need_the_local_disk(videos, s3, monkeypatch, capsys):
    from tfrecords.writing import estimate

    monkeypatch.setattr(estimate, "free_bytes", lambda folder: 10**9)
    found = tfrecords.build(videos, OUT, estimate=True, **OPTIONS)
    assert (str(found.out), found.free) == (OUT, 10**9)
    monkeypatch.setattr(estimate, "free_bytes", lambda folder: found.spool - 1)
    with pytest.raises(FullDisk, match=f"need about {found.spool / 1e6:.3g} MB"):
        tfrecords.build(videos, OUT, estimate=True, **OPTIONS)
    assert objects(s3) == {}


def test_encoded_videos_are_stored_and_read_equally(videos, s3, tmp_path):
    options = {**OPTIONS, "store": "video", "short_side": None}
    tfrecords.build(videos, OUT, **options)
    tfrecords.build(videos, tmp_path / "data", **options)
    here, there = (
        [clip.numpy() for clip, _ in tfrecords.clips(data, image_size=16, batch_size=2, epoch=0)]
        for data in (tmp_path / "data", OUT)
    )
    assert len(here) == 5
    np.testing.assert_array_equal(here, there)


def test_an_unreachable_server(videos, lost_s3):
    with pytest.raises(StorageError, match=f"The server of {OUT} does not respond"):
        tfrecords.build(videos, OUT, **OPTIONS)


def test_a_missing_bucket(videos, s3, tmp_path):
    with pytest.raises(
        StorageError, match=r"The server of s3://nobucket/v.* has no bucket 'nobuck"
    ):
        tfrecords.build(videos, "s3://nobucket/v", **OPTIONS)
    assert not [*(tmp_path / "cache").rglob("builds/*")]


def test_a_stopped_build_leaves_no_local_files(interrupted, tmp_path):
    assert left_here(tmp_path) == []


def test_a_web_server_is_read_only(videos):
    with pytest.raises(BuildError, match=r"received http://127\.0\.0\.1:9/x, which is read-only"):
        tfrecords.build(videos, "http://127.0.0.1:9/x", **OPTIONS)


def test_a_remote_source_is_rejected(tmp_path):
    with pytest.raises(SourceError, match="must be a local folder, received http://host/videos"):
        tfrecords.build("http://host/videos", tmp_path / "data", **OPTIONS)


def test_two_builds_of_one_bucket_on_one_machine(videos, s3, tmp_path):
    process = started(videos, tmp_path / "cache")
    wait_for(s3, "plan.json", "PUT")
    os.killpg(process.pid, signal.SIGSTOP)
    try:
        with pytest.raises(BuildError, match=f"Another build is writing {OUT}"):
            tfrecords.build(videos, OUT, **OPTIONS)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)
        process.stderr.close()
