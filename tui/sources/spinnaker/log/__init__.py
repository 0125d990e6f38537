"""What there is of the logs of a stage."""
