"""Damaged videos, shards and indexes: each is read right or named, and none crashes or hangs."""
