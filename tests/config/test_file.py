"""The configuration file: the example loads, and every mistake is one message that names its key."""

import re
from pathlib import Path

import msgspec
import pytest

from tests.config.support import COUNTED, GROUPED, JENKINS, METRIC, parse
from tui import config
from tui.config import SOURCE_TYPES, ConfigError, GitLabSettings, JenkinsSettings, Secret
from tui.config.alarms import (
    RunsCondition,
    SeriesCondition,
    SourceCondition,
    TestsCondition,
    VerdictCondition,
)

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"


def test_the_example_loads() -> None:
    settings = config.load(EXAMPLE)
    assert set(settings.sources) == {
        "jenkins",
        "gitlab",
        "prometheus",
        "alertmanager",
        "pod",
        "spinnaker",
        "monitor",
        "mlflow",
    }
    assert settings.models["fraud"].metrics == ("latency", "errors", "accuracy")
    assert settings.metrics["latency"].scale == 1000


def test_the_presets_of_the_example_load() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    head, _, presets = text.partition("# Presets: ")
    presets, _, rest = presets.partition("# --- The screen")
    named = re.findall(r"^#: (\w+)", presets, re.MULTILINE)
    assert named == ["KServe", "Seldon", "MLServer", "BentoML", "Triton", "vLLM"]
    bare = re.sub(r"^# (?=\[|\w+ = )", "", presets.partition("\n")[2], flags=re.MULTILINE)
    settings = config.parse(f"{head}\n{bare}#{rest}", EXAMPLE)
    added = set(settings.metrics) - set(config.parse(text, EXAMPLE).metrics)
    assert {name.partition("_")[0] for name in added} == {name.lower() for name in named}
    assert all(settings.metrics[name].compare for name in added)


def test_the_example_documents_every_setting() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    tables: list[type[msgspec.Struct]] = [
        *(each.settings for each in SOURCE_TYPES.values()),
        config.ModelSettings,
    ]
    tables += [config.ScoreSettings, config.MetricSettings, config.CompareSettings, config.UiSettings]
    tables += [config.NoticeSettings, config.AlarmSettings, SeriesCondition, VerdictCondition, RunsCondition]
    tables += [TestsCondition, SourceCondition]
    tables += [config.RegistrySettings, config.ValidationSettings]
    names = {field.encode_name for table in tables for field in msgspec.structs.fields(table)}
    assert {
        name for name in names if f"{name} =" not in text and f".{name}]" not in text and name not in text
    } == set()


def test_a_share_is_in_per_cent() -> None:
    for unit in ("", "unit = '%'\n"):
        settings = parse(COUNTED + unit)
        assert settings.metrics["m"].unit == "%"
        share = settings.share("m")
        assert share is not None
        assert (share.scale, share.split, share.bad) == (
            100,
            False,
            'sum(rate(failed{t="{track}"}[{window}]))',
        )


def test_a_query_that_divides_counts_keeps_its_unit_and_scale() -> None:
    settings = config.load(EXAMPLE)
    share = settings.share("errors")
    assert share is not None
    assert (share.scale, share.split) == (settings.metrics["errors"].scale, True)
    assert settings.share("latency") is None


def test_a_path_prefix_and_a_closing_slash_are_kept_straight() -> None:
    source = parse(JENKINS).sources["ci"]
    assert isinstance(source, JenkinsSettings)
    assert source.base_url == "https://ci.example.com/jenkins"


