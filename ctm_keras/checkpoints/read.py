"""Reads a PyTorch checkpoint as data: nothing in it is ever run."""

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
CAFFE2 = b"blobs"  # what a pickle of Caffe2's keeps its weights under
# What torch.save begins a file with: a zip file, or before version 1.6 its magic number.
PYTORCH = re.compile(rb"PK\x03\x04|\x80.\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19", re.DOTALL)


def read_checkpoint(path: str | Path) -> dict[str, np.ndarray]:
    """The weights of a PyTorch checkpoint, by the names that its project gave them.

    Where a training state holds several, the first of `WRAPPERS` is taken, and that is printed.

    Read with `torch.load(weights_only=True)`, which refuses whatever is not data.

    Args:
        path: A file that `torch.save` wrote: a state_dict, or a training state that holds one.

    Raises:
        ValueError: If there is no such file, it is damaged, no checkpoint, or has code in it;
            or if PyTorch is not installed or too old to be safe.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path} is {'a folder' if path.is_dir() else 'not there'}: name a file.")
    if path.suffix == ".keras":
        read_video_model(path)  # it raises where the weights of the file cannot be passed
        raise ValueError(f"{path} is of this project already: pass it as weights={str(path)!r}.")
    loaded = _load(path)
    state = _state_dict(loaded, path)
    if state is None:
        keys = ", ".join(map(repr, loaded)) if isinstance(loaded, dict) else type(loaded).__name__
        raise ValueError(
            f"{path} is a file of PyTorch's, but holds no state_dict of a network: it holds "
            f"{keys or 'nothing'}. Save the network's state_dict() alone."
        )
    return {name: _array(path, name, tensor) for name, tensor in state.items()}


def _load(path: Path) -> dict:
    """What the file holds, or one sentence on why it cannot be had."""
    torch = _torch()
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except PermissionError:
        raise
    except Exception as error:  # a cut file raises as many kinds as there are places to cut
        raise ValueError(f"{path} {_why_not(path, str(error))}") from None


def _why_not(path: Path, error: str) -> str:
    """What torch.load's refusal says of the file."""
    with path.open("rb") as file:
        head = file.read(1 << 16)
    if CAFFE2 in head and not PYTORCH.match(head):
        return (
            "is a pickle of Caffe2, not of PyTorch: load it in PySlowFast with CHECKPOINT_TYPE "
            "caffe2, and save the model's state_dict() with torch.save."
        )
    if code := re.search(r"GLOBAL (\S+)", error):
        return (
            f"holds more than weights ({code[1]}) and was not loaded, as that would run code. If "
            "you trust it, open it in PyTorch and save its state_dict alone."
        )
    if "TorchScript" in error:
        return "holds a TorchScript program, which is code: save its state_dict() with torch.save."
    return "is no PyTorch checkpoint, or a damaged one; nothing in it was run."


def _torch() -> Any:
    try:
        import torch
    except ImportError:
        raise ValueError(f"PyTorch reads such files, and is not installed: {INSTALL}.") from None
    version = tuple(int(part) for part in torch.__version__.split(".")[:2])
    if version < MINIMUM:  # CVE-2025-32434
        raise ValueError(
            f"PyTorch {torch.__version__} can be made to run code that a file holds: {INSTALL}, "
            f"which brings {'.'.join(map(str, MINIMUM))} or later."
        )
    return torch


def _state_dict(loaded: Any, path: Path) -> dict | None:
    """The weights in what was loaded, without what a training state holds beside them."""
    if not isinstance(loaded, dict):
        return None
    if found := [name for name in WRAPPERS if isinstance(loaded.get(name), dict)]:
        if len(found) > 1:
            print(f"{path}: {found[0]} is read, not {' or '.join(found[1:])}.")
        return _state_dict(loaded[found[0]], path)
    tensors = {k: v for k, v in loaded.items() if isinstance(k, str) and hasattr(v, "detach")}
    return tensors or None


def _array(path: Path, name: str, tensor: Any) -> np.ndarray:
    tensor = tensor.detach()
    try:
        return (tensor.float() if tensor.is_floating_point() else tensor).numpy()
    except (TypeError, RuntimeError):
        raise ValueError(
            f"{name} of {path} is quantised or sparse ({tensor.dtype}): take the plain weights."
        ) from None
