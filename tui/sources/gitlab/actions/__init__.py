"""Acting on a GitLab: planning, sending and observing each kind of action."""
