"""Compares our networks with recorded outputs of the original implementations."""
