"""The papers' ablation tables as data: networks and published results."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A network of a table.

    Args:
        label: The paper's name of the network.
        model: Method.
        options: Options of the method, as on the command line. Defaults to none.
        published: The paper's top-1 in percent, one or None for each column. Defaults to none.
    """

    label: str
    model: str
    options: tuple[str, ...] = ()
    published: tuple[float | None, ...] = ()


@dataclass(frozen=True)
class Table:
    """A paper's table.

    Args:
        title: Paper and number of the table.
        columns: Data set and backbone of each column of published results.
        rows: The networks.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def _ctm(label: str, published: float, *options: str) -> Row:
    return Row(label, "ctm", options, (published,))


_MINI_KINETICS = ("Mini-Kinetics-200, ResNet-50",)
_BASELINE = Row("TSN", "tsn", (), (76.76,))

TABLES = {
    "ctm-1": Table(
        "CTM, Table 1: the paths of a block",
        _MINI_KINETICS,
        (
            _BASELINE,
            _ctm("TCCM + shortcut", 78.60, "paths=tccm", "blocks=1"),
            _ctm("path 2 + shortcut", 78.58, "paths=temporal", "blocks=1"),
            _ctm("CTM", 78.94, "blocks=1"),
        ),
    ),
    "ctm-2": Table(
        "CTM, Table 2: the stage of one block",
        _MINI_KINETICS,
        (
            _BASELINE,
            _ctm("Res2", 78.87, "stages=2", "blocks=1"),
            _ctm("Res3", 78.79, "stages=3", "blocks=1"),
            _ctm("Res4", 78.94, "blocks=1"),
            _ctm("Res5", 78.07, "stages=5", "blocks=1"),
        ),
    ),
    "ctm-3": Table(
        "CTM, Table 3: the number of blocks in Res4",
        _MINI_KINETICS,
        (
            _BASELINE,
            _ctm("+ 1 CTM block", 78.94, "blocks=1"),
            _ctm("+ 3 CTM blocks", 79.13, "blocks=3"),
            _ctm("+ 6 CTM blocks (all)", 79.15, "blocks=all"),
        ),
    ),
    "stm-5": Table(
        "STM, Table 5: its two modules",
        ("Something-Something v1, ResNet-50",),
        (
            Row("TSN", "tsn", (), (19.7,)),
            Row("CSTM", "stm", ("modules=cstm",), (47.7,)),
            Row("CMM", "stm", ("modules=cmm",), (44.1,)),
            Row("STM", "stm", (), (49.2,)),
        ),
    ),
    "analysis-5": Table(
        "Analysis paper, Table 5: temporal aggregation without temporal pooling, 8 frames",
        (
            "Mini-SSV2, ResNet-18",
            "Mini-SSV2, Inception-V1",
            "Mini-SSV2, ResNet-50",
            "Mini-Kinetics, ResNet-18",
            "Mini-Kinetics, Inception-V1",
            "Mini-Kinetics, ResNet-50",
        ),
        (
            Row("None", "tsn", (), (29.6, 33.1, 33.9, 67.9, 70.4, 72.1)),
            Row("Avg.", "avg", (), (39.5, None, None, 64.1, None, None)),
            Row("Max.", "max", (), (43.9, None, None, 65.2, None, None)),
            Row("Conv.", "conv", (), (58.1, 58.2, 61.6, 67.8, 68.3, 71.5)),
            Row("TAM", "tam", (), (59.1, 59.7, 65.4, 69.1, 68.8, 74.1)),
            Row("TSM", "tsm", (), (None, None, 64.1, None, None, 74.1)),
            Row("NLN", "nonlocal", (), (None, None, 53.0, None, None, 73.7)),
        ),
    ),
}
