"""The record's layout equals that of TensorFlow's protobuf."""

import numpy as np
import pytest
import tensorflow as tf

from tfrecords.format.record import layout, media_layout

CONTEXT = {
    "clip/label/text": "Füße heben - 走る",
    "clip/media_id": "",
    "clip/label/index": 0,
    "clip/start/timestamp": -1,
    "clip/end/timestamp": 1 << 40,
    "image/frame_rate": 29.97,
}


def reference(context, jpegs, timestamps):
    example = tf.train.SequenceExample()
    for key, value in context.items():
        feature = example.context.feature[key]
        if isinstance(value, str):
            feature.bytes_list.value.append(value.encode())
        elif isinstance(value, float):
            feature.float_list.value.append(value)
        else:
            feature.int64_list.value.append(value)
    lists = example.feature_lists.feature_list
    for jpeg, time in zip(jpegs, timestamps, strict=True):
        lists["image/encoded"].feature.add().bytes_list.value.append(jpeg)
        lists["image/timestamp"].feature.add().int64_list.value.append(time)
    return example.SerializeToString(deterministic=True)


@pytest.mark.parametrize("lengths", [[1], [0, 1, 127, 128, 130], [16383, 16384], [40000] * 60])
def test_layout_is_the_deterministic_serialization(lengths):
    random = np.random.default_rng(0)
    jpegs = [random.bytes(length) for length in lengths]
    timestamps = [33_367 * number - 5 for number in range(len(lengths))]
    plan = layout(CONTEXT, lengths, timestamps)
    parts = [prefix + jpeg for prefix, jpeg in zip(plan.prefixes, jpegs, strict=True)]
    record = plan.head + b"".join(parts) + plan.tail
    assert plan.size == len(record)
    assert record == reference(CONTEXT, jpegs, timestamps)


@pytest.mark.parametrize("length", [1, 100, 127, 128, 16_380, 16_383, 16_384, 3_000_000])
def test_a_record_with_media_is_the_deterministic_serialization(length):
    media = np.random.default_rng(0).bytes(length)
    timestamps = [0, 40_000, 80_000]
    plan = media_layout({**CONTEXT, "clip/encoded_media_start_timestamp": -7}, length, timestamps)
    record = plan.head + plan.prefixes[0] + media + plan.tail
    assert plan.size == len(record)
    example = tf.train.SequenceExample.FromString(reference(CONTEXT, [], []))
    example.feature_lists.ClearField("feature_list")
    features = example.context.feature
    features["clip/encoded_media_bytes"].bytes_list.value.append(media)
    features["clip/encoded_media_start_timestamp"].int64_list.value.append(-7)
    for time in timestamps:
        times = example.feature_lists.feature_list["image/timestamp"]
        times.feature.add().int64_list.value.append(time)
    assert record == example.SerializeToString(deterministic=True)
