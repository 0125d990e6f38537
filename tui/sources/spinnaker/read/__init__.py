"""Reading pipelines, executions, gates, canaries and what runs where."""
