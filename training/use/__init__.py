"""What is done with a trained model: predict, explain, export, show."""
