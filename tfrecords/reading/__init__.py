"""Reads batches of clips from shards: the order of an epoch, random access, crops."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
