"""Actions: planned, confirmed, journalled, sent once and read back."""
