"""The served model through TensorFlow's C API, which is how TF Serving loads it."""

import ctypes as c
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from training.export import export

UINT8 = 4  # TF_DataType


class Output(c.Structure):
    _fields_ = [("operation", c.c_void_p), ("index", c.c_int)]


@pytest.fixture(scope="module")
def library():
    folder = Path(tf.sysconfig.get_lib())
    (path,) = folder.glob("libtensorflow_cc.so.*") or [None]
    library = c.CDLL(str(path))
    pointers = "TF_NewStatus TF_NewGraph TF_NewSessionOptions TF_LoadSessionFromSavedModel"
    for name in f"{pointers} TF_GraphOperationByName TF_AllocateTensor TF_TensorData".split():
        getattr(library, name).restype = c.c_void_p
    library.TF_Message.restype = c.c_char_p
    library.TF_GetCode.argtypes = library.TF_Message.argtypes = [c.c_void_p]
    library.TF_TensorData.argtypes = [c.c_void_p]
    library.TF_GraphOperationByName.argtypes = [c.c_void_p, c.c_char_p]
    return library


class Session:
    """A SavedModel in a session of the C API."""

    def __init__(self, library, folder: Path):
        self.library = library
        self.status = c.c_void_p(library.TF_NewStatus())
        self.graph = c.c_void_p(library.TF_NewGraph())
        tags = (c.c_char_p * 1)(b"serve")
        self.session = c.c_void_p(
            library.TF_LoadSessionFromSavedModel(
                c.c_void_p(library.TF_NewSessionOptions()),
                None,
                str(folder).encode(),
                tags,
                1,
                self.graph,
                None,
                self.status,
            )
        )
        self.check()

    def check(self):
        assert self.library.TF_GetCode(self.status) == 0, self.library.TF_Message(self.status)

    def output(self, name: str) -> Output:
        operation, _, index = name.partition(":")
        found = self.library.TF_GraphOperationByName(self.graph, operation.encode())
        assert found, name
        return Output(found, int(index))

    def run(self, feed: str, value: np.ndarray, fetch: str, shape: tuple[int, ...]) -> np.ndarray:
        dims = (c.c_int64 * value.ndim)(*value.shape)
        tensor = c.c_void_p(
            self.library.TF_AllocateTensor(UINT8, dims, value.ndim, c.c_size_t(value.nbytes))
        )
        c.memmove(self.library.TF_TensorData(tensor), value.tobytes(), value.nbytes)
        result = c.c_void_p()
        self.library.TF_SessionRun(
            self.session,
            None,
            c.byref(self.output(feed)),
            c.byref(tensor),
            1,
            c.byref(self.output(fetch)),
            c.byref(result),
            1,
            None,
            0,
            None,
            self.status,
        )
        self.check()
        out = np.empty(shape, np.float32)
        c.memmove(out.ctypes.data, self.library.TF_TensorData(result), out.nbytes)
        return out


def test_the_c_api_finds_the_same_numbers(trained, library, tmp_path):
    folder = export(trained.path, tmp_path / "served")
    graph = SavedModel.FromString((folder / "saved_model.pb").read_bytes()).meta_graphs[0]
    names = graph.signature_def["serving_default"]
    feed, fetch = names.inputs["clips"].name, names.outputs["logits"].name
    clips = np.random.default_rng(1).integers(0, 255, (2, 4, 37, 37, 3), np.uint8)
    expected = trained.load_model().predict(clips[:, :, 2:34, 2:34])
    got = Session(library, folder).run(feed, clips, fetch, (2, 4))
    np.testing.assert_allclose(got, expected, atol=1e-5)
