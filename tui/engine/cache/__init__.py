"""What is kept of answers, also on disk."""
