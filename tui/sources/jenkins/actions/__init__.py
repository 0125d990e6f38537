"""Acting on a Jenkins: planning, sending and observing each kind of action."""
