"""Job logs of a GitLab."""
