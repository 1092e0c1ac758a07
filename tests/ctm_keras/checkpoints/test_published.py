"""Published weights by name: the table, and the way from an address to a model."""

import gzip
import hashlib
import io
import json
import random
import sys
from dataclasses import replace
from pathlib import Path
from threading import Thread

import keras
import numpy as np
import pytest

import ctm_keras
from ctm_keras.checkpoints import cached_file, open_weights, published
from ctm_keras.checkpoints.recognize import recognize
from ctm_keras.methods import check_method
from ctm_keras.weights import is_published, published_weights
from ctm_keras.weights.origin import Origin

TABLE = published_weights()
# The keys and shapes of all checkpoints, from the code and configurations of their projects.
SHAPES_FILE = Path(__file__).with_name("published_shapes.json.gz")
SHAPES = json.loads(gzip.decompress(SHAPES_FILE.read_bytes()))
NAME = "tsn-tiny"


def shapes_of(name):
    return SHAPES["shapes"][SHAPES["same"].get(name, name)]


@pytest.mark.parametrize("name", TABLE)
def test_a_row_is_what_is_recognized_in_its_checkpoint(name):
    row, zero = TABLE[name], np.zeros((), "float32")
    found = recognize({key: np.broadcast_to(zero, s) for key, s in shapes_of(name).items()})
    assert (found.method, found.backbone, found.num_classes) == (
        row.method,
        row.backbone,
        row.classes,
    )
    assert Origin("", "", found.options | row.to_import) == Origin("", "", row.options)
    assert set(found.unknown_options) <= {*row.given, "channels", "temporal_pooling"}
    if row.project == "IBM/action-recognition-pytorch":
        assert "temporal_pooling" in row.given
    check_method(row.method, row.options)


def test_the_table_is_complete():
    assert set(TABLE) == {*SHAPES["shapes"], *SHAPES["same"]}
    files = [row.file for row in TABLE.values()]
    assert len(set(files)) == len(files)
    for row in TABLE.values():
        assert row.address.startswith("https://")
        assert not row.sha256 or f"-{row.sha256}." in row.file
        assert row.source.count("@") == 1
        assert row.num_frames or row.data_set == "imagenet"
        assert {"imagenet": 1000, "kinetics400": 400}.get(row.data_set, row.classes) == row.classes


