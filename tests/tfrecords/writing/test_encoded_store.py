"""Data sets of encoded videos: the same frames, pixel for pixel, from fewer bytes."""

import csv
import io
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import av
import cv2
import numpy as np
import pytest
import tensorflow as tf

import tfrecords
from tfrecords.format.decoded import FrameOptions, Job
from tfrecords.format.index import index_path, read_index
from tfrecords.reading import split as dataset
from tfrecords.reading.clip_reader import read_frames as read_stored
from tfrecords.reading.split import BadShard, Split
from tfrecords.video.read import read_frames
from tfrecords.writing import decoder_process, remux
from tfrecords.writing.decoder_pool import BuildError

RANDOM = np.random.default_rng(0)
TEXTURE = cv2.GaussianBlur(RANDOM.integers(0, 256, (200, 200, 3), dtype=np.uint8), (0, 0), 2)
X264 = {"g": "25", "bf": "3", "preset": "veryfast"}
X265 = {"x265-params": "log-level=none:keyint=10:bframes=3:open-gop=1:pools=none"}
OPEN = {"x264-params": "keyint=12:bframes=3:open-gop=1", "preset": "veryfast"}
VIDEOS = [  # file, codec, options, start, end
    ("b_frames.mp4", "libx264", X264, None, None),
    ("part.mp4", "libx264", X264, 1.4, 2.2),
    ("late.mkv", "libx264", X264, 1.52, None),
    ("open_gop.mp4", "libx264", OPEN, None, None),
    ("open_gop_part.mp4", "libx264", OPEN, 0.9, 1.7),
    ("long_gop.mp4", "libx264", {**X264, "g": "1000"}, None, None),
    ("hevc.mp4", "libx265", X265, None, None),
    ("hevc_part.mkv", "libx265", X265, 0.5, 1.5),
    ("vp9.webm", "libvpx-vp9", {"g": "20", "deadline": "realtime", "cpu-used": "8"}, None, None),
    ("vp8.webm", "libvpx", {"g": "20", "auto-alt-ref": "1", "lag-in-frames": "8"}, None, None),
    ("mpeg4.avi", "mpeg4", {"g": "12"}, None, None),
    ("mpeg4_b.avi", "mpeg4", {"g": "12", "bf": "2"}, 0.4, 1.2),
    ("mpeg2.ts", "mpeg2video", {"g": "12", "bf": "2"}, None, None),
    ("mjpeg.avi", "mjpeg", {}, None, None),
    ("rotated.mp4", "libx264", X264, None, None),
    ("pictures.gif", "gif", {}, None, None),
]


def moving(number, height, width):
    """A sliding texture, so that all frames differ."""
    return np.roll(TEXTURE, (number, 2 * number), axis=(0, 1))[:height, :width]


def turn(path, matrix=(0, 1, -1, 0)):
    """Sets the rotation in the track header of an MP4; (0, 1, -1, 0) is a quarter turn."""
    content = bytearray(path.read_bytes())
    place = content.index(b"tkhd") + 44
    a, b, c, d = (value << 16 for value in matrix)
    content[place : place + 20] = struct.pack(">5i", a, b, 0, c, d)
    path.write_bytes(content)


@pytest.fixture(scope="module")
def built(tmp_path_factory, write_video):
    root = tmp_path_factory.mktemp("encoded")
    rows = [("path", "label", "split", "start", "end")]
    for number, (name, codec, options, start, end) in enumerate(VIDEOS):
        pixels = {"gif": "rgb8", "mjpeg": "yuvj420p"}.get(codec, "yuv420p")
        kind = {"codec": codec, "options": options, "pixels": pixels, "draw": moving}
        write_video(root / name, frames=60, size=(96, 128), **kind)
        rows.append((name, "ab"[number % 2], "train", start, end))
    turn(root / "rotated.mp4")
    with open(root / "list.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    options = {"store": "video", "short_side": None, "progress": False, "timeout": 60.0}
    manifest = tfrecords.build(root / "list.csv", root / "data", shards=2, **options)
    return SimpleNamespace(root=root, data=root / "data", manifest=manifest)


def place_of(split, name):
    stem = Path(name).stem
    return next(k for k, video in enumerate(split.ids) if video.split("@")[0] == stem)


def as_jpeg(rgb):
    content = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1]
    return cv2.imdecode(content, cv2.IMREAD_COLOR)[..., ::-1]


