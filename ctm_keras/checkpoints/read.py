"""Reads a PyTorch checkpoint as data, without running code from it."""

import re
from pathlib import Path
from typing import Any

import numpy as np

from ..weights.files import read_video_model

INSTALL = 'pip install "ctm-keras[torch]"'
MINIMUM = (2, 6)
WRAPPERS = (
    "state_dict",
    "model_state",
    "model_state_dict",
    "model",
    "net",
    "weights",
    "state_dict_ema",
)
CAFFE2 = b"blobs"  # the key of the weights in a Caffe2 pickle
# The first bytes that torch.save writes: a zip file, or the magic number before version 1.6.
PYTORCH = re.compile(rb"PK\x03\x04|\x80.\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19", re.DOTALL)


def read_checkpoint(path: str | Path) -> dict[str, np.ndarray]:
    """Returns the weights of a PyTorch checkpoint, by their names in the file.

    If a training state has several sets of weights, the first of `WRAPPERS` is used and printed.

    The file is read with `torch.load(weights_only=True)`, which refuses code.

    Args:
        path: A file written by `torch.save`: a state_dict, or a training state that has one.

    Raises:
        ValueError: If the file is missing, damaged, not a checkpoint, or contains code, or if
            PyTorch is not installed or too old to be safe.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path} is {'a folder' if path.is_dir() else 'missing'}. Pass a file.")
    if path.suffix == ".keras":
        read_video_model(path)  # raises if it is not a valid file of this project
        raise ValueError(f"{path} is a file of this project. Pass it as weights={str(path)!r}.")
    loaded = _load(path)
    state = _state_dict(loaded, path)
    if state is None:
        keys = ", ".join(map(repr, loaded)) if isinstance(loaded, dict) else type(loaded).__name__
        raise ValueError(
            f"{path} must have the state_dict of a network, received a PyTorch file with "
            f"{keys or 'nothing'}. Save only the network's state_dict()."
        )
    return {name: _array(path, name, tensor) for name, tensor in state.items()}


def _load(path: Path) -> dict:
    """Loads a file, or raises ValueError with the reason."""
    torch = require_torch()
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except PermissionError:
        raise
    except Exception as error:  # truncated files raise many types of errors
        raise ValueError(f"{path} {_why_not(path, str(error))}") from None


def _why_not(path: Path, error: str) -> str:
    """Explains an error of torch.load."""
    with path.open("rb") as file:
        head = file.read(1 << 16)
    if CAFFE2 in head and not PYTORCH.match(head):
        return (
            "is a pickle of Caffe2, not of PyTorch. Load it in PySlowFast with CHECKPOINT_TYPE "
            "caffe2, and save the model's state_dict() with torch.save."
        )
    if code := re.search(r"GLOBAL (\S+)", error):
        return (
            f"contains code ({code[1]}) and was not loaded. If you trust it, open it in PyTorch "
            "and save only its state_dict."
        )
    if "TorchScript" in error:
        return "is a TorchScript program, which is code. Save its state_dict() with torch.save."
    return "is not a PyTorch checkpoint or is damaged. No code in it was run."


def require_torch() -> Any:
    """Imports PyTorch, or raises ValueError if it is missing or too old to be safe."""
    try:
        import torch
    except ImportError:
        raise ValueError(f"PyTorch is required but not installed. Run {INSTALL}.") from None
    version = tuple(int(part) for part in torch.__version__.split(".")[:2])
    if version < MINIMUM:  # CVE-2025-32434
        raise ValueError(
            f"PyTorch must be {'.'.join(map(str, MINIMUM))} or later, received "
            f"{torch.__version__}, which can run code from a file. Run {INSTALL}."
        )
    return torch


def _state_dict(loaded: Any, path: Path) -> dict | None:
    """Returns the weights in a loaded file, without the other parts of a training state."""
    if not isinstance(loaded, dict):
        return None
    if found := [name for name in WRAPPERS if isinstance(loaded.get(name), dict)]:
        if len(found) > 1:
            print(f"{path}: reading {found[0]}, not {' or '.join(found[1:])}.")
        return _state_dict(loaded[found[0]], path)
    tensors = {k: v for k, v in loaded.items() if isinstance(k, str) and hasattr(v, "detach")}
    return tensors or None


def _array(path: Path, name: str, tensor: Any) -> np.ndarray:
    tensor = tensor.detach()
    try:
        return (tensor.float() if tensor.is_floating_point() else tensor).numpy()
    except (TypeError, RuntimeError):
        raise ValueError(
            f"{name} of {path} must be a dense float or integer tensor, received a quantized or "
            f"sparse one ({tensor.dtype}). Use the weights before quantization."
        ) from None
