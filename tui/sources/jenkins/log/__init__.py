"""Logs of builds, stages and steps of a Jenkins."""
