"""Reading a Jenkins: answers into domain values."""
