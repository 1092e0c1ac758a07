"""Reads a PyTorch checkpoint as data: nothing in it is ever run."""

import pickle
from pathlib import Path

import numpy as np

WRAPPERS = ("state_dict", "model_state", "model_state_dict", "model")


def read_checkpoint(path: str | Path) -> dict[str, np.ndarray]:
    """The weights of a PyTorch checkpoint, by the names that its project gave them.

    Read with `torch.load(weights_only=True)`, which refuses whatever is not data.

    Args:
        path: a file that `torch.save` wrote: a state_dict, or a training state that holds one.

    Raises:
        ValueError: if there is no such file, it is damaged, no checkpoint, or has code in it;
            or if PyTorch is not installed.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path} is {'a folder' if path.is_dir() else 'not there'}: name a file.")
    if path.suffix == ".keras":
        raise ValueError(f"{path} is of this project already: pass it as weights={str(path)!r}.")
    state = _state_dict(_load(path))
    if state is None:
        raise ValueError(f"{path} is a file of PyTorch's, but holds no state_dict of a network.")
    return {name: _array(tensor) for name, tensor in state.items()}


def _load(path: Path):
    """What the file holds, or one sentence on why it cannot be had."""
    torch = _torch()
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "nsupported" in str(error):
            raise ValueError(_refusal(path, error)) from None
        raise ValueError(f"{path} is not a PyTorch checkpoint, or a damaged one.") from error
    except Exception as error:  # a cut file raises as many kinds as there are places to cut
        if "TorchScript" in str(error):
            raise ValueError(
                f"{path} holds a TorchScript program, which is code: save its state_dict() with "
                "torch.save instead."
            ) from None
        raise ValueError(f"{path} is not a PyTorch checkpoint, or a damaged one.") from error


def _refusal(path: Path, error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if "nsupported" in line]
    return (
        f"{path} holds more than weights and was not loaded, as loading that would run code "
        f"({lines[0].strip()[:160]}). If you trust it, save its state_dict alone with PyTorch."
    )


def _torch():
    try:
        import torch
    except ImportError:
        raise ValueError(
            'PyTorch reads such files, and is not installed: pip install "ctm-keras[torch]".'
        ) from None
    return torch


def _state_dict(loaded) -> dict | None:
    """The weights in what was loaded, without what a training state holds beside them."""
    if not isinstance(loaded, dict):
        return None
    for name in WRAPPERS:
        if isinstance(loaded.get(name), dict):
            return _state_dict(loaded[name])
    tensors = {k: v for k, v in loaded.items() if isinstance(k, str) and hasattr(v, "detach")}
    return tensors or None


def _array(tensor) -> np.ndarray:
    tensor = tensor.detach()
    return (tensor.float() if tensor.is_floating_point() else tensor).numpy()
