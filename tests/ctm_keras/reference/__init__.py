"""Our networks beside the original implementations, by recorded numbers."""
