"""Reading files of PyTorch's: data only, and one sentence for everything else."""

import builtins
import os
import pickle
import re
import sys
import types

import keras
import numpy as np
import pytest

from ctm_keras import build_video_model
from ctm_keras.checkpoints import read_checkpoint

STATE = {"layer1.0.conv1.weight": np.arange(6.0).reshape(2, 3, 1, 1)}


class Code:
    """What unpickling would run."""

    def __reduce__(self):
        return os.mkdir, ("ran",)


@pytest.fixture
def torch(tmp_path, monkeypatch):
    """PyTorch, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return pytest.importorskip("torch")


def tensors(torch):
    return {key: torch.tensor(value, dtype=torch.float32) for key, value in STATE.items()}


def check(read, dtype=np.float32):
    assert list(read) == list(STATE)
    for key, value in STATE.items():
        assert read[key].dtype == dtype
        np.testing.assert_array_equal(read[key], value)


def test_a_state_dict(torch):
    torch.save(tensors(torch), "x.pth")
    check(read_checkpoint("x.pth"))


def test_the_format_before_version_1_6(torch):
    torch.save(tensors(torch), "x.pth", _use_new_zipfile_serialization=False)
    check(read_checkpoint("x.pth"))


@pytest.mark.parametrize(
    "wrapper",
    ["state_dict", "model_state", "model_state_dict", "model", "net", "weights", "state_dict_ema"],
)
def test_a_training_state(torch, wrapper):
    torch.save({"epoch": 3, "optimizer": {"lr": 0.1}, wrapper: tensors(torch)}, "x.pth.tar")
    check(read_checkpoint("x.pth.tar"))


def test_of_several_states_one_is_read_and_named(torch, capsys):
    other = {"state_dict_ema": {"layer1.0.conv1.weight": torch.zeros(1)}}
    torch.save({**other, "state_dict": tensors(torch)}, "x.pth")
    check(read_checkpoint("x.pth"))
    assert "reading state_dict, not state_dict_ema" in capsys.readouterr().out
    torch.save({"state_dict": {"model": tensors(torch)}}, "x.pth")
    check(read_checkpoint("x.pth"))
    assert not capsys.readouterr().out


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_of_caffe2_is_not_to_be_opened_in_pytorch(torch, tmp_path, protocol):
    blobs = {"blobs": {"conv1_w": np.zeros((2, 2), "float32")}}
    (tmp_path / "x.pkl").write_bytes(pickle.dumps(blobs, protocol))
    with pytest.raises(ValueError, match="Caffe2") as error:
        read_checkpoint("x.pkl")
    assert "open it in PyTorch" not in str(error.value)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_of_pytorch_that_names_blobs_is_not_of_caffe2(torch, zipped):
    state = {"blobs": tensors(torch), "callback": Code()}
    torch.save(state, "x.pth", _use_new_zipfile_serialization=zipped)
    with pytest.raises(ValueError, match=r"contains code \(\w+\.mkdir\)"):
        read_checkpoint("x.pth")


def test_what_a_file_holds_instead_of_weights_is_named(torch):
    torch.save({"epoch": 1, "optimizer": {"lr": 0.1}}, "x.pth")
    with pytest.raises(ValueError, match="'epoch', 'optimizer'"):
        read_checkpoint("x.pth")


@pytest.mark.parametrize("kind", ["float16", "bfloat16", "float64"])
def test_other_precisions_become_float32(torch, kind):
    torch.save({k: v.to(getattr(torch, kind)) for k, v in tensors(torch).items()}, "x.pth")
    check(read_checkpoint("x.pth"))


def test_parameters_and_counters(torch):
    state = {"w": torch.nn.Parameter(torch.ones(2)), "n.num_batches_tracked": torch.tensor(7)}
    torch.save(state, "x.pth")
    read = read_checkpoint("x.pth")
    assert read["w"].tolist() == [1, 1]
    assert read["n.num_batches_tracked"] == 7


@pytest.mark.parametrize("zipped", [True, False])
def test_code_is_refused_and_not_run(torch, zipped):
    state = {"state_dict": tensors(torch), "callback": Code()}
    torch.save(state, "x.pth", _use_new_zipfile_serialization=zipped)
    with pytest.raises(ValueError, match=r"contains code \(\w+\.mkdir\) and was not loaded"):
        read_checkpoint("x.pth")
    assert not os.path.exists("ran")


def test_a_plain_pickle_is_refused_and_not_run(torch, tmp_path):
    (tmp_path / "x.pkl").write_bytes(pickle.dumps({"state_dict": Code()}))
    with pytest.raises(ValueError, match="No code in it was run"):
        read_checkpoint("x.pkl")
    assert not os.path.exists("ran")


def test_a_whole_module_is_refused(torch):
    torch.save(torch.nn.Linear(2, 2), "x.pth")
    with pytest.raises(ValueError, match=r"Linear.*save only its state_dict"):
        read_checkpoint("x.pth")


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("part", [0, 0.1, 0.5, 0.99])
def test_a_cut_file(torch, tmp_path, zipped, part):
    state = {**tensors(torch), "more": torch.zeros(1000)}
    torch.save(state, "x.pth", _use_new_zipfile_serialization=zipped)
    whole = (tmp_path / "x.pth").read_bytes()
    (tmp_path / "x.pth").write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(ValueError, match="is not a PyTorch checkpoint or is damaged"):
        read_checkpoint("x.pth")


def test_a_text_file(torch, tmp_path):
    (tmp_path / "x.pth").write_text("not found\n", encoding="utf-8")
    with pytest.raises(ValueError, match="is not a PyTorch checkpoint or is damaged"):
        read_checkpoint("x.pth")


@pytest.mark.parametrize("held", [[1, 2], {"epoch": 1}, {"state_dict": {}}, 3])
def test_a_file_without_weights(torch, held):
    torch.save(held, "x.pth")
    with pytest.raises(ValueError, match="must have the state_dict"):
        read_checkpoint("x.pth")


def test_no_file(tmp_path):
    with pytest.raises(ValueError, match="is missing"):
        read_checkpoint(tmp_path / "x.pth")
    with pytest.raises(ValueError, match="is a folder"):
        read_checkpoint(tmp_path)


def test_a_file_of_this_project(tmp_path):
    path = tmp_path / "x.keras"
    build_video_model("tsn", "tiny", 2, image_size=32, weights=None).save(path)
    with pytest.raises(ValueError, match=re.escape(f"weights={str(path)!r}")):
        read_checkpoint(path)


def test_a_keras_file_of_another_model_is_not_to_be_passed(tmp_path):
    path = tmp_path / "x.keras"
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)]).save(path)
    with pytest.raises(ValueError, match="must be a video model of this project") as error:
        read_checkpoint(path)
    assert "weights=" not in str(error.value)


def test_weights_that_are_no_plain_arrays(torch):
    torch.save({"conv1.weight": torch.eye(2).to_sparse()}, "x.pth")
    with pytest.raises(ValueError, match=r"conv1.weight of x.pth must be a dense .* sparse"):
        read_checkpoint("x.pth")


def test_a_pytorch_that_is_not_safe(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", types.SimpleNamespace(__version__="2.5.1+cpu"))
    (tmp_path / "x.pth").write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"2.6 or later, received 2.5.1\+cpu, which can run code"):
        read_checkpoint(tmp_path / "x.pth")


def test_without_pytorch(tmp_path, monkeypatch):
    plain = builtins.__import__

    def absent(name, *args, **kwargs):
        if name == "torch":
            raise ImportError(name)
        return plain(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", absent)
    (tmp_path / "x.pth").write_bytes(b"PK")
    with pytest.raises(ValueError, match=re.escape('pip install "ctm-keras[torch]"')):
        read_checkpoint(tmp_path / "x.pth")
