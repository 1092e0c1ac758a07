"""What looks at data sets."""

import sys
from json import dumps
from pathlib import Path
from typing import Annotated

import tyro

import tfrecords

DataFolder = Annotated[str, tyro.conf.arg(metavar="DIR")]


def verify(data: tyro.conf.Positional[DataFolder], sample: int = 100) -> None:
    """Check every checksum and count of a data set, and decode a sample of its frames.

    For example:
      ctm verify data/mine
      ctm verify s3://bucket/mine

    Args:
        data: Folder that `ctm build` wrote; also s3://, gs://, https://.
        sample: Frames to decode.
    """
    report = tfrecords.verify(data, sample=sample)
    print(report)
    if not report.ok:
        sys.exit(1)


def stats(
    data: tyro.conf.Positional[DataFolder],
    picture: Path | None = None,
    json: bool = False,
    copies: bool = True,
) -> None:
    """Print what a data set holds: leaks between splits first, then lengths, sizes and classes.

    Copies of a video are found by their pictures, also when they are encoded anew, scaled or cut;
    videos of one group in several splits by what `ctm build` noted. For example:
      ctm stats data/mine
      ctm stats data/mine --picture stats.png
      ctm stats data/mine --json > stats.json

    Args:
        data: Folder of a data set; also s3://, gs://, https://.
        picture: PNG to write, of the classes, lengths, frame rates and copies.
        json: Print JSON for programs, with all copies.
        copies: Look for copies, which reads frames of every video.
    """
    found = tfrecords.stats(data, copies)
    print(dumps(found.as_json(), indent=1) if json else found)
    if picture:
        from training.pictures.stats import draw_stats

        draw_stats(found, picture)
