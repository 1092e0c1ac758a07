"""The signature `video` gives what `ctm evaluate` saves, for JPEGs of 320 x 240."""

import itertools
import json
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest
import tensorflow as tf

import ctm_keras
import tfrecords
from tfrecords.reading import Split, read_frames
from training.evaluate.config import ProtocolConfig
from training.evaluate.evaluate import evaluate
from training.evaluate.predictions import Predictions, join_views
from training.evaluate.protocols import PROTOCOLS
from training.evaluate.settings import Settings, settings_for
from training.use.config import ExportConfig
from training.use.export import export
from training.use.serving_video import ServedVideo
from training.view import View

RATE = 25.0  # of a folder of frames
SLOWFAST = {"protocol": "slowfast", "num_clips": 2}
VIDEOS = {  # frames, height and width
    "val/a/long": (100, 240, 320),
    "val/a/tall": (40, 320, 240),
    "val/b/few": (3, 240, 320),
    "val/b/one": (1, 320, 240),
    "train/a/short": (2, 240, 320),
    "train/b/short": (2, 240, 320),
}


def draw(folder: Path, frames: int, height: int, width: int) -> None:
    """A patch moves over a pattern that moves the other way."""
    folder.mkdir(parents=True)
    rows, columns = np.mgrid[:height, :width]
    for t in range(frames):
        waves = [np.sin((rows + k * columns + 9 * t) / (7 + 5 * k)) for k in range(3)]
        picture = np.uint8(127 + 120 * np.stack(waves, -1))
        x = 7 * t % (width - 60)
        picture[50:110, x : x + 60] = 255, 9 * t % 256, 0
        cv2.imwrite(str(folder / f"{t}.bmp"), picture)


@pytest.fixture(scope="module")
def data(once):
    """The videos at their own rate, and the same JPEGs at 10 frames per second."""

    def make(folder: Path) -> None:
        for name, size in VIDEOS.items():
            draw(folder / "videos" / name, *size)
        for name, fps in (("own", None), ("resampled", 10.0)):
            tfrecords.build(folder / "videos", folder / name, short_side=240, fps=fps, workers=1)

    return once("jpegs", make)


def jpegs(videos: Split, name: str) -> list[bytes]:
    number = videos.ids.index(name)
    return videos.read(number, np.arange(videos.videos[number]["frames"]))


def save_model(path: Path, method: str, size: int, fps: float | None, frames: int = 4) -> Path:
    """A file of an untrained model."""
    view = {"interval": 3, "resampled": fps is not None, "fps": fps or RATE, "short_side": 240}
    model = ctm_keras.build_video_model(
        method,
        "tiny",
        class_names=["a", "b"],
        num_frames=frames,
        image_size=size,
        weights=None,
        view=view,
    )
    model.save(path)
    return path


@pytest.fixture(scope="module")
def models(data, tmp_path_factory, shallow):
    """Files of models: one of 112 pixels, and one of 160 that resamples to 10 frames a second."""
    folder = tmp_path_factory.mktemp("models")
    with shallow():
        own = save_model(folder / "own.keras", "tsn", 112, fps=None)
        return own, save_model(folder / "resampled.keras", "tsm", 160, fps=10.0)


@pytest.fixture(scope="module")
def served(models):
    """The models exported: the first with the default protocol, the second with crops of 183."""
    own, resampled = models
    folder = own.parent
    return (
        export(ExportConfig(model=own, to=folder / "own", num_clips=2, num_crops=5)),
        export(ExportConfig(model=resampled, to=folder / "resampled", **SLOWFAST)),
    )


@pytest.fixture(scope="module")
def signatures(served):
    return [tf.saved_model.load(str(folder)).signatures for folder in served]


def check_answers(data: Path, model: Path, signatures: dict, **options) -> None:
    """Compares the served model's answers for all videos with `ctm evaluate`'s predictions."""
    evaluate(model, data=str(data / model.stem), split="val", **options)
    saved = Predictions.load(model.with_name(f"{model.stem}-results") / "predictions.npz")
    videos = Split(data / "own", "val")
    ids, _, probabilities = join_views(saved)
    assert len(ids) == 4
    for name, expected in zip(ids, probabilities, strict=True):
        frames = tf.constant(jpegs(videos, str(name)))
        found = signatures["video"](frames=frames, frame_rate=tf.constant(RATE))
        np.testing.assert_allclose(found["probabilities"], expected, atol=1e-5)
        logits = saved.logits[saved.ids == name].mean(axis=0)
        np.testing.assert_allclose(found["logits"], logits, atol=1e-5)
        best = expected.argsort()[::-1]
        assert found["classes"].numpy().tolist() == [b"ab"[i : i + 1] for i in best]
        np.testing.assert_allclose(found["scores"], expected[best], atol=1e-5)


def test_answers_are_those_of_evaluation(data, models, signatures):
    check_answers(data, models[0], signatures[0], num_clips=2, num_crops=5)


def test_answers_of_a_resized_model_that_resamples_are_those_of_evaluation(
    data, models, signatures
):
    check_answers(data, models[1], signatures[1], **SLOWFAST)


