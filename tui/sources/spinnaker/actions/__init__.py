"""Acting: judging, starting, restarting, canceling, going back."""
