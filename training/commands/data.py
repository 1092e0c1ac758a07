"""The output of `ctm verify` and `ctm stats`."""

from collections.abc import Iterator
from json import dumps

import tfrecords
from training.config.tools import StatsConfig, VerifyConfig


def verify(config: VerifyConfig) -> int:
    """Prints the report of `tfrecords.verify`; returns 1 if it found damage."""
    report = tfrecords.verify(config.data, sample=config.sample)
    print(report)
    return not report.ok


def stats(config: StatsConfig) -> Iterator[str]:
    """The statistics of a data set, as text or JSON."""
    found = tfrecords.stats(config.data, config.copies)
    yield dumps(found.as_json(), indent=1) if config.json else str(found)
    if config.picture:
        from training.pictures.stats import draw_stats

        draw_stats(found, config.picture)
