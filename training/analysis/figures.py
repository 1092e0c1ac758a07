"""The figures of `ctm analyze`, as analysis.json and the report hold them."""

from dataclasses import asdict, dataclass
from typing import Any

from training.analysis.contribution import Contribution, Result
from training.evaluate.scores import Basis


@dataclass(frozen=True)
class Network:
    """A run with its contributions; without a TSN of its setting it has none.

    Args:
        run: Its folder.
        result: Its network and accuracy.
        spatial: Phi.
        temporal: Psi.
    """

    run: str
    result: Result
    spatial: float | None = None
    temporal: float | None = None

    @property
    def label(self) -> str:
        """The method with its options, and `-tp` for temporal pooling."""
        label = self.result.label
        return label + "-tp" * (self.result.pooling and "temporal_pooling" not in label)

    def to_dict(self) -> dict[str, Any]:
        """The network as JSON holds it."""
        own = {"run": self.run, "label": self.result.label, **vars(self.result)}
        if self.spatial is None:
            return own
        return {**own, "spatial": self.spatial, "temporal": self.temporal}


@dataclass(frozen=True)
class Gain:
    """What a model gains over TSN.

    Args:
        average: The mean gain in top-1 over classes.
        average_without_the_most_temporal: The same without `temporal_classes`, if others are left.
        temporal_classes: The gains of the classes that gain most.
        per_class: The gain of each class, None where it has no video.
    """

    average: float
    average_without_the_most_temporal: float | None
    temporal_classes: dict[str, float]
    per_class: dict[str, float | None]


@dataclass(frozen=True)
class Pair:
    """How alike two models gain: the correlation over classes, the overlap of temporal classes."""

    runs: tuple[str, str]
    correlation: float | None
    overlap: float


@dataclass(frozen=True)
class Analysis:
    """What evaluated runs say about space and time.

    Args:
        basis: What the numbers stand on.
        networks: Each run.
        means: Of each method over its networks.
        class_names: The classes, in order.
        static_classes: Those that TSN knows best.
        gains: Of each run that has a TSN.
        pairs: Each two of these runs.
    """

    basis: Basis
    networks: tuple[Network, ...]
    means: dict[str, Contribution]
    class_names: tuple[str, ...]
    static_classes: tuple[str, ...]
    gains: dict[str, Gain]
    pairs: tuple[Pair, ...]

    def to_dict(self) -> dict[str, Any]:
        """The analysis as analysis.json holds it."""
        values = asdict(self) | {"networks": [network.to_dict() for network in self.networks]}
        return values.pop("basis") | values