@pytest.fixture
def row(server, tmp_path, monkeypatch):
    """Adds a row to the table and a file to the server, and gives Keras an empty folder."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.chdir(tmp_path)

    def add(data=b"a checkpoint", **values):
        digest = hashlib.sha256(data).hexdigest()[:8]
        server.files[f"net-{digest}.pth"] = data
        address = f"{server.address}/net-{digest}.pth"
        values = {"method": "tsn", "backbone": "tiny", "options": {}, "given": ()} | values
        values = {"classes": 3, "num_frames": 2, "sha256": digest} | values
        row = replace(TABLE["tsm-r50-kinetics400"], name=NAME, address=address, **values)
        monkeypatch.setitem(TABLE, NAME, row)
        return row

    return add


@pytest.fixture
def tiny(monkeypatch):
    """Every checkpoint is that of a tiny TSN; the calls of the importer are counted."""
    calls = []

    def tiny(path, num_frames, allow, view):
        calls.append((path.read_bytes(), num_frames, allow))
        print("imported")
        return ctm_keras.build_video_model(
            "tsn", "tiny", 3, num_frames, 32, weights=None, view=view
        )

    monkeypatch.setattr(published, "import_weights", tiny)
    monkeypatch.setattr(published, "require_torch", lambda: None)
    return calls


@pytest.mark.usefixtures("no_random_start")
def test_from_an_address_to_a_model_with_the_keys_of_the_project(row, server, monkeypatch):
    torch = pytest.importorskip("torch")
    state = {  # each has one number, so the file is small
        key: torch.tensor(number / 100).expand(shape) if shape else torch.tensor(number)
        for number, (key, shape) in enumerate(shapes_of("resnet18-imagenet").items())
    }
    file = io.BytesIO()
    torch.save(state, file)
    row(file.getvalue(), backbone="tv_resnet18", classes=1000, num_frames=1, interval=4)
    model = open_weights(NAME)
    assert (model.name, model.input_shape[1:4]) == ("tsn_tv_resnet18", (1, 224, 224))
    for layer, key in {"conv1_conv": "conv1.weight", "scores": "fc.weight"}.items():
        kernel = keras.ops.convert_to_numpy(model.get_layer(layer).kernel)
        assert np.unique(kernel) == state[key].numpy().min()
    view = {"sampling": "segments", "interval": 4, "scale": [256, 256]}
    assert ctm_keras.view_options(model) == view
    assert ctm_keras.class_names(model) is None


def test_later_only_the_file_in_the_cache_is_read(row, tiny, server, monkeypatch, capsys):
    new = row()
    assert open_weights(NAME).output_shape == (None, 3)
    assert tiny == [(b"a checkpoint", 2, ())]
    printed = capsys.readouterr()
    assert printed.out == ""  # it may be JSON
    assert "imported" in printed.err
    monkeypatch.setattr(published, "_fetch_and_import", None)
    model = ctm_keras.build_video_model(weights=NAME, class_names=["a", "b", "c"])
    assert (model.name, model.input_shape) == ("tsn_tiny", (None, 2, 32, 32, 3))
    assert not ctm_keras.adoption_report(model).head_started
    assert server.requests == [None]
    assert cached_file(new).parent == Path("keras").resolve() / "ctm-keras"
    assert cached_file(row(options={"every": 2})) != cached_file(new)


def test_two_at_once_fetch_and_import_once(row, tiny, server):
    path = cached_file(row())
    arguments = (TABLE[NAME], path)
    threads = [Thread(target=published._fetch_and_import, args=arguments) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(server.requests), len(tiny), path.is_file()) == (1, 1, True)
    assert not list(path.parent.glob("*.part*"))


def test_a_session_and_a_file_do_not_affect_each_other(row, tiny):
    row()
    keras.utils.set_random_seed(1)
    keras.config.set_dtype_policy("mixed_float16")
    try:
        assert open_weights(NAME).get_layer("conv1_conv").dtype_policy.name == "float32"
        assert keras.config.dtype_policy().name == "mixed_float16"
    finally:
        keras.config.set_dtype_policy("float32")
    next_seed = random.random()
    keras.utils.set_random_seed(1)
    open_weights(NAME)
    assert random.random() == next_seed


def test_a_path_wins_over_a_name(row, tiny):
    row()
    assert is_published(NAME)
    Path(NAME).mkdir()
    assert not is_published(NAME)
    with pytest.raises(ValueError, match=r"tsn-tiny, which is not a \.keras file"):
        open_weights(NAME)


def test_without_pytorch_nothing_is_downloaded(row, server, monkeypatch):
    row()
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ValueError, match=r'Run pip install "ctm-keras\[torch\]"'):
        open_weights(NAME)
    assert server.requests == []


def test_a_file_that_is_refused_leaves_no_model(row):
    pytest.importorskip("torch")
    path = cached_file(row(b"no checkpoint"))
    with pytest.raises(ValueError, match="is not a PyTorch checkpoint or is damaged"):
        open_weights(NAME)
    assert not path.exists()


def test_another_network_than_that_of_the_row_is_refused(row, tiny):
    path = cached_file(row(method="tsm", options={"every": 1}))
    with pytest.raises(ValueError, match=r"must be .*'tsm'.* received .*'tsn'.* report it"):
        open_weights(NAME)
    assert not path.exists()


def test_without_a_digest_the_commands_are_given(row, server):
    file = row(options={"fold_div": 8}, given=("fold_div",), sha256="", num_frames=8).file
    command = f"ctm import-weights {file} --to {NAME}.keras --num-frames 8 --options fold_div=8"
    with pytest.raises(ValueError, match="publishes no digest") as error:
        open_weights(NAME)
    assert str(error.value).endswith(f"Download {server.address}/{file} and run `{command}`.")
    assert server.requests == []


@pytest.mark.parametrize("name", ["tsm-r50-kinetcs400", "/runs/tsm-r50-kinetcs400"])
def test_an_unknown_name(name):
    with pytest.raises(ValueError, match=r"or a name of `ctm weights`, .* names: tsm-r50-kinetics"):
        ctm_keras.build_video_model("tsm", weights=name)
    with pytest.raises(ValueError, match="method must be given unless"):
        ctm_keras.build_video_model(num_classes=2)
