"""The keys that move in lines of any kind, so that whoever gives them others gives them everywhere."""

from textual.binding import Binding

MOVING = (
    Binding("down,j", "move(1)", "Down", id="table.down", show=False),
    Binding("up,k", "move(-1)", "Up", id="table.up", show=False),
    Binding("pagedown", "page(1)", "Page down", id="table.page_down", show=False),
    Binding("pageup", "page(-1)", "Page up", id="table.page_up", show=False),
    Binding("home,g", "edge(False)", "First", id="table.first", show=False),
    Binding("end,G", "edge(True)", "Last", id="table.last", show=False),
    Binding("enter", "select", "Open", id="table.select", show=False),
)
