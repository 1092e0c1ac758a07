"""Weights from ImageNet and from files of this project: what is taken, started, refused."""

import shutil
import urllib.error

import keras
import numpy as np
import pytest
from keras.src.utils import file_utils

import ctm_keras


def build(method="ctm", backbone="tiny", num_classes=3, image_size=64, **kwargs):
    arguments = {"num_frames": 4, "weights": None, **kwargs}
    return ctm_keras.build_video_model(
        method, backbone, num_classes, image_size=image_size, **arguments
    )


@pytest.fixture(scope="module")
def saved(tmp_path_factory, scramble):
    """Saves a scrambled model, once for each set of arguments; returns the file and the model."""
    models = {}

    def save(**kwargs):
        key = repr(sorted(kwargs.items()))
        if key not in models:
            path = tmp_path_factory.mktemp("saved") / "model.keras"
            models[key] = path, scramble(build(**kwargs))
            models[key][1].save(path)
        return models[key]

    return save


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """No network and an empty cache."""

    def refuse(*args):
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(file_utils, "urlretrieve", refuse)
    monkeypatch.setattr(file_utils.config, "_KERAS_DIR", str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))


def test_a_file_gives_back_the_same_scores(saved, make_clips):
    path, model = saved()
    copy = build(weights=path)
    clips = make_clips(2, 4, 64)
    assert np.array_equal(copy(clips), model(clips))
    report = ctm_keras.adoption_report(copy)
    assert (report.source, report.new, report.unused) == ("video", (), ())
    assert not report.head_started


def test_classes_in_another_order_start_a_new_head_and_are_reported(saved, capsys):
    path, _ = saved(num_classes=None, class_names=["1", "10", "2"])
    capsys.readouterr()
    report = ctm_keras.adoption_report(
        build(num_classes=None, class_names=["1", "2", "10"], weights=path)
    )
    assert report.head_started
    assert "output 1 is 10 in the file and 2 in the model" in report.class_difference
    assert "as text" in report.class_difference
    assert report.class_difference in capsys.readouterr().out


def test_tsn_weights_start_ctm(saved, make_clips):
    path, tsn = saved(method="tsn")
    ctm = build(weights=path)
    clips = make_clips(2, 4, 64)
    assert np.array_equal(ctm(clips), tsn(clips))
    blocks = tuple(f"conv4_block{i}_ctm" for i in (1, 2, 3))
    report = ctm_keras.adoption_report(ctm)
    assert report.new == blocks
    assert "New: conv4_block1_ctm, conv4_block2_ctm" in str(report)


def test_ctm_weights_in_tsn_leave_its_blocks_unused(saved):
    path, _ = saved()
    report = ctm_keras.load_weights(build("tsn"), path)
    assert report.unused == tuple(f"conv4_block{i}_ctm" for i in (1, 2, 3))


@pytest.mark.parametrize(
    "classes", [{"num_classes": 4}, {"num_classes": None, "class_names": list("xyz")}]
)
def test_other_classes_start_a_new_head_and_say_so(saved, classes, scramble, capsys):
    path, model = saved(num_classes=None, class_names=list("abc"))
    capsys.readouterr()
    other = build(**classes, weights=path)
    report = ctm_keras.adoption_report(other)
    assert report.head_started
    assert report.new == ("scores",)
    assert "the head is new" in str(report)
    assert "the head is new" in capsys.readouterr().out
    name = "conv4_block1_ctm"
    for ours, theirs in zip(
        other.get_layer(name).weights, model.get_layer(name).weights, strict=True
    ):
        assert np.array_equal(ours, theirs)


def test_the_same_classes_keep_the_head(saved):
    path, model = saved(num_classes=None, class_names=list("abc"))
    other = build(num_classes=None, class_names=list("abc"), weights=path)
    assert not ctm_keras.adoption_report(other).head_started
    assert np.array_equal(
        other.get_layer("scores").get_weights()[0], model.get_layer("scores").get_weights()[0]
    )


def test_tcc_of_another_image_size_is_refused_with_both_sizes_and_the_option(saved):
    path, _ = saved(image_size=64)
    with pytest.raises(
        ValueError, match=r"each of 12 x 12 positions(.|\n)*8 x 8(.|\n)*interpolate"
    ):
        build(image_size=96, weights=path)


