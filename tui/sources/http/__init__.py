"""HTTP for the sources: clients, limits, errors, and requests that are sent once."""
