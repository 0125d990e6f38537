"""One file a pane: what it wants watched, a pure projection of the store, the widgets it feeds."""
