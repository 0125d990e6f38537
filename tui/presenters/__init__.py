"""Domain values as rows, words and JSON documents, for panes and commands alike. Pure."""
