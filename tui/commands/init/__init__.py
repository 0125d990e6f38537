"""``pipedeck init``: a first configuration, made from what the servers tell."""
