"""Spinnaker as a source of pipelines: what its Gate tells and takes."""
