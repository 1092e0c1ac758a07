"""Shards to batches of clips: the order of an epoch, random access, crops."""
