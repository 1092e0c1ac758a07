"""Records the numbers of the original implementations, the goldens of these tests.

Needs PyTorch and torchvision, for some rows mmengine and mmcv-lite, and a folder with clones of
the repositories in `cases.py`, each at the commit that stands there:

    python -m tests.ctm_keras.reference.regenerate --repositories DIR [NAME ...]
"""

import argparse
import contextlib
import io
import json
import subprocess
from pathlib import Path

import keras
import numpy as np
import torch

from ctm_keras.engine.families import STANDARDIZED, SYMMETRIC
from ctm_keras.engine.preprocessing import Preprocess

from . import builders, formula
from .cases import CASES, Case, Reference

GOLDENS = Path(__file__).parent / "goldens"


def main():
    """Records all rows, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repositories", type=Path, required=True, help="folder of the clones")
    parser.add_argument("names", nargs="*", help="rows to record (default: all)")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for name in arguments.names or CASES:
        golden = record(CASES[name], arguments.repositories)
        text = json.dumps(golden, separators=(",", ":")).replace('"],', '"],\n')
        (GOLDENS / f"{name}.json").write_text(text + "\n", encoding="utf-8")
        print(f"{name}: {golden['parameters']} parameters, {len(text) / 1e3:.0f} kB")


def record(case: Case, repositories: Path) -> dict:
    """What the tests need to know of one original network."""
    folder = _checked(case.reference, repositories)
    logits = {}
    for frames, size in case.shapes:
        network, forward = _built(case, folder, frames)
        shapes = {key: tuple(value.shape) for key, value in network.state_dict().items()}
        state = {k: torch.from_numpy(v) for k, v in formula.weights(shapes).items()}
        network.load_state_dict(state)
        with torch.no_grad():
            scores = forward(_pixels(case, frames, size)).numpy()
        logits[f"{frames}x{size}"] = [[float(f"{x:.7g}") for x in row] for row in scores]
    return {
        "repository": case.reference.repository,
        "commit": case.reference.commit,
        "parameters": sum(p.numel() for p in network.parameters()),
        **_short(shapes),
        "logits": logits,
    }


def _checked(reference: Reference, repositories: Path) -> Path:
    folder = repositories / reference.repository.split("/")[1]
    if reference.commit is None:
        return folder
    git = ("git", "-C", str(folder))
    commit = subprocess.check_output([*git, "rev-parse", "HEAD"], encoding="utf-8").strip()
    changed = subprocess.check_output(
        [*git, "status", "--porcelain", "-uno"], encoding="utf-8"
    ).strip()
    if commit != reference.commit or changed:
        raise SystemExit(
            f"{folder} is at {commit}{' with changes' * bool(changed)}; the rows are of "
            f"{reference.commit}. Check that out, or change the row."
        )
    return folder


def _built(case: Case, folder: Path, frames: int):
    builder = getattr(builders, case.reference.builder)
    with contextlib.redirect_stdout(io.StringIO()):
        network, forward = builder(folder, frames, case.num_classes, **case.theirs)
    network.eval()  # TSM's returns nothing
    return network, forward


def _pixels(case: Case, frames: int, size: int) -> torch.Tensor:
    """What our networks' first layer makes of clips, `(batch, frames, 3, height, width)`."""
    preprocessing = SYMMETRIC if case.backbone == "inception_v1" else STANDARDIZED
    clips = formula.clips(case.batch, frames, size).astype("float32")
    x = keras.ops.convert_to_numpy(Preprocess(**vars(preprocessing))(clips))
    return torch.from_numpy(np.moveaxis(x, -1, 2).copy())


def _short(shapes: formula.Shapes) -> dict:
    """The shapes of a state, a batch norm by its number of channels."""
    norms = {k.rpartition(".")[0]: s[0] for k, s in shapes.items() if k.endswith("running_mean")}
    others = {k: s for k, s in shapes.items() if k.rpartition(".")[0] not in norms}
    return {"norms": norms, "others": others}


if __name__ == "__main__":
    main()
