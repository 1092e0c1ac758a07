"""Something-Something (Goyal et al., ICCV 2017) and Jester (Materzynska et al., ICCVW 2019)."""

from tfrecords.sources.folder_or_csv import SourceError
from tfrecords.sources.published.listing import (
    Listing,
    Lists,
    in_order,
    json_of,
    left_out,
    lines_of,
    listed,
    names_of,
)

_SPLITS = {"train": "train", "validation": "val", "test": "test"}


def something_v1(lists: Lists) -> Listing:
    """Something-Something V1: something-something-v1-{labels,train,validation}.csv.

    Example:
    ctm build 20bn-something-something-v1 --format something-something-v1 --annotations lists \
--out data/sthv1
    """
    return _semicolons(lists, "something-something-v1")


def jester(lists: Lists) -> Listing:
    """Jester: jester-v1-{labels,train,validation}.csv; a folder of frames for each video.

    Example:
    ctm build 20bn-jester-v1 --format jester --annotations lists --out data/jester
    """
    return _semicolons(lists, "jester-v1")


def something_v2(lists: Lists) -> Listing:
    """Something-Something V2: something-something-v2-{labels,train,validation}.json.

    The names labels.json, train.json and validation.json of the later release work as well.

    Example:
    ctm build 20bn-something-something-v2 --format something-something-v2 --annotations labels \
--out data/sthv2
    """
    prefix = "something-something-v2"
    index = lists.file(f"{prefix}-labels.json", "labels.json")
    names = in_order(index, {name: int(n) for name, n in json_of(index).items()}, first=0)
    order, videos, unlabeled = set(names), [], 0
    for word, split in _SPLITS.items():
        find = lists.optional if split == "test" else lists.file
        file = find(f"{prefix}-{word}.json", f"{word}.json")
        for number, item in enumerate(json_of(file) if file else (), 1):
            if "template" in item:
                label = item["template"].replace("[", "").replace("]", "")
                place = f"{file}, video {number}"
                videos.append(listed(place, order, str(item["id"]), label, split))
            elif split == "test":
                unlabeled += 1
            else:
                raise SourceError(f"{file}, video {number} has no template.")
    return Listing(names, videos, left_out(unlabeled))


def _semicolons(lists: Lists, prefix: str) -> Listing:
    """Reads lists with an id, a semicolon and the class in each line."""
    names = names_of(lists.file(f"{prefix}-labels.csv"))
    order, videos, unlabeled = set(names), [], 0
    for word, split in _SPLITS.items():
        find = lists.optional if split == "test" else lists.file
        file = find(f"{prefix}-{word}.csv")
        for place, line in lines_of(file) if file else ():
            name, _, label = line.partition(";")
            if label:
                videos.append(listed(place, order, name, label, split))
            elif split == "test":
                unlabeled += 1
            else:
                raise SourceError(
                    f"{place} must have a class after a semicolon, received {line!r}."
                )
    return Listing(names, videos, left_out(unlabeled))
