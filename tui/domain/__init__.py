"""The words of Pipedeck as immutable values. No I/O, no clock, no terminal.

Times are seconds since the epoch (UTC) as floats, durations are seconds as floats, unless a name says otherwise.
Every text in these values has passed :func:`tui.text.safe.clean` in the source that made it.
"""
