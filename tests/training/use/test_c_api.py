"""The served model through TensorFlow's C API, which is how TF Serving loads it."""

import ctypes as c
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

TYPES = {"float32": 1, "uint8": 4, "object": 7}  # TF_DataType; objects are strings
TSTRING = 24  # bytes of a TF_TString


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
    library.TF_StringInit.argtypes = [c.c_void_p]
    library.TF_StringCopy.argtypes = [c.c_void_p, c.c_char_p, c.c_size_t]
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
        if self.library.TF_GetCode(self.status):
            raise RuntimeError(self.library.TF_Message(self.status).decode())

    def output(self, name: str) -> Output:
        operation, _, index = name.partition(":")
        found = self.library.TF_GraphOperationByName(self.graph, operation.encode())
        assert found, name
        return Output(found, int(index))

    def tensor(self, value: np.ndarray) -> c.c_void_p:
        """A tensor of numbers, or of strings where the array holds bytes."""
        strings = value.dtype == object
        size = TSTRING if strings else value.itemsize
        dims = (c.c_int64 * value.ndim)(*value.shape)
        kind, room = TYPES[value.dtype.name], c.c_size_t(value.size * size)
        tensor = c.c_void_p(self.library.TF_AllocateTensor(kind, dims, value.ndim, room))
        data = self.library.TF_TensorData(tensor)
        if not strings:
            c.memmove(data, value.tobytes(), value.nbytes)
        for number, text in enumerate(value.flat if strings else ()):
            self.library.TF_StringInit(data + number * size)
            self.library.TF_StringCopy(data + number * size, text, len(text))
        return tensor

    def run(self, feed: dict[str, np.ndarray], fetch: str, shape: tuple[int, ...]) -> np.ndarray:
        inputs = (Output * len(feed))(*map(self.output, feed))
        tensors = (c.c_void_p * len(feed))(*map(self.tensor, feed.values()))
        result = c.c_void_p()
        self.library.TF_SessionRun(
            self.session,
            None,
            inputs,
            tensors,
            len(feed),
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


@pytest.fixture(scope="module")
def logits(library, served):
    """Returns the logits of a signature for a request, in the given shape."""
    graph = SavedModel.FromString((served / "saved_model.pb").read_bytes()).meta_graphs[0]
    session = Session(library, served)

    def logits(signature: str, shape: tuple[int, ...], **request: np.ndarray) -> np.ndarray:
        names = graph.signature_def[signature]
        assert set(names.inputs) == set(request)
        feed = {names.inputs[name].name: value for name, value in request.items()}
        return session.run(feed, names.outputs["logits"].name, shape)

    return logits


INPUTS = {"serving_default": "clips", "jpeg": "frames"}


def request(signature: str, batch: int, frames: int) -> np.ndarray:
    clips = np.random.default_rng(1).integers(0, 255, (batch, frames, 37, 37, 3), np.uint8)
    if signature == "serving_default":
        return clips
    encoded = np.empty((batch, frames), object)
    for place in np.ndindex(batch, frames):
        encoded[place] = tf.io.encode_png(clips[place]).numpy()
    return encoded


@pytest.mark.parametrize("signature", ["serving_default", "jpeg"])
def test_the_c_api_gives_the_same_logits(trained, logits, signature):
    clips = request("serving_default", 2, 4)
    expected = trained.load_model().predict(clips[:, :, 2:34, 2:34])
    found = logits(signature, (2, 4), **{INPUTS[signature]: request(signature, 2, 4)})
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_c_api_scores_a_video(logits, served):
    (frames,) = request("jpeg", 1, 7)
    found = logits("video", (4,), frames=frames, frame_rate=np.float32(25).reshape(()))
    expected = loaded(served)["video"](frames=tf.constant(frames), frame_rate=tf.constant(25.0))
    np.testing.assert_allclose(found, expected["logits"], atol=1e-5)


def test_videos_of_the_wrong_shape_are_errors_of_the_c_api(logits):
    rate = np.float32(25).reshape(())
    with pytest.raises(RuntimeError, match=r"at least one frame, received\] \[0\]"):
        logits("video", (4,), frames=np.empty(0, object), frame_rate=rate)
    with pytest.raises(RuntimeError, match=r"not `instances`\), received\] \[1 7\]"):
        logits("video", (4,), frames=request("jpeg", 1, 7), frame_rate=rate[None])


@pytest.mark.parametrize("signature", ["serving_default", "jpeg"])
@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("frames", [0, 3, 5, 8])
def test_clips_of_other_lengths_are_errors(logits, served, signature, batch, frames):
    clips = request(signature, batch, frames)
    both = rf"\b4\b.*\b{frames}\b"
    with pytest.raises(RuntimeError, match=both):
        logits(signature, (batch, 4), **{INPUTS[signature]: clips})
    kind = tf.uint8 if signature == "serving_default" else tf.string
    with pytest.raises(tf.errors.InvalidArgumentError, match=both):
        loaded(served)[signature](tf.constant(clips, kind))


@pytest.mark.parametrize("signature", ["serving_default", "jpeg"])
def test_an_empty_batch_is_an_error(logits, signature):
    with pytest.raises(RuntimeError, match=r"at least.* received\W+0\b"):
        logits(signature, (0, 4), **{INPUTS[signature]: request(signature, 0, 4)})


@cache
def loaded(folder: Path):
    return tf.saved_model.load(str(folder)).signatures
