"""The wire format is read as by protobuf, in every encoding and for any bytes."""

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf.message import DecodeError

from tfrecords.foreign.protobuf import NotAnExample, read_example
from tfrecords.foreign.record_to_video import jpeg_size

CONTEXT = {"int": [3, -1, 1 << 62], "float": [0.5, -2.0], "text": ["a", "ü"]}


@pytest.fixture(scope="module")
def message(shards):
    return shards.example(CONTEXT, image_encoded=[b"one", b"", b"three"], image_timestamp=[1, 2, 3])


def part(number, payload):
    assert len(payload) < 128
    return bytes([number << 3 | 2, len(payload)]) + payload


def entry(key, value, turned=False):
    parts = [part(1, key.encode()), part(2, value)]
    return part(1, b"".join(parts[::-1] if turned else parts))


def plain(data, values):
    """Values with bytes instead of spans."""
    return [data[v[0] : v[1]] if isinstance(v, tuple) else v for v in values]


def content(data):
    example = read_example(data)
    context = {key: plain(data, example.values(key)) for key in example.context}
    return context, {k: [plain(data, step) for step in example.steps(k)] for k in example.lists}


def expected(message):
    """The same from protobuf's runtime."""

    def values(feature):
        kind = feature.WhichOneof("kind")
        return list(getattr(feature, kind).value) if kind else []

    lists = message.feature_lists.feature_list
    context = {key: values(feature) for key, feature in message.context.feature.items()}
    return context, {key: [values(step) for step in lists[key].feature] for key in lists}


def test_messages_written_by_protobuf(message):
    data = message.SerializeToString()
    assert content(data) == expected(message)
    assert content(data)[0] == {"int": [3, -1, 1 << 62], "float": [0.5, -2.0],
                                "text": [b"a", "ü".encode()]}  # fmt: skip
    assert content(data)[1]["image/encoded"] == [[b"one"], [b""], [b"three"]]


INT = part(3, part(1, b"\x05"))  # packed
SPELLINGS = {
    "unpacked integers": (part(1, entry("k", part(3, b"\x08\x05\x08\x06"))), [5, 6]),
    "packed integers": (part(1, entry("k", part(3, part(1, b"\x05\x06")))), [5, 6]),
    "unpacked floats": (part(1, entry("k", part(2, b"\x0d\x00\x00\x00\x3f"))), [0.5]),
    "packed floats": (part(1, entry("k", part(2, part(1, b"\x00\x00\x00\x3f")))), [0.5]),
    "value before key": (part(1, entry("k", INT, turned=True)), [5]),
    "lists before context": (part(2, b"") + part(1, entry("k", INT)), [5]),
    "context in two parts": (part(1, entry("j", INT)) + part(1, entry("k", INT)), [5]),
    "a key twice": (part(1, entry("k", part(3, b"\x08\x01")) + entry("k", INT)), [5]),
    "a list in two parts": (part(1, entry("k", INT + part(3, b"\x08\x06"))), [5, 6]),
    "two kinds": (part(1, entry("k", part(1, part(1, b"x")) + INT)), [5]),
    "unknown fields": (b"\x98\x06\x01" + part(9, b"x") + part(1, entry("k", INT)), [5]),
    "fixed unknown fields": (b"\x1d1234\x2112345678" + part(1, entry("k", INT)), [5]),
    "long varints": (part(1, entry("k", part(3, b"\x08\x85\x80\x80\x00"))), [5]),
}


@pytest.mark.parametrize(("data", "values"), SPELLINGS.values(), ids=SPELLINGS)
def test_every_encoding(data, values):
    assert content(data)[0]["k"] == values
    assert content(data) == expected(tf.train.SequenceExample.FromString(data))


@pytest.mark.parametrize("data", [
    b"\x0a", b"\x0a\x05ab", b"\x00\x01", b"\x0b", b"\x0e", b"\x08" + b"\xff" * 11, b"\x1d12",
    part(1, b"\x0a\x7f"),
])  # fmt: skip
def test_invalid_messages(data):
    with pytest.raises(NotAnExample):
        read_example(data)


def test_mutations_are_read_as_by_protobuf_or_rejected(message):
    """Both return the same values, and no other error than NotAnExample is raised."""
    draws, same = np.random.default_rng(0), 0
    whole = message.SerializeToString(deterministic=True)
    for _ in range(1500):
        data = bytearray(whole)
        for place in draws.integers(len(data), size=draws.integers(1, 4)):
            data[place] = draws.integers(256)
        data = bytes(data[: draws.integers(1, len(data) + 1)] if draws.random() < 0.2 else data)
        try:
            found = content(data)
        except NotAnExample:
            continue
        try:
            truth = expected(tf.train.SequenceExample.FromString(data))
        except (DecodeError, UnicodeDecodeError):
            continue
        for ours, theirs in zip(found, truth, strict=True):
            # Protobuf omits an entry with an unknown field. A nan does not equal itself.
            assert all(repr(ours[key]) == repr(theirs[key]) for key in ours.keys() & theirs.keys())
            assert theirs.keys() <= ours.keys()
        same += found == truth
    assert same > 150


@pytest.mark.parametrize("options", [
    {"quality": 95}, {"progressive": True}, {"optimize_size": True},
    {"chroma_downsampling": False}, {"xmp_metadata": "x" * 5000}, {"format": "grayscale"},
])  # fmt: skip
def test_the_size_of_a_jpeg(options):
    image = np.zeros((37, 53, 1 if "format" in options else 3), np.uint8)
    jpeg = tf.io.encode_jpeg(image, **options).numpy()
    assert jpeg_size(b"xx" + jpeg + b"yy", 2, 2 + len(jpeg)) == (37, 53)
    for end in range(2, 160):
        assert jpeg_size(jpeg, 0, end) in (None, (37, 53))
