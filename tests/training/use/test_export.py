"""The served model, in processes that have none of this project's code."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tfrecords.reading.split import Split
from training.batches import validation_clips
from training.evaluate.evaluate import evaluate
from training.use.config import ExportConfig
from training.use.export import export

ALONE = """
import json, sys
import numpy as np
import tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
clips = np.load(sys.argv[2])
out = model.signatures["serving_default"](tf.constant(clips))
jpegs = [[tf.io.encode_png(frame).numpy() for frame in clip] for clip in clips]
png = model.signatures["jpeg"](tf.constant(jpegs))
wide = np.zeros((3, 4, 90, 150, 3), np.uint8)
assert model.signatures["serving_default"](tf.constant(wide))["logits"].shape == (3, 4)
assert not {"ctm_keras", "training", "tfrecords"} & set(sys.modules)
print(json.dumps({
    "logits": out["logits"].numpy().tolist(),
    "jpeg": png["logits"].numpy().tolist(),
    "probabilities": out["probabilities"].numpy().tolist(),
    "classes": [[name.decode() for name in row] for row in out["classes"].numpy()],
}))
"""


@pytest.fixture(scope="module")
def clips():
    return np.random.default_rng(0).integers(0, 255, (2, 4, 37, 37, 3), np.uint8)


@pytest.fixture(scope="module")
def expected(trained, clips):
    begin = (37 - 32) // 2
    return trained.load_model().predict(clips[:, :, begin : begin + 32, begin : begin + 32])


def test_a_process_without_our_code_gives_the_same_logits(served, clips, expected, tmp_path):
    np.save(tmp_path / "clips.npy", clips)
    command = [sys.executable, "-c", ALONE, str(served), str(tmp_path / "clips.npy")]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True, cwd=tmp_path)
    out = json.loads(done.stdout)
    np.testing.assert_allclose(out["logits"], expected, atol=1e-5)
    np.testing.assert_allclose(out["jpeg"], expected, atol=1e-5)
    np.testing.assert_allclose(np.sum(out["probabilities"], axis=1), 1, atol=1e-5)
    names = np.array(["down", "left", "right", "up"])
    assert out["classes"] == [names[row.argsort()[::-1]].tolist() for row in expected]


def test_jpegs_of_a_data_set_get_the_scores_of_evaluation(served, trained, directions):
    config = trained.config
    batch = next(iter(validation_clips(config, batch_size=12, with_ids=True)))
    expected = trained.load_model().predict(batch["clip"])
    videos, clips = Split(directions, "val"), []
    for name in batch["id"].numpy():
        number = videos.ids.index(name.decode())
        count = int(videos.videos[number]["frames"])
        (frames,) = config.clip_options().clips(count)
        clips.append(list(videos.read(number, frames)))
    got = tf.saved_model.load(str(served)).signatures["jpeg"](tf.constant(clips))["logits"]
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_signatures_are_those_of_the_readme(served):
    signatures = tf.saved_model.load(str(served)).signatures
    outputs = {"logits", "probabilities", "classes", "scores"}
    names = {"serving_default": "clips", "jpeg": "frames", "video": "frames frame_rate"}
    for name, inputs in names.items():
        assert set(signatures[name].structured_outputs) == outputs
        assert set(signatures[name].structured_input_signature[1]) == set(inputs.split())
    assert served.name == "1"


def test_the_warm_up_requests_run(served, warmup_requests):
    signatures = tf.saved_model.load(str(served)).signatures
    requests = warmup_requests(served / "assets.extra")
    for name, inputs in requests.items():
        logits = signatures[name](**{key: tf.constant(v) for key, v in inputs.items()})["logits"]
        assert logits.shape == ((4,) if name == "video" else (1, 4))
    assert list(requests) == ["serving_default", "jpeg", "video"]


def test_versions_count_up_and_none_is_overwritten(trained, served, tmp_path, monkeypatch):
    to = shutil.copytree(served.parent, tmp_path / "served")
    with pytest.raises(ValueError, match=r"exists already\. Give another --version"):
        export(ExportConfig(model=trained.path, to=to, version=1))
    viewed = []

    def only_the_folder(model, view, settings, class_names, folder):
        viewed.append((view, settings, class_names))
        folder.mkdir()

    monkeypatch.setattr("training.use.export.export_model", only_the_folder)
    (to / "notes").mkdir()  # no version
    for model, given, version in (
        (trained.path, None, "2"),
        (trained.model, 10, "10"),
        (trained.model, None, "11"),  # TF Serving serves the highest
    ):
        assert export(ExportConfig(model=model, to=to, version=given)).name == version
    assert viewed[0] == viewed[1]
    assert sorted(path.name for path in to.iterdir()) == ["1", "10", "11", "2", "notes"]


def test_a_version_is_a_positive_number(trained, tmp_path):
    with pytest.raises(ValueError, match="--version must be 1 or more, received 0"):
        export(ExportConfig(model=trained.path, to=tmp_path, version=0))


def test_a_protocol_that_the_model_cannot_read_is_refused_as_evaluation_does(trained, tmp_path):
    with pytest.raises(ValueError, match="must have 4 frames, since") as refused:
        export(ExportConfig(model=trained.model, to=tmp_path, protocol="tsn"))
    with pytest.raises(ValueError) as expected:  # noqa: PT011
        evaluate(trained.model, data=trained.config.data, protocol="tsn")
    assert str(refused.value) == str(expected.value)
    with pytest.raises(ValueError, match="--short-side is fixed by the protocol tsn"):
        export(ExportConfig(model=trained.model, to=tmp_path, protocol="tsn", short_side=256))
    assert not list(tmp_path.iterdir())
