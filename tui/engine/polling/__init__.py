"""When which query is asked again."""
