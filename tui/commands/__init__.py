"""The plain face: commands for scripts and pipes. None of them needs a terminal or imports Textual."""
