"""The man page, made from the parser of the command line."""

import os
import re
from unittest.mock import patch

from argparse_manpage.manpage import Manpage

from tui import __version__
from tui.commands.parser import parser


def man_page() -> str:
    """``docs/pipedeck.1``; the same on every day, and in every terminal."""
    about = {
        "version": __version__,
        "project_name": "Pipedeck",
        "manual_title": "Pipedeck",
        "description": "pipelines of Jenkins and GitLab beside the metrics of the models they ship",
    }
    with patch.dict(os.environ, {"COLUMNS": "100"}):
        text = str(Manpage(parser(), about))
    return re.sub(r'(?m)^(\.TH \S+ "1") "[^"]*"', r'\1 ""', text.rstrip()) + "\n"
