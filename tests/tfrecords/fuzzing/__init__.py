"""Damaged videos, shards and indexes are read correctly or reported; none crashes or hangs."""