@pytest.mark.parametrize("case", VIDEOS, ids=[case[0] for case in VIDEOS])
def test_frames_equal_those_of_the_original(built, case):
    name, codec, _, start, end = case
    frames = [frame.rgb for frame in read_frames(built.root / name, start, end)]
    split = Split(built.data, "train")
    video = place_of(split, name)
    assert split.videos[video]["frames"] == len(frames)
    assert split.encoded[video] == (codec != "gif")
    random = np.random.default_rng(1)
    requests = [np.arange(len(frames)), np.array([len(frames) - 1, 0, 0]), np.arange(0, 24, 8) % 20]
    requests += [random.integers(0, len(frames), 4) for _ in range(10)]
    for places in requests:
        for place, stored in zip(places, read_stored(split, video, places), strict=True):
            expected = as_jpeg(frames[place]) if codec == "gif" else frames[place]
            np.testing.assert_array_equal(stored, expected)


def test_videos_that_cannot_stay_encoded_are_reported(built):
    assert built.manifest.frame["store"] == "video"
    assert built.manifest.as_frames == {"pictures": "Matroska does not support its codec (gif)"}
    assert tfrecords.read_manifest(built.data).as_frames == built.manifest.as_frames


def test_clips_are_cut_from_the_frames_of_the_originals(built):
    options = {"num_frames": 4, "interval": 3, "image_size": 64, "num_clips": 2, "num_crops": 3}
    batches = tfrecords.clips(
        built.data, "train", training=False, batch_size=5, with_ids=True, **options
    )
    originals = {Path(name).stem: (built.root / name, a, b) for name, _, _, a, b in VIDEOS}
    seen = 0
    for batch in batches.as_numpy_iterator():
        for name, view, clip in zip(batch["id"], batch["view"], batch["clip"], strict=True):
            stem = name.decode().split("@")[0]
            if stem != "pictures":
                frames = np.stack([frame.rgb for frame in read_frames(*originals[stem])])
                expected = tfrecords.views(frames, **options)[view]
                np.testing.assert_array_equal(clip, expected)
                seen += 1
    assert seen == 6 * (len(VIDEOS) - 1)


def record(built, name):
    """The SequenceExample of a video, parsed by TensorFlow."""
    context = {
        key: tf.io.FixedLenFeature([], kind)
        for key, kind in {
            "clip/media_id": tf.string,
            "clip/encoded_media_bytes": tf.string,
            "clip/encoded_media_start_timestamp": tf.int64,
            "clip/start/timestamp": tf.int64,
            "image/height": tf.int64,
        }.items()
        if name != "pictures" or "encoded" not in key
    }
    lists = {"image/timestamp": tf.io.FixedLenSequenceFeature([], tf.int64)}
    for shard in sorted(built.data.glob("*.tfrecord")):
        for raw in tf.data.TFRecordDataset(str(shard)).as_numpy_iterator():
            example = tf.train.SequenceExample.FromString(raw)
            media_id = example.context.feature["clip/media_id"].bytes_list.value[0].decode()
            if media_id.split("@")[0] == name:
                found, sequences = tf.io.parse_single_sequence_example(raw, context, lists)
                return {**found, **sequences}
    return None


