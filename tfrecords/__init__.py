"""Video files to verified shards to batches."""
