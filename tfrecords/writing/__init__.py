"""`ctm build`: converts videos to shards, in processes that may crash; resumable."""
