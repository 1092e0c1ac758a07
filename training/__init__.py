"""Training, evaluation and use of video models.

The names in `__init__.pyi` are imported on first use, so that the command line starts quickly.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
