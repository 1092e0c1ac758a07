from .folders import videos_at

__all__ = ["videos_at"]
