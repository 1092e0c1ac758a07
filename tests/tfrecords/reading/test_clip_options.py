"""Compares the pixels of clips with the formula of the frames, and raw videos with shards."""

import cv2
import numpy as np
import pytest
import tensorflow as tf

import tfrecords
from tfrecords.reading.clip_options import ClipOptions
from tfrecords.reading.clip_reader import ClipReader
from tfrecords.reading.crops import crop_clip, decode
from tfrecords.reading.split import Split

KEY = np.zeros(2, np.int64)  # of the augmentations; none are used here
OPTIONS = {"image_size": 24, "num_frames": 4}
SHAPES = [(30, 64, 96), (41, 96, 64), (5, 64, 64)]  # landscape, portrait, square and short


@pytest.fixture(scope="module")
def data(synthetic, tmp_path_factory):
    videos = [(*shape, k) for k, shape in enumerate(SHAPES)]
    return synthetic.write_dataset(tmp_path_factory.mktemp("pixels"), {"val": videos})


@pytest.mark.parametrize("size", [20, 56, 70])
@pytest.mark.parametrize("flip", [False, True])
def test_crops_match_the_formula(synthetic, size, flip):
    frames = [synthetic.frame_of(3, frame, 64, 96) for frame in (2, 9)]
    boxes = np.array([(4, 0, 56), (4, 20, 56), (0, 32, 64)])
    clips = crop_clip(frames, boxes, size, flip)
    assert (clips.dtype, clips.shape) == (np.uint8, (3, 2, size, size, 3))
    for clip, box in zip(clips, boxes, strict=True):
        expected = synthetic.expected_clip(3, (2, 9), box, size, flip)
        assert np.abs(clip - expected).max() <= 1.3  # two roundings


def test_a_crop_of_the_right_size_is_not_resampled():
    frame = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    clip = crop_clip([frame], np.array([(3, 7, 32)]), 32)
    np.testing.assert_array_equal(clip[0, 0], frame[3:35, 7:39])


def test_shrinking_averages():
    frame = np.zeros((64, 64, 3), np.uint8)
    frame[::2] = 200
    assert np.abs(crop_clip([frame], np.array([(0, 0, 64)]), 16) - 100.0).max() <= 1


@pytest.mark.parametrize("gray", [False, True])
def test_decoding_equals_tensorflow(gray):
    noise = np.random.default_rng(0).integers(0, 256, (61, 83, 1 if gray else 3), np.uint8)
    jpeg = cv2.imencode(".jpg", cv2.GaussianBlur(noise, (9, 9), 3))[1].tobytes()
    expected = tf.io.decode_jpeg(jpeg, 3, dct_method="INTEGER_ACCURATE").numpy()
    np.testing.assert_array_equal(decode(jpeg), expected)


def test_invalid_jpegs_decode_to_none():
    assert decode(b"no picture") is None


@pytest.mark.parametrize(
    ("video", "draws", "frames", "box"),
    [
        (0, (0.0, 0.0, 0.0, 0.4), [0, 8, 16, 24], (0, 0, 56)),
        (0, (0.0, 0.99, 0.99, 0.6), [0, 8, 16, 24], (8, 40, 56)),
        (1, (0.999, 0.5, 0.5, 0.4), [5, 13, 21, 29], (26, 10, 45)),
        (2, (0.5, 0.2, 0.9, 0.4), [0, 3, 1, 4], (3, 13, 50)),
    ],
)
def test_a_training_clip_is_determined_by_its_draws(data, synthetic, video, draws, frames, box):
    reader = ClipReader(Split(data, "val"), ClipOptions(**OPTIONS), np.array([0, 2, 1, -1]))
    pixels, labels, ids, views = reader.training_clip(video, np.array([*draws, *[0.5] * 4]), KEY)
    flip = draws[3] < 0.5
    expected = synthetic.expected_clip(video, frames, box, 24, flip)
    assert np.abs(pixels[0] - expected).max() <= 5
    assert labels.tolist() == [[0, 2, 1][video] if flip else video]
    assert (ids.tolist(), views.tolist()) == ([f"video {video}".encode()], [0])


