"""Jenkins: controllers from 2.2xx on, read through ``api/json`` and whatever stage plugin there is."""