@pytest.mark.parametrize("name", ["b_frames", "part", "open_gop_part", "hevc_part", "mpeg4_b"])
def test_other_tools_read_the_record_and_its_media(built, tmp_path, name):
    file, _, _, start, end = next(case for case in VIDEOS if Path(case[0]).stem == name)
    found = record(built, name)
    frames = list(read_frames(built.root / file, start, end))
    assert found["image/timestamp"].numpy().tolist() == [frame.timestamp for frame in frames]
    media = found["clip/encoded_media_bytes"].numpy()
    offset = int(found["clip/encoded_media_start_timestamp"])
    with av.open(io.BytesIO(media)) as container:
        assert [stream.type for stream in container.streams] == ["video"]
        shown = {round(p.time * 1e6) + offset: p for p in container.decode(video=0)}
    assert 0 <= frames[0].timestamp - min(shown) < 1_000_000  # from the keyframe before
    for frame in frames:
        time = min(shown, key=lambda t: abs(t - frame.timestamp))
        assert abs(time - frame.timestamp) <= 1000
        np.testing.assert_array_equal(shown[time].to_ndarray(format="rgb24"), frame.rgb)
    path = tmp_path / "media.mkv"
    path.write_bytes(media)
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    pictures = [capture.read()[0] for _ in range(len(shown) + 1)]
    assert pictures == [True] * len(shown) + [False]


def index_of(data, name):
    """The shard of a video, its index, and the position of the video."""
    for shard in tfrecords.read_manifest(data).all_shards:
        for number, video in enumerate(shard.videos):
            if video.split("@")[0] == name:
                return data / shard.file, read_index(index_path(data / shard.file)), number
    raise AssertionError(name)


def test_a_segment_keeps_only_required_packets(built):
    """Pictures 35 to 54; the keyframe before is 25; B-frames may need one more picture."""
    _, index, number = index_of(built.data, "part")
    assert 1 + 30 <= len(index.pieces(number)) <= 1 + 30 + 3
    assert index.videos[number]["frames"] == 20
    _, index, number = index_of(built.data, "b_frames")
    assert len(index.pieces(number)) == 1 + 60


def test_a_clip_reads_only_its_packets(built, monkeypatch):
    split, read = Split(built.data, "train"), []
    original = dataset._read

    def counted(path, places):
        read.extend(length for _, length in places if path.suffix == ".tfrecord")
        return original(path, places)

    monkeypatch.setattr(dataset, "_read", counted)
    media = split.read_media(place_of(split, "b_frames.mp4"), np.array([2, 30, 34]))
    packets = [[piece.number for piece in stretch] for stretch in media.stretches]
    assert [numbers[0] for numbers in packets] == [1, 26]  # the first two keyframes
    assert len(packets[0]) < 7
    assert len(packets[1]) < 14
    pieces = [piece.data for stretch in media.stretches for piece in stretch]
    assert sum(read) <= 1.02 * sum(map(len, [media.head, *pieces]))


def test_a_changed_packet_is_reported(built, tmp_path):
    data = shutil.copytree(built.data, tmp_path / "data")
    shard, index, number = index_of(data, "hevc")
    offset = int(index.pieces(number)[3]["offset"])
    with open(shard, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 4]))
    split = Split(data, "train")
    with pytest.raises(
        BadShard, match=r"packet 3 of video 'hevc' differs from what was written \(wrong CRC"
    ):
        read_stored(split, place_of(split, "hevc.mp4"), np.array([5]))
    report = tfrecords.verify(data, progress=False)
    assert len(report.problems) == 1
    assert report.problems[0].endswith("is damaged in the videos 'hevc'.")


def test_a_picture_that_differs_from_the_stored_one_is_an_error(built, monkeypatch):
    """As from another decoder, or from damage that is not in a packet."""
    read = Split.read_media

    def other(self, video, frames):
        media = read(self, video, frames)
        (first, crc), *rest = media.pictures
        return media._replace(pictures=[(first, crc ^ 1), *rest])

    monkeypatch.setattr(Split, "read_media", other)
    split = Split(built.data, "train")
    message = "frame 7 of video 'hevc' is not the stored picture"
    with pytest.raises(BadShard, match=message):
        read_stored(split, place_of(split, "hevc.mp4"), np.array([7, 9]))


