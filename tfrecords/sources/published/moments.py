"""Moments in Time (Monfort et al., arXiv 1801.03150)."""

import csv
import io

from tfrecords.sources.folder_or_csv import SourceError
from tfrecords.sources.published.listing import Listing, Lists, in_order, lines_of, listed, text_of


def moments(lists: Lists) -> Listing:
    """Moments in Time: moments_categories.txt, trainingSet.csv, validationSet.csv.

    Example:
    ctm build Moments_in_Time_Raw --format moments --annotations Moments_in_Time_Raw \
--out data/moments
    """
    index, indices = lists.file("moments_categories.txt"), {}
    for place, line in lines_of(index):
        name, _, number = line.rpartition(",")
        if not name or not number.strip().isdecimal():
            raise SourceError(
                f"{place} must be a class name, a comma and a number, received {line!r}."
            )
        indices[name.strip()] = int(number)
    names, videos = in_order(index, indices, first=0), []
    order = set(names)
    for split, word in (("train", "training"), ("val", "validation")):
        file = lists.file(f"{word}Set.csv")
        rows = csv.reader(io.StringIO(text_of(file), newline=""))
        for path in (row[0] for row in rows if row):
            place = f"{file}, line {rows.line_num}"
            videos.append(listed(place, order, path, path.rpartition("/")[0], split))
    return Listing(names, videos)