@pytest.mark.parametrize("sampling", ["dense", "segments"])
@pytest.mark.parametrize("num_crops", [1, 3])
@pytest.mark.parametrize("num_clips", [1, 4])
def test_raw_videos_give_the_same_views_as_shards(data, synthetic, sampling, num_crops, num_clips):
    options = {**OPTIONS, "sampling": sampling, "num_clips": num_clips, "num_crops": num_crops}
    batch = next(
        iter(tfrecords.clips(data, "val", training=False, batch_size=100, with_ids=True, **options))
    )
    ids, places = batch["id"].numpy(), batch["view"].numpy()
    count = num_clips * num_crops
    assert len(ids) == len(SHAPES) * count
    for video, (frames, height, width) in enumerate(SHAPES):
        raw = np.stack([synthetic.frame_of(video, f, height, width) for f in range(frames)])
        own = ids == f"video {video}".encode()
        assert places[own].tolist() == list(range(count))
        clips, views = batch["clip"].numpy()[own], tfrecords.views(raw, **options)
        assert views.shape == clips.shape
        assert [synthetic.read_off(v) for v in views] == [synthetic.read_off(c) for c in clips]
        assert np.abs(clips.astype(int) - views).max() <= 4  # JPEG's loss


def test_views_of_the_decoded_frames_of_a_shard_are_bit_identical(data):
    options = {**OPTIONS, "num_clips": 3, "num_crops": 3}
    batch = next(iter(tfrecords.clips(data, "val", training=False, batch_size=9, **options)))
    split = Split(data, "val")
    frames = np.stack([decode(jpeg) for jpeg in split.read(0, np.arange(30))])
    np.testing.assert_array_equal(batch[0].numpy(), tfrecords.views(frames, **options))


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (np.zeros((4, 8, 8), np.uint8), "uint8 of shape \\(4, 8, 8\\)"),
        (np.zeros((4, 8, 8, 3), np.float32), "float32"),
        (np.zeros((0, 8, 8, 3), np.uint8), "at least one frame"),
        (np.zeros((4, 8, 8, 4), np.uint8), "frames, height, width, 3"),
    ],
)
def test_views_requires_rgb_frames(frames, message):
    with pytest.raises(ValueError, match=message):
        tfrecords.views(frames)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"num_frames": 0}, "num_frames must be an integer of at least 1, received 0"),
        ({"num_frames": 2.5}, "num_frames must be an integer"),
        ({"image_size": -1}, "image_size must be an integer of at least 1, received -1"),
        ({"image_size": True}, "image_size must be an integer"),
        ({"interval": 0}, "interval must be"),
        ({"num_clips": 0}, "num_clips must be"),
        ({"num_crops": 2}, "num_crops must be 1 .*, 3 .* or 10 .*, received 2"),
        ({"rule": "mine"}, "rule must be one of .*slowfast.*, received 'mine'"),
        (
            {"rule": "slowfast", "sampling": "segments"},
            "must be dense for this rule, received 'segm",
        ),
        ({"rule": "tsm", "sampling": "segments", "num_clips": 3}, "must be 1 or 2 for segments"),
        ({"rule": "tsn", "sampling": "segments", "num_clips": 2}, "must be 1 with TSN's rule"),
        ({"sampling": "sparse"}, "sampling must be one of .*dense.*segments.*, received 'sparse'"),
        ({"scale": (200, 320)}, "both at least 224, received \\(200, 320\\)"),
        ({"scale": (320, 256)}, "scale must be two integers"),
        ({"scale": 256}, "scale must be two integers"),
        ({"scale": (256.0, 320.0)}, "scale must be two integers"),
    ],
)
def test_wrong_options_are_errors_everywhere(data, option, message):
    with pytest.raises(ValueError, match=message):
        tfrecords.views(np.zeros((4, 8, 8, 3), np.uint8), **option)
    with pytest.raises(ValueError, match=message):
        tfrecords.clips(data, "val", **option)
