"""An analysis in lines for people."""

from collections.abc import Iterator
from typing import Any


def in_words(found: dict[str, Any]) -> Iterator[str]:
    """What `analyze` found, in lines.

    Args:
        found: The contents of analysis.json.
    """
    yield f"Evaluated on {found['protocol']}"
    head = f"{'run':32} {'method':10} {'backbone':12} {'frames':>6} {'top-1':>7}"
    yield f"{head} {'Phi':>6} {'Psi':>7}"
    for row in found["networks"]:
        own = f"{'-':>6} {'-':>7}"
        if "spatial" in row:
            own = f"{row['spatial']:6.3f} {row['temporal']:7.3f}"
        method = row["method"] + "-tp" * row["pooling"]
        yield (
            f"{row['run'][-32:]:32} {method:10} {row['backbone']:12} {row['frames']:6} "
            f"{row['top1']:7.4f} {own}"
        )
    yield "Phi: what TSN reaches of it; Psi: the share of TSN's errors that are gone."
    yield "Static classes (TSN knows them best): " + ", ".join(found["static_classes"])
    for name, own in found["gains"].items():
        best = ", ".join(f"{c} {g:+.3f}" for c, g in own["temporal_classes"].items())
        yield f"{name}: mean gain over TSN {own['average']:+.4f}; temporal classes: {best}"
        if own["average_without_the_most_temporal"] is not None:
            yield f"  without these {own['average_without_the_most_temporal']:+.4f}"
    for pair in found["pairs"]:
        alike = "-" if pair["correlation"] is None else f"{pair['correlation']:.3f}"
        yield (
            f"{' and '.join(pair['runs'])}: gains correlate {alike}, temporal classes overlap "
            f"{pair['overlap']:.2f}"
        )
