"""Tables that draw only what changed."""
