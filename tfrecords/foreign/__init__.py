"""Shards that other programs wrote (DMVR, TF Model Garden, Scenic, MediaSequence), as a data set.

The shards stay as they are and where they are: the new folder holds a link to each, with the index
of its frames beside it, and dataset.json.
"""