def test_tcc_of_another_image_size_is_interpolated_on_demand(saved, capsys):
    path, model = saved(image_size=64)
    capsys.readouterr()
    larger = build(image_size=128, weights=path, interpolate_tcc=True)
    report = ctm_keras.adoption_report(larger)
    assert len(report.interpolated) == 3
    assert "8 x 8 to 16 x 16" in capsys.readouterr().out
    ours, theirs = (
        np.array(m.get_layer("conv4_block1_ctm").branches[0].temporal.kernel)
        for m in (larger, model)
    )
    expected = keras.ops.image.resize(
        theirs.reshape(9, 8, 8, 1), (16, 16), interpolation="bilinear"
    )
    np.testing.assert_allclose(ours.reshape(9, 16, 16, 1), expected, atol=1e-5)


def test_tsn_weights_fit_every_image_size(saved):
    path, _ = saved(method="tsn", image_size=64)
    assert ctm_keras.load_weights(build("tsn", image_size=96), path).new == ()


def test_another_backbone_is_refused(tmp_path, saved):
    path, _ = saved()
    with pytest.raises(
        ValueError, match=r"backbone of .* must be .* \d+ layers are in one of them"
    ):
        build(backbone="mobilenetv2", weights=path)


def test_other_options_are_refused(saved):
    path, _ = saved(paths=("tccm",))
    with pytest.raises(
        ValueError, match=r"paths is \('tccm',\), in the model \('tccm', 'temporal'\)"
    ):
        build(weights=path, paths=("tccm", "temporal"))


def test_another_reduction_is_refused_and_nothing_is_half_loaded(saved):
    path, _ = saved(reduction=8)
    model = build()
    before = model.get_weights()
    with pytest.raises(ValueError, match="reduction is 8, in the model the default"):
        ctm_keras.load_weights(model, path)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize("content", ["nothing", "text", "foreign"])
def test_files_of_others_are_refused(tmp_path, content):
    path = tmp_path / "some.keras"
    if content == "text":
        path.write_text("no model", encoding="utf-8")
    if content == "foreign":
        keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)]).save(path)
    message = {
        "nothing": "is missing",
        "text": "is damaged: it is not a complete .keras file",
        "foreign": "must be a video model of this project",
    }
    with pytest.raises(ValueError, match=message[content]):
        build(weights=path)


def test_a_model_without_weights_is_newly_initialized():
    report = ctm_keras.adoption_report(build())
    assert report.source is None
    assert report.adopted == ()
    assert "newly initialized" in str(report)


def test_a_loaded_model_adopted_its_file(saved):
    path, _ = saved()
    report = ctm_keras.adoption_report(keras.saving.load_model(path))
    assert report.source == "video"
    assert "conv4_block1_ctm" in report.adopted


def test_imagenet_is_what_keras_downloads(monkeypatch, tmp_path, scramble):
    """The download is faked; the weights are those of a file that keras.applications reads."""
    base = keras.applications.MobileNetV2(weights=None, include_top=False, input_shape=(96, 96, 3))
    scramble(base)
    source = tmp_path / "source.weights.h5"
    base.save_weights(source)
    fetched = []

    def fetch(url, target, *args):
        fetched.append(url)
        shutil.copy(source, target)

    def get_file(name, origin, **kwargs):
        target = tmp_path / "fake.weights.h5"
        file_utils.urlretrieve(origin, target)
        return str(target)

    monkeypatch.setattr(file_utils, "urlretrieve", fetch)
    monkeypatch.setattr(file_utils, "get_file", get_file)
    model = build(backbone="mobilenetv2", image_size=96, weights="imagenet")
    assert "mobilenet_v2" in fetched[0]
    ours, theirs = (m.get_layer("block_3_expand").get_weights()[0] for m in (model, base))
    assert np.array_equal(ours, theirs)
    report = ctm_keras.adoption_report(model)
    assert report.source == "imagenet"
    assert report.new == ("block_7_ctm", "block_9_ctm", "block_11_ctm", "scores")
    assert report.unused == ()


def test_without_a_network_the_message_names_the_missing_file(offline, tmp_path):
    with pytest.raises(ValueError, match="could not be downloaded") as error:
        build(backbone="resnet50", weights="imagenet")
    text = str(error.value)
    name = "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"
    assert f"https://storage.googleapis.com/tensorflow/keras-applications/resnet/{name}" in text
    assert str(tmp_path / "models") in text
    assert f"Download {name} on another machine and put it into" in text
