"""From a file to a model, and to a file: what `ctm import-weights` runs."""

import keras
import numpy as np
import pytest

import ctm_keras
from ctm_keras.checkpoints import importer

SMALL = {"num_frames": 4, "image_size": 32}
pytestmark = pytest.mark.usefixtures("no_random_start")  # the weights are those of the file


@pytest.fixture
def holding(monkeypatch, state_of):
    """Lets every file hold a recorded network, where there is no PyTorch to write one."""

    def hold(name, **changes):
        state = {**state_of(name), **changes}
        state = {key: value for key, value in state.items() if value is not None}
        monkeypatch.setattr(importer, "read_checkpoint", lambda path: state)
        return state

    return hold


def test_the_network_of_a_checkpoint(holding, capsys):
    holding("tam-resnet18")
    model = ctm_keras.import_weights("tam.pth.tar", **SMALL)
    assert model.name == "tam_tv_resnet18"
    assert (model.input_shape, model.output_shape) == ((None, 4, 32, 32, 3), (None, 87))
    assert ctm_keras.adoption_report(model).source == "IBM/action-recognition-pytorch"
    first, second, third = capsys.readouterr().out.splitlines()
    assert first == "tam.pth.tar: tam on tv_resnet18, blending_frames=3, 87 classes."
    assert second == "Weights of IBM/action-recognition-pytorch: 49 layers adopted."
    assert third == "Not inferred with certainty: temporal_pooling, blending (--options)."


def test_a_written_file_is_the_model(holding, tmp_path, make_clips):
    holding("tsn-resnet18")
    path = tmp_path / "new" / "tsn.keras"
    model = ctm_keras.import_weights("x.pth", path, **SMALL)
    assert [file.name for file in path.parent.iterdir()] == ["tsn.keras"]
    clips = make_clips(2, 4, 32)
    again = keras.saving.load_model(path)
    np.testing.assert_array_equal(*(keras.ops.convert_to_numpy(m(clips)) for m in (again, model)))
    started = ctm_keras.build_video_model("tsn", "tv_resnet18", 5, weights=path, **SMALL)
    assert ctm_keras.adoption_report(started).head_started


@pytest.mark.long
def test_frames_of_slowfast_and_pixels_of_pyslowfast(holding):
    holding("slowfast-4x16-resnet50")
    model = ctm_keras.import_weights("x.pyth", image_size=32)
    assert model.input_shape == (None, 32, 32, 32, 3)
    preprocess = model.get_layer("preprocess")
    assert preprocess.get_config()["mean"] == (114.75,) * 3
    assert preprocess.get_config()["scale"] == (57.375,) * 3
    white = keras.ops.convert_to_numpy(preprocess(np.full((1, 1, 1, 1, 3), 255, "float32")))
    np.testing.assert_allclose(white, 0.55 / 0.225, rtol=1e-6)


def test_class_names(holding):
    holding("tsn-resnet18")
    names = [f"class {i}" for i in range(87)]
    model = ctm_keras.import_weights("x.pth", class_names=names, **SMALL)
    assert ctm_keras.class_names(model) == names
    assert not ctm_keras.adoption_report(model).head_started


def test_other_classes(holding):
    holding("tsn-resnet18")
    model = ctm_keras.import_weights("x.pth", class_names=["a", "b"], **SMALL)
    assert ctm_keras.adoption_report(model).head_started
    assert ctm_keras.import_weights("x.pth", num_classes=5, **SMALL).output_shape == (None, 5)
    with pytest.raises(ValueError, match=r"num_classes must be .* class_names, 2, received 5"):
        ctm_keras.import_weights("x.pth", class_names=["a", "b"], num_classes=5, **SMALL)


def test_without_a_classifier_the_classes_are_asked_for(holding):
    holding("tsn-resnet18", **{"fc.weight": None, "fc.bias": None})
    with pytest.raises(ValueError, match=r"x.pth has no classifier\."):
        ctm_keras.import_weights("x.pth", **SMALL)
    assert ctm_keras.import_weights("x.pth", num_classes=3, **SMALL).output_shape == (None, 3)


def test_layers_that_may_be_a_classifier_are_named(holding):
    layers = {"fc.0.weight": np.zeros((64, 512)), "fc.3.weight": np.zeros((9, 64))}
    holding("tsn-resnet18", **{"fc.weight": None, "fc.bias": None}, **layers)
    with pytest.raises(ValueError, match=r"fc.0.weight, fc.3.weight"):
        ctm_keras.import_weights("x.pth", **SMALL)


def test_a_network_that_reads_blue_first(holding, make_clips, capsys):
    holding("tsn-resnet18")
    clips = make_clips(1, 4, 32)
    rgb, bgr = (ctm_keras.import_weights("x.pth", **SMALL, **c) for c in ({}, {"channels": "bgr"}))
    preprocess = bgr.get_layer("preprocess")
    assert preprocess.channels == "bgr"
    assert preprocess.mean == rgb.get_layer("preprocess").mean[::-1]  # a color keeps its own
    seen = keras.ops.convert_to_numpy(preprocess(clips.astype("float32")))
    plain = keras.ops.convert_to_numpy(rgb.get_layer("preprocess")(clips.astype("float32")))
    np.testing.assert_array_equal(seen, plain[..., ::-1])
    with pytest.raises(ValueError, match="channels"):
        ctm_keras.import_weights("x.pth", channels="grb", **SMALL)


