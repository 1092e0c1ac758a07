"""UCF101 (Soomro, Zamir, Shah; CRCV-TR-12-01)."""

import re

from tfrecords.sources.folder_or_csv import SourceError
from tfrecords.sources.published.listing import Listing, Lists, in_order, lines_of, listed


def ucf101(lists: Lists, split_number: int = 1) -> Listing:
    """UCF101: classInd.txt, trainlist0K.txt, testlist0K.txt; K, 1 to 3, is --split-number.

    It has train and test lists; --val test uses its test list for validation.

    Example:
    ctm build UCF-101 --format ucf101 --annotations ucfTrainTestlist --val test --out data/ucf101
    """
    index = lists.file("classInd.txt")
    numbers = dict(_class_and_number(place, line) for place, line in lines_of(index))
    names = in_order(index, numbers, first=1)
    videos = []
    for split in ("train", "test"):
        for place, line in lines_of(lists.file(f"{split}list{split_number:02d}.txt")):
            path, _, number = line.partition(" ")
            label = path.split("/")[0]  # HandstandPushups' files say v_HandStandPushups
            group = re.search(r"_(g\d+)_c\d+", path)  # 25 groups of a class, one scene each
            name = group and f"{label}/{group[1]}"
            videos.append(listed(place, names, path, label, split, group=name))
            if number and number.strip() != str(numbers[label]):
                raise SourceError(
                    f"{place}: the number of {label} must be {numbers[label]} as in {index.name}."
                )
    return Listing(names, videos)


def _class_and_number(place: str, line: str) -> tuple[str, int]:
    number, _, name = line.partition(" ")
    if not number.isdecimal() or not name:
        raise SourceError(f"{place} must be a number and a class name, received {line!r}.")
    return name.strip(), int(number)
