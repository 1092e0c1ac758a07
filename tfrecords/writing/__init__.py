"""`ctm build`: many videos to shards, in processes that may die, resumed where they stopped."""