def test_pixels_and_options_survive_another_import_of_the_file(holding, tmp_path, make_clips):
    """Color order, pooling and division cannot be inferred from keys."""
    holding("tam-resnet18")
    path, options = tmp_path / "x.keras", {"temporal_pooling": "avg", "blending": "max"}
    model = ctm_keras.import_weights("x.pth", path, channels="bgr", **options, **SMALL)
    again = ctm_keras.build_video_model("tam", "tv_resnet18", weights=path)
    clips = make_clips(1, 4, 32)
    np.testing.assert_array_equal(*(keras.ops.convert_to_numpy(m(clips)) for m in (again, model)))


@pytest.mark.parametrize("name", ["temporal_poolin", "chanels"])
def test_misspelled_options_are_offered_the_right_ones(name, holding):
    holding("tsn-resnet18")
    right = {"temporal_poolin": "temporal_pooling", "chanels": "channels"}[name]
    with pytest.raises(ValueError, match=f"Did you mean '{right}'"):
        ctm_keras.import_weights("x.pth", **{name: True}, **SMALL)


@pytest.mark.parametrize(
    "name", ["i3d-resnet18", pytest.param("i3d-inception", marks=pytest.mark.long)]
)
def test_averages_where_frames_are_halved_otherwise_are_refused(name, holding):
    holding(name)
    with pytest.raises(ValueError, match="temporal_pooling must be True or False"):
        ctm_keras.import_weights("x.pth", temporal_pooling="avg", num_frames=8, image_size=64)


def test_options_that_cannot_be_inferred(holding, capsys):
    holding("tam-resnet18")
    model = ctm_keras.import_weights("x.pth", temporal_pooling=True, blending="max", **SMALL)
    assert any(layer.name.endswith("temporal_pool") for layer in model.layers)
    assert model.get_layer("conv2_block1_tam").blending == "max"
    assert "certainty" not in capsys.readouterr().out
    with pytest.raises(ValueError, match=r"option of tam must be one of .* received 'mode'"):
        ctm_keras.import_weights("x.pth", mode="max", **SMALL)


@pytest.mark.long
def test_another_method_starts_from_a_tsn(holding):
    state = holding("tsn-resnet18")
    model = ctm_keras.import_weights("x.pth", method="i3d", num_classes=4, **SMALL)
    assert (model.name, model.output_shape) == ("i3d_tv_resnet18", (None, 4))
    kernel = keras.ops.convert_to_numpy(model.get_layer("conv2_block1_1_conv").kernel)
    image = state["layer1.0.conv1.weight"].transpose(2, 3, 1, 0)
    np.testing.assert_allclose(kernel, np.stack([image] * 3) / 3, rtol=1e-6)


def test_another_method_does_not_start_from_another(holding):
    holding("tam-resnet18")
    with pytest.raises(ValueError, match=r"method for x.pth must be tam, received 'tsm'"):
        ctm_keras.import_weights("x.pth", method="tsm", **SMALL)
    with pytest.raises(ValueError, match="received 'tms'"):
        ctm_keras.import_weights("x.pth", method="tms", **SMALL)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"layer1.0.bn1.weight": None}, "x.pth must have all weights .* 1 missing"),
        ({"layer1.0.bn1.weight": np.zeros(3)}, r"bn1.weight of x.pth must have .* received \(3,\)"),
        ({"neck.weight": np.zeros(3)}, "x.pth must have only .* 1 unmatched.* 'neck"),
    ],
)
def test_what_does_not_fit_writes_nothing(changes, match, holding, tmp_path):
    holding("tsn-resnet18", **changes)
    with pytest.raises(ValueError, match=match):
        ctm_keras.import_weights("x.pth", tmp_path / "new" / "x.keras", **SMALL)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_nothing(holding, tmp_path, monkeypatch):
    holding("tsn-resnet18")

    def save(self, path):
        path.write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(keras.Model, "save", save)
    with pytest.raises(OSError, match="No space"):
        ctm_keras.import_weights("x.pth", tmp_path / "x.keras", **SMALL)
    assert not list(tmp_path.iterdir())


def test_the_target_is_checked_before_anything_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(importer, "read_checkpoint", None)
    with pytest.raises(ValueError, match=r"to must be a .keras file"):
        ctm_keras.import_weights("x.pth", tmp_path / "x.h5")
    (tmp_path / "x.keras").write_text("precious", encoding="utf-8")
    with pytest.raises(ValueError, match="already exists"):
        ctm_keras.import_weights("x.pth", tmp_path / "x.keras")
    assert (tmp_path / "x.keras").read_text(encoding="utf-8") == "precious"


def test_a_file_that_pytorch_wrote(state_of, tmp_path, monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    state = {f"module.{k}": torch.from_numpy(v) for k, v in state_of("tam-resnet18").items()}
    torch.save({"epoch": 50, "arch": "TAM", "state_dict": state}, "tam.pth.tar")
    model = ctm_keras.import_weights("tam.pth.tar", "tam.keras", **SMALL)
    weight = keras.ops.convert_to_numpy(model.get_layer("conv1_bn").gamma)
    np.testing.assert_array_equal(weight, state["module.bn1.weight"].numpy())
    assert (tmp_path / "tam.keras").is_file()
