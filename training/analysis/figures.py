"""The results of `ctm analyze`, for analysis.json and the HTML report."""

from dataclasses import asdict, dataclass
from typing import Any

from training.analysis.contribution import Contribution, Result
from training.evaluate.interval import wilson
from training.evaluate.paired import SignTest
from training.evaluate.scores import Basis


@dataclass(frozen=True)
class Network:
    """A run with its contributions.

    Args:
        run: The run's folder.
        result: The run's network and accuracy.
        videos: Number of scored videos.
        spatial: Phi, or None without a TSN in the same setting. Defaults to None.
        temporal: Psi, or None without a TSN in the same setting. Defaults to None.
    """

    run: str
    result: Result
    videos: int
    spatial: float | None = None
    temporal: float | None = None

    @property
    def label(self) -> str:
        """The method with its options, and `-tp` for temporal pooling."""
        label = self.result.label
        return label + "-tp" * (self.result.pooling and "temporal_pooling" not in label)

    def to_dict(self) -> dict[str, Any]:
        """The network as values that JSON supports."""
        interval = wilson(self.result.top1, self.videos)
        own = {"run": self.run, "label": self.result.label, **vars(self.result)}
        own |= {"videos": self.videos, "top1_interval": interval}
        if self.spatial is None:
            return own
        return {**own, "spatial": self.spatial, "temporal": self.temporal}


@dataclass(frozen=True)
class Gain:
    """The gains of a model over TSN.

    Args:
        average: Mean gain in top-1 over classes.
        average_without_the_most_temporal: Mean gain without `temporal_classes`, or None if no
            other classes remain.
        temporal_classes: The classes with the largest gains.
        per_class: The gain of each class, None for a class without videos.
    """

    average: float
    average_without_the_most_temporal: float | None
    temporal_classes: dict[str, float]
    per_class: dict[str, float | None]


@dataclass(frozen=True)
class Pair:
    """The similarity of two models' gains, and the overlap of their temporal classes."""

    runs: tuple[str, str]
    correlation: float | None
    overlap: float


@dataclass(frozen=True)
class Analysis:
    """The comparison of evaluated runs with TSN.

    Args:
        basis: How the scores were measured.
        networks: The runs.
        sign_tests: Comparison of each run with the first, by name.
        means: Mean contributions of each method.
        class_names: The classes, in order.
        static_classes: The classes that TSN recognizes best.
        gains: Gains of each run that has a TSN to compare with.
        pairs: Similarity of the gains of each pair of these runs.
    """

    basis: Basis
    networks: tuple[Network, ...]
    sign_tests: dict[str, SignTest]
    means: dict[str, Contribution]
    class_names: tuple[str, ...]
    static_classes: tuple[str, ...]
    gains: dict[str, Gain]
    pairs: tuple[Pair, ...]

    def to_dict(self) -> dict[str, Any]:
        """The analysis as values that JSON supports."""
        values = asdict(self) | {
            "networks": [network.to_dict() for network in self.networks],
            "sign_tests": {name: test.to_dict() for name, test in self.sign_tests.items()},
        }
        return values.pop("basis") | values
