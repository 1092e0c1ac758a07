"""Missing listed videos are counted and reported, but do not stop a build."""

import json
import shutil

import pytest

import tfrecords
from tfrecords.format.manifest import FILE, checksum
from tfrecords.sources.folder_or_csv import SourceError
from tfrecords.writing.decoder_pool import BuildError

OPTIONS = {"short_side": 32, "workers": 1, "progress": False}
LISTS = {
    "classInd.txt": "1 Walk\r\n2 Jump\r\n3 Absent\r\n",
    "trainlist01.txt": "".join(f"Walk/v_Walk_g{i:02d}_c01.avi 1\r\n" for i in range(8))
    + "Jump/v_Jump_g01_c01.avi 2\r\nAbsent/v_Absent_g01_c01.avi 3\r\n",
    "testlist01.txt": "Jump/v_Jump_g02_c01.avi\r\nJump/v_Jump_g03_c01.avi\r\n",
}
THERE = ["Walk/v_Walk_g00_c01", "Jump/v_Jump_g01_c01", "Jump/v_Jump_g02_c01"]


@pytest.fixture
def source(tmp_path, write_video):
    """Three of twelve listed videos, and the lists: 75% are missing with --max-failures 0."""
    for name in THERE:
        write_video(tmp_path / "UCF" / f"{name}.avi", codec="mpeg4")
    (tmp_path / "lists").mkdir()
    for name, text in LISTS.items():
        (tmp_path / "lists" / name).write_bytes(text.encode())
    return {"format": "ucf101", "annotations": tmp_path / "lists", "max_failures": 0.0, **OPTIONS}


def build(tmp_path, source, **options):
    return tfrecords.build(tmp_path / "UCF", tmp_path / "data", **source, **options)


def test_missing_videos_are_counted_and_not_failures(tmp_path, source, capsys):
    found = build(tmp_path, source)
    assert found.class_names == ("Walk", "Jump", "Absent")  # the complete published order
    assert found.failures == ()
    assert sorted(found.ids("train")) == ["Jump/v_Jump_g01_c01", "Walk/v_Walk_g00_c01"]
    assert found.ids("test") == ("Jump/v_Jump_g02_c01",)
    assert found.missing == {
        "train": ("Absent/v_Absent_g01_c01", *(f"Walk/v_Walk_g{i:02d}_c01" for i in range(1, 8))),
        "test": ("Jump/v_Jump_g03_c01",),
    }
    assert found.splits["train"] == {"videos": 2, "frames": 24, "missing": 8}
    assert found.splits["test"] == {"videos": 1, "frames": 12, "missing": 1}
    assert tfrecords.read_manifest(tmp_path / "data") == found
    printed = capsys.readouterr().out
    assert "9 of 12 listed videos are missing and left out (8 of train, 1 of test): " in printed
    assert "Absent/v_Absent_g01_c01, Walk/v_Walk_g01_c01" in printed
    assert " and 4 more" in printed
    assert "Classes whose training videos are all missing: 1 (Absent)" in printed


def test_verify_reports_missing_videos(tmp_path, source):
    build(tmp_path, source)
    report = tfrecords.verify(tmp_path / "data", progress=False)
    assert report.ok
    assert len(report.missing) == 9
    assert "were missing during the build: 9 (Absent/v_Absent_g01_c01, Walk" in str(report)
    (tmp_path / "data" / "train-00000-of-00001.index").unlink()
    assert "were missing during the build: 9" in str(tfrecords.verify(tmp_path / "data"))


def test_published_splits_can_be_assigned(tmp_path, source):
    found = build(tmp_path, source, val=["test"])
    assert found.splits["val"] == {"videos": 1, "frames": 12, "missing": 1}
    assert list(found.missing) == ["train", "val"]


def test_a_video_added_later_makes_a_different_data_set(tmp_path, source, write_video):
    first = build(tmp_path, source)
    assert build(tmp_path, source) == first
    write_video(tmp_path / "UCF" / "Jump" / "v_Jump_g03_c01.avi", codec="mpeg4")
    with pytest.raises(BuildError, match="built differently"):
        build(tmp_path, source)
    shutil.rmtree(tmp_path / "data")
    assert build(tmp_path, source).splits["test"] == {"videos": 2, "frames": 24}


def test_a_damaged_video_is_still_a_failure(tmp_path, source):
    (tmp_path / "UCF" / "Walk" / "v_Walk_g01_c01.mp4").write_bytes(b"no video")
    with pytest.raises(BuildError, match=r"1 of 4 videos failed(.|\n)*v_Walk_g01_c01\.mp4"):
        build(tmp_path, source)


def test_no_training_videos(tmp_path, source):
    for name in THERE[:2]:
        (tmp_path / "UCF" / f"{name}.avi").unlink()
    with pytest.raises(SourceError, match=r"All training videos are missing\. 11 of 12 listed"):
        build(tmp_path, source)


def test_an_older_dataset_json_is_read(tmp_path, source):
    build(tmp_path, source)
    path = tmp_path / "data" / FILE
    content = json.loads(path.read_text(encoding="utf-8"))
    del content["missing"], content["checksum"]
    path.write_text(json.dumps({**content, "checksum": checksum(content)}), encoding="utf-8")
    assert tfrecords.read_manifest(tmp_path / "data").missing == {}


def test_real_videos_arranged_as_ucf101(real_videos, tmp_path):
    """The official lists, and three of their 13,320 videos, one of them under two names."""
    clips = real_videos / "clips"
    files = {
        "SoccerJuggling/v_SoccerJuggling_g23_c01.avi": "torchvision/v_SoccerJuggling_g23_c01.avi",
        "SoccerJuggling/v_SoccerJuggling_g24_c01.avi": "torchvision/v_SoccerJuggling_g24_c01.avi",
        "CricketShot/v_CricketShot_g04_c01.gif": "kinetics_i3d/v_CricketShot_g04_c01_rgb.gif",
        "CricketShot/v_CricketShot_g08_c01.gif": "kinetics_i3d/v_CricketShot_g04_c01_rgb.gif",
    }
    folder = tmp_path / "UCF-101"
    for name, file in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(clips / file)
    lists = real_videos / "annotations" / "ucf101"
    found = tfrecords.build(
        folder, tmp_path / "data", format="ucf101", annotations=lists, **OPTIONS
    )
    assert len(found.class_names) == 101
    assert set(found.ids("train")) == {
        "SoccerJuggling/v_SoccerJuggling_g23_c01", "SoccerJuggling/v_SoccerJuggling_g24_c01",
        "CricketShot/v_CricketShot_g08_c01",
    }  # fmt: skip
    assert found.ids("test") == ("CricketShot/v_CricketShot_g04_c01",)
    assert {split: n["videos"] + n["missing"] for split, n in found.splits.items()} == {
        "train": 9537, "test": 3783,
    }  # fmt: skip
    clips = tfrecords.clips(
        tmp_path / "data", "test", training=False, num_frames=4, image_size=32, with_ids=True
    )
    (batch,) = clips
    assert found.class_names[int(batch["label"][0])] == "CricketShot"
