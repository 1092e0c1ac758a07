"""HMDB51 (Kuehne et al., ICCV 2011)."""

import re

from tfrecords.sources.folder_or_csv import SourceError
from tfrecords.sources.published.listing import Listing, Lists, lines_of, listed

_SPLITS = {"1": "train", "2": "test", "0": None}


def hmdb51(lists: Lists, split_number: int = 1) -> Listing:
    """HMDB51: CLASS_test_splitK.txt for each class; K, 1 to 3, is --split-number.

    It has train and test splits; --val test uses its test videos for validation.

    Example:
    ctm build hmdb51_org --format hmdb51 --annotations testTrainMulti_7030_splits --val test \
--out data/hmdb51
    """
    ending = f"_test_split{split_number}.txt"
    files = {path.name.removesuffix(ending): path for path in lists.folder.glob(f"*{ending}")}
    if not files:
        raise SourceError(f"hmdb51 requires CLASS{ending}, which {lists.folder} does not contain.")
    videos = []
    for label, file in sorted(files.items()):
        for place, line in lines_of(file):
            name, _, flag = line.rpartition(" ")  # names contain "!", "(" and "["
            if not name or flag not in _SPLITS:
                raise SourceError(f"{place} must be a video and a 0, 1 or 2, received {line!r}.")
            if split := _SPLITS[flag]:
                name = name.strip()
                film = re.match(rf"(.+)_{re.escape(label)}_[a-z]_", name)  # clips of one film
                group = film and f"{label}/{film[1]}"
                path = f"{label}/{name}"
                videos.append(listed(place, files, path, label, split, group=group))
    return Listing(sorted(files), videos)