def test_a_missing_file_and_a_file_that_is_not_text(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml: cannot be read: No such file"):
        config.load(tmp_path / "nowhere.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        config.load(tmp_path / "binary.toml")


def test_secrets_are_references_and_never_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("from-file\n", encoding="utf-8")
    path = tmp_path / "config.toml"
    path.write_text(
        JENKINS + "token = 'literal-token'\n[sources.gl]\ntype='gitlab'\nurl='http://g'\nwatch=['a/b']\n"
        "token='file:token'\n[sources.p]\ntype='prometheus'\nurl='http://p'\ntoken='env:PROM'",
        encoding="utf-8",
    )
    path.chmod(0o600)
    settings = config.load(path)
    assert "literal-token" not in repr(settings)
    assert str(Secret("x")) == repr(Secret("x")) == "***"
    ci, gl = settings.sources["ci"], settings.sources["gl"]
    assert isinstance(ci, JenkinsSettings)
    assert isinstance(gl, GitLabSettings)
    assert ci.token is not None
    assert gl.token is not None
    assert (ci.token.reveal(), gl.token.reveal()) == ("literal-token", "from-file")
    (tmp_path / "token").write_text("rotated", encoding="utf-8")
    assert gl.token.reveal() == "rotated"
    (tmp_path / "token").unlink()
    with pytest.raises(ConfigError, match="cannot read the credential file"):
        gl.token.reveal()
    monkeypatch.delenv("NO_SUCH", raising=False)
    with pytest.raises(ConfigError, match="environment variable NO_SUCH is not set"):
        Secret("env:NO_SUCH").reveal()


def test_a_readable_file_with_a_token_in_it_is_warned_about(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(JENKINS + "token = 'literal-token'", encoding="utf-8")
    path.chmod(0o644)
    (warning,) = config.load(path).warnings
    assert "sources.ci.token" in warning
    assert "chmod 600" in warning
    assert "literal-token" not in warning
    path.chmod(0o600)
    assert config.load(path).warnings == ()
    path.write_text(JENKINS + "token = 'env:X'", encoding="utf-8")
    path.chmod(0o644)
    assert config.load(path).warnings == ()


def test_where_the_config_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIPEDECK_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert config.default_path() == tmp_path / "pipedeck" / "config.toml"
    monkeypatch.setenv("PIPEDECK_CONFIG", "/x/y.toml")
    assert config.default_path() == Path("/x/y.toml")


def test_a_notice_command_gets_no_credential_of_a_source() -> None:
    notices = "[ui.notices]\ncommand_env = ['A', 'X']\n"
    assert parse(JENKINS + notices).ui.notices.command_env == ("A", "X")
    with pytest.raises(
        ConfigError, match=r"ui.notices.command_env\[1\]: X holds the credential sources.ci.token"
    ):
        parse(JENKINS + "user = 'a'\ntoken = 'env:X'\n" + notices)


def test_a_config_says_its_format_and_a_newer_one_is_refused() -> None:
    assert parse("format = 1\n" + JENKINS).sources.keys() == parse(JENKINS).sources.keys()
    with pytest.raises(
        ConfigError, match=r"config.toml:1: format: 2 is newer than this program, .* use a newer"
    ):
        parse("format = 2\nof = 'it'\n")
    for wrong in ("0", "true", "'1'", "1.0"):
        with pytest.raises(ConfigError, match="format: must be a number from 1 to 1"):
            parse(f"format = {wrong}")


def test_without_a_home_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIPEDECK_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", "~nobody-of-that-name")
    with pytest.raises(ConfigError, match=r"~nobody-of-that-name is no home directory here: .* --config"):
        config.default_path()
    with pytest.raises(ConfigError, match="cannot be read: ~nobody-of-that-name is no home"):
        config.load(Path("~nobody-of-that-name/config.toml"))
    with pytest.raises(ConfigError, match=r"sources.ci.ca: .*~nobody-of-that-name is no home"):
        parse(JENKINS + "ca = '~nobody-of-that-name/ca.pem'")


def test_how_much_worse_is_a_number_or_a_share() -> None:
    def compare(max_worse: str) -> config.CompareSettings:
        found = parse(METRIC + f"compare = {{max_worse = {max_worse}}}").metrics["m"].compare
        assert found is not None
        return found

    assert (compare("0.005").margin, compare("0.005").relative) == (0.005, False)
    assert (compare("3").margin, compare("3").relative) == (3, False)
    assert (compare("'2.5%'").margin, compare("'2.5%'").relative) == (0.025, True)


def test_weights_of_groups_are_per_cent() -> None:
    two = GROUPED.replace(
        "[models.n]", "[metrics.o]\nsource='p'\nquery='{track}'\ncompare={max_worse=1,group='b'}\n[models.n]"
    )
    two = two.replace("['m']", "['m', 'o']")
    assert parse(two + "score = {groups = {quality = 60, b = 40}}").models["n"].score.groups == {
        "quality": 60,
        "b": 40,
    }
    with pytest.raises(ConfigError, match=r"score\.groups: is 110 together, more than 100 per cent"):
        parse(two + "score = {groups = {quality = 60, b = 50}}")


def test_secrets_of_a_webhook_are_warned_of_and_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        JENKINS + "[ui.notices]\nwebhook = 'https://hooks/T0KEN'\nwebhook_headers = {X = 'S3CRET'}\n"
    )
    path.chmod(0o644)
    settings = config.load(path)
    assert "T0KEN" not in repr(settings)
    assert "S3CRET" not in repr(settings)
    assert "ui.notices.webhook, ui.notices.webhook_headers.X" in settings.warnings[0]
