"""What a finished data set is checked for: damage, leaks between splits, copies."""
