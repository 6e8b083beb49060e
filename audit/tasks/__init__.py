"""What a task offers per case and how a score becomes a decision."""
