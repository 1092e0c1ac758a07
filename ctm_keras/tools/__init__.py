"""What is done with a finished video model."""
