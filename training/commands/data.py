"""What `ctm verify` and `ctm stats` print."""

from collections.abc import Iterator
from json import dumps

import tfrecords
from training.config.tools import StatsConfig, VerifyConfig


def verify(config: VerifyConfig) -> int:
    """Prints what `tfrecords.verify` finds; returns 1 if it is damage."""
    report = tfrecords.verify(config.data, sample=config.sample)
    print(report)
    return not report.ok


def stats(config: StatsConfig) -> Iterator[str]:
    """What a data set holds, for people or as JSON."""
    found = tfrecords.stats(config.data, config.copies)
    yield dumps(found.as_json(), indent=1) if config.json else str(found)
    if config.picture:
        from training.pictures.stats import draw_stats

        draw_stats(found, config.picture)
