"""Registers shards of other programs (DMVR, TF Model Garden, Scenic, MediaSequence) as a data set.

The shards are neither changed nor moved. The new folder contains a link to each shard, the index of
its frames, and dataset.json.
"""
