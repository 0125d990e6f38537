"""``pipedeck init`` against the sandbox: by options, by questions in a terminal, and when something is wrong."""

import tomllib
from pathlib import Path

import pytest

from tests.e2e.command import pipedeck
from tests.e2e.terminal import Terminal, program
from tui import config
from tui.config import GitLabSettings, JenkinsSettings
from tui.sandbox.process import Sandbox

TOKEN = {"CI_TOKEN": "sandbox-token"}


def test_by_options_it_writes_what_check_finds_nothing_wrong_with(sandbox: Sandbox, tmp_path: Path) -> None:
    file, urls = tmp_path / "new" / "config.toml", sandbox.urls
    jenkins = ("--jenkins", urls["jenkins"], "--user", "you", "--jenkins-token", "env:CI_TOKEN")
    gitlab = ("--gitlab", urls["gitlab"], "--gitlab-token", "command:printenv CI_TOKEN")
    others = ("--prometheus", urls["prometheus"], "--config", file)
    done = pipedeck("init", *jenkins, *gitlab, *others, env=TOKEN)
    assert done.returncode == 0, done.stderr
    assert file.stat().st_mode & 0o777 == 0o600
    assert done.stdout == file.read_text(encoding="utf-8")
    assert "sandbox-token" not in done.stdout + done.stderr
    settings = config.load(file)
    assert set(settings.sources) == {"jenkins", "gitlab", "prometheus"}
    found = settings.sources["jenkins"]
    assert isinstance(found, JenkinsSettings)
    assert [rule.job for rule in found.deployments] == ["deploy-model", "ml/vision/deploy"]
    assert settings.models["fraud"].environment == "production"
    assert "what waits for a person: jenkins:deploy-model#7!Promote" in done.stderr
    check = pipedeck("check", "--config", file, env=TOKEN)
    assert (check.returncode, check.stderr) == (0, "")

    once_more = pipedeck("init", *gitlab, "--config", file, env=TOKEN)
    assert (once_more.returncode, once_more.stdout) == (0, "")
    assert "stays as it is, and has these servers" in once_more.stderr
    assert file.read_text(encoding="utf-8") == done.stdout


def test_a_file_that_is_there_is_shown_what_it_lacks_and_is_not_touched(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    file = tmp_path / "config.toml"
    mine = (
        '# mine\n[sources.gitlab]\ntype = "gitlab"\nurl = "https://elsewhere.example.com"\nwatch = ["x/y"]\n'
    )
    file.write_text(mine, encoding="utf-8")
    done = pipedeck(
        "init",
        "--gitlab",
        sandbox.urls["gitlab"],
        "--gitlab-token",
        "env:CI_TOKEN",
        "--config",
        file,
        env=TOKEN,
    )
    assert done.returncode == 0, done.stderr
    assert file.read_text(encoding="utf-8") == mine
    assert set(tomllib.loads(done.stdout)["sources"]) == {"gitlab2"}


@pytest.mark.parametrize(
    ("url", "token", "fault", "words"),
    [
        ("{jenkins}", "env:CI_TOKEN", "401", "make an API token in Jenkins"),
        ("{jenkins}", "env:CI_TOKEN", "403", "ask for Overall/Read and Job/Read"),
        ("{bare}", "env:CI_TOKEN", None, "a controller often sits under a prefix such as /jenkins"),
        ("{tls}", "env:CI_TOKEN", None, "TLS"),
        ("{jenkins}", "env:NOT_SET", None, "the environment variable NOT_SET is not set"),
        ("ftp://x", "env:CI_TOKEN", None, "must be an address such as https://"),
    ],
    ids=["wrong token", "no rights", "prefix missing", "TLS", "token not set", "no address"],
)
def test_when_a_server_cannot_be_used_it_says_why_and_writes_nothing(
    sandbox: Sandbox, tmp_path: Path, url: str, token: str, fault: str | None, words: str
) -> None:
    jenkins = sandbox.urls["jenkins"]
    sandbox.control.fault("jenkins", fault)  # type: ignore[arg-type]
    where = url.format(
        jenkins=jenkins, bare=jenkins.removesuffix("/jenkins"), tls=jenkins.replace("http://", "https://")
    )
    file = tmp_path / "config.toml"
    done = pipedeck(
        "init", "--jenkins", where, "--user", "you", "--jenkins-token", token, "--config", file, env=TOKEN
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr
    assert not file.exists()


def test_without_a_terminal_and_without_options_it_says_what_to_do(tmp_path: Path) -> None:
    done = pipedeck("init", "--config", tmp_path / "config.toml")
    assert (done.returncode, done.stdout) == (2, "")
    assert "name a server: --jenkins URL" in done.stderr


def test_in_a_terminal_it_asks_tries_again_and_writes(sandbox: Sandbox, tmp_path: Path) -> None:
    file, url = tmp_path / "config.toml", sandbox.urls["gitlab"]
    with Terminal([program(), "init", "--config", str(file)], size=(120, 60)) as terminal:

        def answer(question: str, words: str) -> None:
            # Without blanks: a long line is broken at any of them.
            asked = "".join(question.split())
            terminal.wait_for(lambda: "".join(terminal.text.split()).endswith(asked))
            terminal.send(f"{words}\r")

        answer("Address of Jenkins:", "")
        answer("Address of GitLab:", url.removesuffix("/gitlab"))
        answer("Which [1]:", "")
        answer("Name of the variable [GITLAB_TOKEN]:", "")
        answer("GITLAB_TOKEN is not set here. The token, only to try it now:", "sandbox-token")
        answer("Try again with another address or token? [y/N]", "y")
        answer("Address of GitLab:", url)
        answer("Which [1]:", "1")
        answer("Name of the variable [GITLAB_TOKEN]:", "MY_TOKEN")
        answer("MY_TOKEN is not set here. The token, only to try it now:", "sandbox-token")
        answer("Address of Prometheus:", "")
        answer("globs with commas between [**]:", "ml/fraud, ml/sandbox")
        answer("for your eyes only? [y/N]", "y")
        terminal.wait_for(lambda: "beforethatsetMY_TOKEN" in "".join(terminal.text.split()))
        assert terminal.wait_exit()[0] == 0
    settings = config.load(file).sources["gitlab"]
    assert isinstance(settings, GitLabSettings)
    assert settings.watch == ("ml/fraud", "ml/sandbox")
    assert "sandbox-token" not in file.read_text(encoding="utf-8")
