"""Text: what other people wrote made safe, and numbers, times and counts as people read them."""
