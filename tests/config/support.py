"""Pieces of configurations."""

from pathlib import Path

from tui import config

JENKINS = '[sources.ci]\ntype = "jenkins"\nurl = "https://ci.example.com/jenkins/"\n'
COUNTED = (
    "[sources.p]\ntype='prometheus'\nurl='http://p'\n[metrics.m]\nsource='p'\n"
    "bad = 'sum(rate(failed{t=\"{track}\"}[{window}]))'\ntotal = 'sum(rate(all{t=\"{track}\"}[{window}]))'\n"
)
METRIC = (
    JENKINS
    + "[sources.p]\ntype='prometheus'\nurl='http://p'\n"
    + "[metrics.m]\nsource='p'\nquery='x{track=\"{track}\"}'\n"
)
GROUPED = (
    METRIC + "compare = {max_worse = 1, group = 'quality'}\n[models.n]\njudge = 'kayenta'\nmetrics = ['m']\n"
)


def parse(text: str) -> config.Settings:
    return config.parse(text, Path("/etc/pipedeck/config.toml"))