def test_verify_decodes_pictures_of_every_store(built):
    report = tfrecords.verify(built.data, sample=200, progress=False)
    assert report.ok
    assert report.frames == built.manifest.splits["train"]["frames"]
    assert report.decoded >= 200


def job(path, spool):
    return Job(str(path), str(spool), FrameOptions(64, 90, "video"))


def spooled(path, spool):
    """The content of the spool of a video, without its duration."""
    return decoder_process.answer(job(path, spool)).decoded


def test_the_same_video_gives_the_same_bytes(built, tmp_path):
    spools = [tmp_path / "1", tmp_path / "2"]
    found = [spooled(built.root / "b_frames.mp4", spool) for spool in spools]
    assert found[0] == found[1]
    assert spools[0].read_bytes() == spools[1].read_bytes()
    assert sorted(tmp_path.iterdir()) == spools  # no other files are left


@pytest.mark.parametrize("fps", [7.0, 40.0])
def test_another_frame_rate_takes_the_same_pictures(built, tmp_path, fps):
    path = built.root / "open_gop.mp4"
    other = built.root / "mpeg4.avi"
    rows = [("path", "label", "split"), (path, "a", "train"), (other, "b", "train")]
    with open(tmp_path / "list.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    tfrecords.build(tmp_path / "list.csv", tmp_path / "d", store="video", fps=fps, progress=False)
    frames = list(read_frames(path, fps=fps))
    split = Split(tmp_path / "d", "train")
    assert split.encoded.all()
    video = next(k for k, name in enumerate(split.ids) if "open_gop" in name)
    stored = read_stored(split, video, np.arange(len(frames)))
    for frame, pixels in zip(frames, stored, strict=True):
        np.testing.assert_array_equal(pixels, frame.rgb)


def test_pictures_that_change_in_size_become_jpegs(tmp_path, write_video):
    for name, size in (("1.ts", (48, 64)), ("2.ts", (96, 128))):
        write_video(tmp_path / name, codec="mpeg2video", size=size, draw=moving)
    path = tmp_path / "both.ts"
    path.write_bytes(b"".join((tmp_path / name).read_bytes() for name in ("1.ts", "2.ts")))
    found = spooled(path, tmp_path / "spool")
    assert found.not_encoded == "the size, colors or rotation of its pictures change"
    assert found.media is None
    assert len(found.lengths) == len(found.timestamps)


@pytest.mark.parametrize(("matrix", "stays"), [
    ((-1, 0, 0, -1), True), ((0, -1, 1, 0), True), ((-1, 0, 0, 1), False), ((0, 1, 1, 0), False),
])  # fmt: skip
def test_mirrored_videos_become_jpegs(tmp_path, write_video, matrix, stays):
    """Matroska stores the angle of a picture, but not mirroring."""
    path = write_video(tmp_path / "a.mp4", frames=3, draw=moving)
    turn(path, matrix)
    found = spooled(path, tmp_path / "spool")
    assert (found.media is not None) == stays
    assert stays or "does not decode to" in found.not_encoded


def test_memory_does_not_grow_with_the_video(tmp_path, write_video):
    """A picture has 115 kB, a packet of noise about 60 kB: 300 of either would be noticed."""
    noise = RANDOM.integers(0, 256, (240, 480, 3), dtype=np.uint8)

    def draw(number, height, width):
        return np.roll(noise, 37 * number, axis=1)[:height, :width]

    peaks, options = [], {"g": "300", "preset": "ultrafast", "crf": "30"}
    for frames in (30, 300):
        path = write_video(
            tmp_path / f"{frames}.mp4", frames, (240, 320), draw=draw, options=options
        )
        source = f"""
import pathlib, sys
from tfrecords.format.decoded import Job
from tfrecords.writing import decoder_process
found = decoder_process.answer(Job.from_json(sys.argv[1])).decoded
assert len(found.media.pictures) == {frames}, found
status = pathlib.Path("/proc/self/status").read_text(encoding="utf-8")
print(status.split("VmHWM:")[1].split()[0])  # not ru_maxrss, which includes the parent
"""
        request = job(path, tmp_path / "spool").to_json()
        run = subprocess.run(
            [sys.executable, "-c", source, request], capture_output=True, check=True
        )
        peaks.append(int(run.stdout) / 1024)
    assert peaks[1] - peaks[0] < 15


def test_a_folder_of_images_becomes_jpegs(tmp_path):
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), moving(number, 48, 64))
    found = spooled(tmp_path, tmp_path / "spool")
    assert found.not_encoded == "PyAV cannot decode it"
    assert len(found.lengths) == 3