@pytest.mark.long
@pytest.mark.parametrize(
    ("method", "size", "fps"), [("tsn", 112, None), ("tsm", 160, 10.0), ("ctm", 112, 10.0)]
)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_protocol(data, tmp_path, protocol, method, size, fps):
    name = "own" if fps is None else "resampled"
    model = save_model(tmp_path / f"{name}.keras", method, size, fps)
    config = ExportConfig(model=model, to=tmp_path / "served", protocol=protocol)
    if protocol == "tsn" and method != "tsn":
        with pytest.raises(ValueError, match="clips must have 4 frames") as exported:
            export(config)
        with pytest.raises(ValueError, match="clips must have 4 frames") as evaluated:
            evaluate(model, data=str(data / name), split="val", protocol=protocol)
        assert str(exported.value) == str(evaluated.value)
        return
    loaded = tf.saved_model.load(str(export(config)))
    check_answers(data, model, loaded.signatures, protocol=protocol)


@pytest.mark.parametrize(("protocol", "size"), [*zip(PROTOCOLS, itertools.cycle([112, 160]))])
def test_the_views_of_every_protocol(data, protocol, size):
    """A sum of all pixels with random weights stands for the model."""
    view = View(tfrecords.ClipOptions(2, size, interval=3))
    most = {} if PROTOCOLS[protocol].views["num_clips"] < 10 else {"num_clips": 2}
    settings = settings_for(ProtocolConfig(protocol=protocol, **most), view)
    pixels = settings.num_frames * settings.image_size**2 * 3
    weights = np.random.default_rng(0).standard_normal((pixels, 2)) / 300

    def score(clips: tf.Tensor) -> tf.Tensor:
        flat = tf.cast(tf.reshape(clips, (-1, pixels)), tf.float64)
        return tf.cast(flat @ weights, tf.float32)

    video = ServedVideo(score, settings, None, ("a", "b"))
    signature = [tf.TensorSpec([None], tf.string), tf.TensorSpec([])]
    traced = tf.function(video, signature, autograph=False)
    videos = Split(data / "own", "val")
    for name in ("val/a/long", "val/b/one") if size == 112 else ("val/a/tall", "val/b/few"):
        number, (count, _, _) = videos.ids.index(name), VIDEOS[name]
        frames = np.stack(read_frames(videos, number, np.arange(count)))
        views = tfrecords.views(frames, options=settings)
        expected = (views.reshape(-1, pixels) @ weights).mean(axis=0)
        found = traced(tf.constant(jpegs(videos, name)), float("nan"))  # the rate is not needed
        np.testing.assert_allclose(found["logits"], expected, atol=1e-5, err_msg=name)


@pytest.fixture(scope="module")
def frames(data):
    """The JPEGs of a video of 40 frames."""
    return jpegs(Split(data / "own", "val"), "val/a/tall")


SMALL = cv2.imencode(".jpg", np.zeros((24, 32, 3), np.uint8))[1].tobytes()


@pytest.mark.parametrize(
    ("change", "rate", "message"),
    [
        (lambda frames: [], RATE, r"must have at least one frame, received\] \[0\]"),
        (
            lambda frames: [*frames[:20], *[SMALL] * 20],
            RATE,
            r"same height.*\[320 240\].*\[24 32\]",
        ),
        (lambda frames: [*frames[:20], *[b"text"] * 20], RATE, "Unknown image file format"),
        (lambda frames: [*frames[:20], *[frames[0][:900]] * 20], RATE, "Invalid JPEG"),
        (lambda frames: [frames], RATE, r"`inputs`, not `instances`\), received\] \[1 40\]"),
        (lambda frames: frames, 0.0, r"must be the frames per second.*\[0\]"),
        (lambda frames: frames, -25.0, r"must be the frames per second.*\[-25\]"),
        (lambda frames: frames, float("nan"), r"must be the frames per second.*\[nan\]"),
        (lambda frames: frames, float("inf"), r"must be the frames per second.*\[inf\]"),
    ],
)
def test_a_wrong_request_is_named(signatures, frames, change, rate, message):
    request = tf.constant(change(frames), tf.string)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        signatures[1]["video"](frames=request, frame_rate=tf.constant(rate))


def test_the_metadata_are_in_the_file_and_beside_it(served, signatures):
    text = (served[1] / "assets.extra" / "metadata.json").read_text(encoding="utf-8")
    found = signatures[1]["metadata"](request=tf.constant(""))["metadata"].numpy()
    assert found.decode() == text
    notes = json.loads(text)
    evaluation = notes.pop("evaluation")
    assert notes == {
        "num_frames": 4,
        "image_size": 160,
        "sampling": "dense",
        "interval": 3,
        "scale": [256, 320],
        "short_side": 240,
        "seconds": None,
        "fps": 10.0,
        "resampled": True,
        "rate": 10.0,
        "protocol": "ctm",
        "class_names": ["a", "b"],
        "method": "tsm",
        "backbone": "tiny",
        "version": ctm_keras.__version__,
    }
    settings = Settings.from_dict(evaluation)
    assert str(settings).startswith("like slowfast: 2 clips x 3 crops of 183 from short side 183")
    assert settings.average == "probabilities"


def test_the_weights_are_stored_once(models, served):
    for model, folder in zip(models, served, strict=True):
        weights = sum(w.numpy().nbytes for w in keras.models.load_model(model).weights)
        (stored,) = (folder / "variables").glob("*.data-*")
        assert weights <= stored.stat().st_size < 1.2 * weights
