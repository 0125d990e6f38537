"""Reading a GitLab: answers into domain values."""