def test_media_that_decodes_differently_is_never_stored(built, tmp_path, monkeypatch):
    def changed(tape, number):
        packet = tape.packets[number]
        tape.file.seek(packet.offset)
        content = bytearray(tape.file.read(packet.size))
        if number == 40:
            content[-4] ^= 0x5A
        return bytes(content)

    monkeypatch.setattr(remux.PacketTape, "read", changed)
    found = spooled(built.root / "mpeg4.avi", tmp_path / "spool")
    assert found.not_encoded in {  # which of them depends on the encoder's bytes
        "the stored media does not decode to the pictures of the original",
        "one of its packets contains two pictures",
    }
    assert len(found.lengths) == 60


def test_a_keyframe_of_an_open_group_is_not_a_start(built, tmp_path):
    """Frames shown before the keyframe of an open group depend on the group before it."""
    pictures = spooled(built.root / "open_gop.mp4", tmp_path / "spool").media.pictures
    by_packet = sorted(pictures)
    starts = [start for _, start, _ in by_packet]
    assert len(set(starts)) > 3
    assert starts != sorted(starts)  # a later packet that starts earlier


def test_a_video_above_the_limit_is_an_error(built, tmp_path, monkeypatch):
    monkeypatch.setattr(remux, "RECORD_LIMIT", 3000)
    found = decoder_process.answer(job(built.root / "b_frames.mp4", tmp_path / "spool"))
    assert "record limit of 1 GB" in found.error


def test_an_unknown_store_is_rejected(tmp_path):
    with pytest.raises(BuildError, match="store must be frames or video, received tape"):
        tfrecords.build(tmp_path, tmp_path / "data", store="tape")


class Killed(BaseException):
    """An exit that is not caught."""


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_resumed_build_has_the_same_bytes(built, tmp_path, monkeypatch):
    """It dies when all shards and the reasons for JPEGs are recorded."""
    source = built.root / "list.csv"
    options = {"short_side": None, "progress": False, "shards": 2}

    def dies(*_):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(sys.modules["tfrecords.writing.build"], "write_manifest", dies)
        with pytest.raises(Killed):
            tfrecords.build(source, tmp_path / "data", store="video", **options)
    with pytest.raises(BuildError, match="cannot be resumed: store is frames, was video"):
        tfrecords.build(source, tmp_path / "data", **options)
    tfrecords.build(source, tmp_path / "data", store="video", **options)
    assert contents(tmp_path / "data") == contents(built.data)


def test_a_finished_data_set_with_another_store_is_rejected(built):
    with pytest.raises(BuildError, match="built differently: store is frames, was video"):
        tfrecords.build(
            built.root / "list.csv", built.data, shards=2, short_side=None, progress=False
        )


def test_a_build_reports_videos_stored_as_frames(built, tmp_path, capsys):
    rows = [("path", "label", "split"), ("pictures.gif", "a", "train"), ("vp9.webm", "b", "train")]
    with open(built.root / "two.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    tfrecords.build(built.root / "two.csv", tmp_path / "data", store="video", progress=False)
    printed = capsys.readouterr()
    assert (
        "1 video is stored as JPEG frames: pictures (Matroska does not" in printed.out + printed.err
    )
