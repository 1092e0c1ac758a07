"""Diving48 (Li, Li, Vasconcelos; ECCV 2018)."""

from tfrecords.sources.folder_or_csv import SourceError
from tfrecords.sources.published.listing import Listing, Lists, json_of, listed


def diving48(lists: Lists) -> Listing:
    """Diving48: Diving48_vocab.json, Diving48_V2_train.json, Diving48_V2_test.json (or V1's).

    It has train and test lists; --val test uses its test list for validation.

    Example:
    ctm build rgb --format diving48 --annotations lists --val test --out data/diving48
    """
    vocabulary = json_of(lists.file("Diving48_vocab.json"))
    names = [parts if isinstance(parts, str) else "+".join(parts) for parts in vocabulary]
    videos = []
    for split in ("train", "test"):
        file = lists.file(f"Diving48_V2_{split}.json", f"Diving48_{split}.json")
        for number, item in enumerate(json_of(file), 1):
            place, label = f"{file}, video {number}", int(item["label"])
            if not 0 <= label < len(names):
                raise SourceError(
                    f"{place}: the label must be below {len(names)}, received {label}."
                )
            videos.append(listed(place, names, item["vid_name"], names[label], split))
    return Listing(names, videos)
