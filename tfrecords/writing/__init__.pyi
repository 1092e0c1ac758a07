from .scheduler import TooManyFailures

__all__ = ["TooManyFailures"]
