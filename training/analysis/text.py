"""The lines that `ctm analyze` prints."""

from collections.abc import Iterable, Iterator, Sequence

from tfrecords.text import counted, printable
from training.analysis.contribution import Contribution
from training.analysis.figures import Analysis, Network
from training.evaluate.interval import note, with_interval
from training.evaluate.paired import in_words as sign_tests_in_words


def in_words(found: Analysis) -> Iterator[str]:
    """The lines of an analysis."""
    yield f"Evaluated on {found.basis}"
    yield from _networks_in_words(found.networks)
    yield from sign_tests_in_words(found.sign_tests, found.networks[0].run)
    yield from means_in_words(found.means)
    yield f"Static classes (TSN recognizes them best): {_joined(found.static_classes)}"
    for name, own in found.gains.items():
        best = _joined(f"{c} {g:+.3f}" for c, g in own.temporal_classes.items())
        yield f"{name}: mean gain over TSN {own.average:+.4f}; temporal classes: {best}"
        if own.average_without_the_most_temporal is not None:
            yield f"  without these {own.average_without_the_most_temporal:+.4f}"
    for pair in found.pairs:
        correlation = "-" if pair.correlation is None else f"{pair.correlation:.3f}"
        yield (
            f"{' and '.join(pair.runs)}: correlation of gains {correlation}, overlap of temporal "
            f"classes {pair.overlap:.2f}"
        )


def _joined(names: Iterable[str]) -> str:
    """Class names, separated by commas."""
    return ", ".join(map(printable, names))


def _networks_in_words(networks: Sequence[Network]) -> Iterator[str]:
    """The table of networks with Phi and Psi."""
    width = max(len(label) for label in ("method", *(row.label for row in networks)))
    accuracies = [with_interval(row.result.top1, row.videos) for row in networks]
    wide = max(map(len, accuracies))
    head = f"{'run':32} {'method':{width}} {'backbone':12} {'frames':>6} {'size':>4}"
    yield f"{head} {'top-1':{wide}} {'Phi':>6} {'Psi':>7}"
    for row, accuracy in zip(networks, accuracies, strict=True):
        own, result = f"{'-':>6} {'-':>7}", row.result
        if row.spatial is not None:
            own = f"{row.spatial:6.3f} {row.temporal:7.3f}"
        yield (
            f"{row.run[-32:]:32} {row.label:{width}} {result.backbone:12} {result.frames:6} "
            f"{result.image_size:4} {accuracy:{wide}} {own}"
        )
    if explanation := note(networks[0].videos):
        yield explanation
    yield "Phi: fraction of top-1 that TSN reaches; Psi: fraction of TSN's errors that are removed."


def means_in_words(means: dict[str, Contribution]) -> Iterator[str]:
    """The mean contributions of each method with several networks."""
    for label, own in means.items():
        if max(own.networks) > 1:
            yield f"Means of {label}: {_mean_in_words(own)}"


def _mean_in_words(own: Contribution) -> str:
    """`"Phi 0.533, Psi 0.447 (12 networks); with temporal pooling Psi 0.382 (12 networks)"`."""
    plain, pooled = own.networks
    parts = []
    if plain:
        counts = counted(plain, "network")
        parts.append(f"Phi {own.spatial:.3f}, Psi {own.temporal:.3f} ({counts})")
    if pooled:
        counts = counted(pooled, "network")
        parts.append(f"with temporal pooling Psi {own.pooled:.3f} ({counts})")
    return "; ".join(parts)
