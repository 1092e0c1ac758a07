"""`ctm weights`: the published weights that can be used by name."""

from collections.abc import Iterator

from ctm_keras.checkpoints import cached_file, import_by_hand
from ctm_keras.weights import Published, nearest_names, published_weights
from training.config.tools import WeightsConfig


def weights(config: WeightsConfig) -> Iterator[str]:
    """The lines of the weights that match all words, or of the one that is named.

    Raises:
        ValueError: If there is none.
    """
    if len(config.words) == 1 and config.words[0] in published_weights():
        yield from described(published_weights()[config.words[0]])
        return
    words = " ".join(config.words)
    wanted = words.lower().split()
    found = [p for p in published_weights().values() if all(word in _text(p) for word in wanted)]
    if not found:
        raise ValueError(
            f"No published weights match {words!r}.{nearest_names(words)} `ctm weights` lists all."
        )
    yield f"{'name':48} {'network':32} {'classes':>7} {'top-1':>6}"
    for p in found:
        network, top1 = f"{p.method}, {p.backbone}", f"{float(p.top1):.2f}"
        yield f"{p.name:48} {network:32} {p.classes:7} {top1:>6}{_mark(p)}"
    yield "+ in the cache; - no digest is published, so to be downloaded by hand"
    yield "`ctm weights NAME` shows all about one, such as how its accuracy was measured."


def _text(published: Published) -> str:
    p = published
    return f"{p.name} {p.method} {p.backbone} {p.data_set} {p.project}".lower()


def _mark(published: Published) -> str:
    return " -" if not published.sha256 else " +" * cached_file(published).exists()


def described(published: Published) -> Iterator[str]:
    """All about one checkpoint, in lines."""
    p = published
    options = "".join(f", {name}={value!r}" for name, value in p.options.items())
    top5 = f", top-5 {p.top5}" if p.top5 else ""
    facts = {
        "network": f"{p.method} on {p.backbone}{options}",
        "trained on": f"{p.data_set}, {p.classes} classes (as numbers: the file has no names)",
        "clips": _clips(p),
        "published": f"top-1 {p.top1}{top5} ({p.protocol}); not measured here",
        "project": f"{p.project}, license {p.license}; the weights may have other terms",
        "address": p.address,
        "size": f"{p.size_mib} MiB" if p.size_mib else "not published",
        "sha256": f"{p.sha256}..." if p.sha256 else "not published",
        "note": p.note,
        "source": p.source,
        "cache": _cached(p),
    }
    yield p.name
    yield from (f"  {name:11} {fact}" for name, fact in facts.items() if fact)


def _clips(published: Published) -> str:
    """How clips are made from videos."""
    p = published
    if p.num_frames is None:
        return f"single frames, short side {p.short_side} (an image model; it becomes a TSN)"
    apart = f", {p.interval} apart" if p.interval else ""
    rate = f", at {p.rate} frames per second" if p.rate else ""
    return f"{p.num_frames} frames, {p.sampling}{apart}{rate}, short side {p.short_side}"


def _cached(published: Published) -> str:
    """Where the weights are, or how to get them."""
    path = cached_file(published)
    if not published.sha256:
        return f"cannot be checked, so not downloaded by name. {import_by_hand(published)}"
    return str(path) if path.exists() else f"not yet in {path.parent}"
