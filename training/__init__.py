"""Batches to a trained model and its numbers."""
