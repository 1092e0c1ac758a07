"""The data set on disk: records, shards, their index, dataset.json."""
