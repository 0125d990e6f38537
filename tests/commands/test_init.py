"""The first configuration, made of names that other people chose."""

import tomllib
from pathlib import Path

from tui.commands.init.survey import DeployJob, Survey
from tui.commands.init.text import Server, first_config
from tui.config import parse
from tui.domain.address import Address
from tui.domain.pipeline import Listing, Pipeline
from tui.text.safe import clean

EVIL = 'ml/\n[safety]\nproduction = []\n#"\x1b]52;c;bWluZQ==\x07\x7f\x9b31m\u202e\U000e0041x'


def test_no_name_ends_its_line_or_drives_the_terminal() -> None:
    address = Address("jenkins", EVIL)
    found = Survey(
        listings={"jenkins": Listing((Pipeline(address, EVIL),))},
        watch={"jenkins": (f"{EVIL}/**",)},
        deploy_jobs=(DeployJob(EVIL, EVIL, "VERSION", EVIL, ""),),
    )
    text = first_config([Server("jenkins", "jenkins", "https://ci.example.com", watch=(EVIL,))], found, ())
    assert all(clean(line) == line for line in text.splitlines())
    document = tomllib.loads(text)
    assert set(document) == {"format", "sources"}
    (rule,) = document["sources"]["jenkins"]["deployments"]
    assert (document["sources"]["jenkins"]["watch"], rule["job"]) == ([EVIL], EVIL)
    parse(text, Path("config.toml"))
