"""Credentials by reference: what each kind gives, how long it is kept, and what is told when there is none."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tui import config
from tui.config import ConfigError, JenkinsSettings, Secret

SERVER = '[sources.ci]\ntype = "jenkins"\nurl = "https://ci.example.com"\n'


def printing(code: str) -> Secret:
    return Secret((sys.executable, "-c", code))


def refusal(secret: Secret) -> str:
    with pytest.raises(ConfigError) as caught:
        secret.reveal()
    assert "hidden" not in str(caught.value)
    return str(caught.value)


def parsed(token: str) -> Secret:
    source = config.parse(f"{SERVER}token = {token}", Path("/etc/pipedeck/config.toml")).sources["ci"]
    assert isinstance(source, JenkinsSettings)
    assert source.token is not None
    return source.token


class TestACommand:
    def test_its_first_line_is_the_credential(self) -> None:
        assert printing("print('s3cret \\nuser: me')").reveal() == "s3cret"

    def test_it_is_not_run_again_before_what_it_gave_was_refused(self, tmp_path: Path) -> None:
        ran = tmp_path / "ran"
        secret = printing(f"f = open({str(ran)!r}, 'a'); f.write('x'); print(f.tell())")
        assert [secret.reveal(), secret.reveal()] == ["1", "1"]
        secret.forget()
        assert secret.reveal() == "2"

    def test_it_is_run_again_after_some_minutes(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ran = tmp_path / "ran"
        secret = printing(f"f = open({str(ran)!r}, 'a'); f.write('x'); print(f.tell())")
        assert secret.reveal() == "1"
        monkeypatch.setattr("tui.config.secret.KEPT", -1.0)
        assert secret.reveal() == "2"

    def test_a_failure_is_told_without_what_it_said(self) -> None:
        words = refusal(printing("import sys; print('hidden'); sys.exit('hidden')"))
        assert words.endswith("run for a credential, ended with exit code 1; try it in a shell")

    def test_no_output_is_a_failure(self) -> None:
        assert refusal(printing("print()")).endswith("printed no credential")

    def test_too_much_output_is_a_failure(self) -> None:
        words = refusal(printing("while True: print('hidden' * 1000)"))
        assert words.endswith("printed more than 64 KB; it should print a credential")

    @pytest.mark.parametrize("code", ["echo hidden; sleep 60 & wait", "echo hidden; sleep 60 &", "sleep 60"])
    def test_one_that_does_not_end_is_ended(self, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
        monkeypatch.setattr("tui.config.secret.PATIENCE", 0.5)
        assert "gave no credential within 0.5 s" in refusal(Secret(("sh", "-c", code)))

    def test_there_is_no_shell(self) -> None:
        assert Secret(("echo", "$HOME; id")).reveal() == "$HOME; id"

    def test_one_that_is_not_there(self) -> None:
        assert refusal(Secret(("no-such-command", "hidden"))) == (
            "cannot run the command no-such-command for a credential: No such file or directory"
        )


class TestTheKeyring:
    def fake(self, monkeypatch: pytest.MonkeyPatch, get: Any) -> None:
        monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_password=get))

    def test_service_and_user_are_asked_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[tuple[str, str]] = []

        def get(service: str, user: str) -> str:
            asked.append((service, user))
            return "s3cret"

        self.fake(monkeypatch, get)
        secret = parsed('"keyring:https://ci/alice"')
        assert [secret.reveal(), secret.reveal()] == ["s3cret", "s3cret"]
        assert asked == [("https://ci", "alice")]
        assert not secret.literal

    def test_it_is_an_extra(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "keyring", None)
        assert "pip install 'pipedeck[keyring]'" in refusal(Secret("keyring:ci/alice"))

    def test_one_that_fails_or_has_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def get(service: str, user: str) -> None:
            raise RuntimeError("hidden")

        self.fake(monkeypatch, get)
        assert "did not give keyring:ci/alice: RuntimeError" in refusal(Secret("keyring:ci/alice"))
        self.fake(monkeypatch, lambda service, user: None)
        assert refusal(Secret("keyring:ci/alice")) == (
            "the keyring has no keyring:ci/alice; add it: keyring set ci alice"
        )


def test_a_command_is_a_list_of_words() -> None:
    assert parsed('{ command = ["echo", "a b"] }').reveal() == "a b"
    for wrong in (
        '{ command = "echo" }',
        "{ command = [] }",
        "{ command = [1] }",
        '{ command = ["x"], shell = true }',
        '"keyring:"',
        '"keyring:ci"',
        '"keyring:ci/"',
        '"keyring:/alice"',
    ):
        with pytest.raises(ConfigError, match=r"sources\.ci\.token: must be env:NAME, file:PATH, keyring"):
            parsed(wrong)


def test_nothing_shows_it() -> None:
    assert {repr(each) for each in (Secret("s"), Secret(("echo", "s")), Secret("keyring:a/b"))} == {"***"}
