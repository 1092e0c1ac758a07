"""The code in the README and the serving page runs; links have targets."""

import base64
import json
import re
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfrecords.reading.crops import decode
from training.use.predict import Classifier

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def python_of(page: str, number: int = 0) -> str:
    """A block of Python code of a page."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)[number]


# Keras warns of its own default whenever it is given a tf.data.Dataset.
@pytest.mark.filterwarnings("ignore:.shuffle=True. was passed:UserWarning")
def test_the_notebook_code_runs(directions):
    code = python_of("README.md")
    small = {
        '"data/mine"': repr(str(directions)),
        "batch_size=32": "batch_size=8, image_size=32",
        '"val")': '"val", image_size=32)',
        "epochs=30": "epochs=1, verbose=0",
        'metrics=["accuracy"]': 'metrics=["accuracy"], jit_compile=False',  # XLA takes seconds
        "ctm_keras.CTMResNet50(": "ctm_keras.build_video_model("
        '"ctm", "tiny", image_size=32, weights=None, ',
    }
    for there, here in small.items():
        assert there in code
        code = code.replace(there, here)
    scope = {}
    exec(code, scope)
    assert isinstance(scope["model"], keras.Model)


def test_the_request_for_a_video_is_answered(trained, served, directions, tmp_path, monkeypatch):
    video = next((directions.parent / "videos").rglob("*.mp4"))
    shutil.copytree(served.parent, tmp_path / "served" / "mine")
    monkeypatch.chdir(tmp_path)
    exec(python_of("docs/serving.md").replace("holiday.mp4", str(video)), {})
    request = json.loads((tmp_path / "request.json").read_bytes())
    inputs = request["inputs"]
    frames = tf.constant([base64.b64decode(frame["b64"]) for frame in inputs["frames"]])
    assert inputs["frame_rate"] == pytest.approx(16, rel=1e-3)
    signature = tf.saved_model.load(str(served)).signatures[request["signature_name"]]
    found = signature(frames=frames, frame_rate=tf.constant(inputs["frame_rate"]))
    expected = Classifier(trained.path).predict(video, num_crops=3).probabilities
    np.testing.assert_allclose(found["probabilities"], expected, atol=0.02)  # JPEG is lossy


def test_the_request_for_a_clip_is_answered(trained, served, directions, tmp_path, monkeypatch):
    video = next((directions.parent / "videos").rglob("*.mp4"))
    own = {
        "holiday.mp4": str(video),
        "short_side=256": "short_side=32",
        "num_frames=8": "num_frames=4",
        "interval=8": "interval=2",
    }
    code = python_of("docs/serving.md", 1)
    for there, here in own.items():
        assert there in code
        code = code.replace(there, here)
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    request = json.loads((tmp_path / "request.json").read_bytes())
    clips = [[base64.b64decode(jpeg["b64"]) for jpeg in clip] for clip in request["instances"]]
    signatures = tf.saved_model.load(str(served)).signatures
    got = signatures[request["signature_name"]](tf.constant(clips))["logits"]
    crops = trained.config.clip_options().crops([decode(jpeg) for jpeg in clips[0]])
    np.testing.assert_allclose(got, trained.load_model().predict(crops), atol=1e-5)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_have_targets(page):
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\((?!http)([^)#]+)[^)]*\)", text):
        assert (page.parent / link).exists(), link
