"""The file of `ctm features`: a row for each vector."""

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

COLUMNS = ("id", "path", "label", "split", "start", "end")


@dataclass(frozen=True)
class Row:
    """A vector and what it describes.

    Args:
        id: Id of the video in its data set, or its path.
        path: The video file; empty for a data set.
        label: Class name; empty for files.
        split: Split of the data set; empty for files.
        start: Time of the first frame in seconds.
        end: Time of the last frame in seconds.
        vector: The features, `(features,)`.
    """

    id: str
    path: str
    label: str
    split: str
    start: float
    end: float
    vector: np.ndarray


def write_rows(rows: Sequence[Row], path: Path) -> None:
    """Writes a .npz file without pickles, or a .csv file, atomically."""
    part = path.with_name(f"{path.stem}.part{path.suffix}")
    try:
        (_write_npz if path.suffix == ".npz" else _write_csv)(rows, part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _write_npz(rows: Sequence[Row], path: Path) -> None:
    columns = {name: [getattr(row, name) for row in rows] for name in (*COLUMNS, "vector")}
    arrays: dict[str, Any] = {name: np.array(values) for name, values in columns.items()}
    np.savez_compressed(path, **arrays)


def _write_csv(rows: Sequence[Row], path: Path) -> None:
    names = [f"vector_{i}" for i in range(len(rows[0].vector))]
    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*COLUMNS, *names])
        for row in rows:
            facts = [getattr(row, name) for name in COLUMNS]
            writer.writerow([*facts, *map(str, row.vector)])  # float32 in its shortest form
