"""What a model's accuracy owes to space and to time, from saved predictions."""
