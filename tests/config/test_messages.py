"""What is said of a mistake in a configuration: it names the key, and what is allowed."""

import re

import pytest

from tests.config.support import COUNTED, GROUPED, JENKINS, METRIC, parse
from tui.config import ConfigError

RULE = "[[sources.ci.deployments]]\njob = 'x'\nenvironment = 'p'\nversion = { parameter = 'V' }\n"
POLICY = (
    "[[safety.policies]]\nname = 'p'\nalarm = 'a'\nmodel = 'n'\naction = 'retrain'\n"
    "at_most = '1 per 6h'\nwait = '10m'\n"
)
FAILING = "[models.n]\npipelines = ['ci:x']\n[alarms.a]\nruns = { pipelines = ['ci:x'] }\n"


def without_lines(error: ConfigError) -> list[str]:
    """What is told, mistake by mistake; where each stands is tests/config/test_mistakes.py's business."""
    return [re.sub(r"(config\.toml):\d+", r"\1", line) for line in str(error).split("\n")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", "x: unknown table (known: sources, models, metrics, alarms, views, ui, safety)"),
        ("[source.a]", "source: unknown table (did you mean sources?)"),
        ("", "sources: there is none; add one as [sources.NAME]"),
        ("sources = 3", "sources: must hold tables, written [sources.NAME]"),
        ("[sources]\na = 3", "sources.a: must be a table, written [sources.a]"),
        ('[sources."a b"]', "sources.a b: a name may hold letters, digits, '_', '.' and '-'"),
        (
            "[sources.a]\nurl = 'http://x'",
            "sources.a.type: is missing; one of: jenkins, gitlab, spinnaker, prometheus, alertmanager, exposition, "
            "json, mlflow",
        ),
        ("[sources.a]\ntype = 'jenkin'", "sources.a.type: unknown type 'jenkin' (did you mean jenkins?)"),
        ("[sources.a]\ntype = 'jenkins'", "sources.a.url: is missing"),
        (JENKINS + "tokn = 'x'", "sources.ci.tokn: unknown key (did you mean token?)"),
        (JENKINS + "timeout = 'x'", "sources.ci.timeout: expected `float`, got `str`"),
        (JENKINS + "timeout = 0", "sources.ci.timeout: expected `float` > 0.0"),
        (JENKINS + "token = 3", "sources.ci.token: must be env:NAME, file:PATH, keyring:SERVICE/USER or the"),
        (JENKINS + "ca = 'no.pem'", "sources.ci.ca: there is no file /etc/pipedeck/no.pem"),
        (JENKINS.replace("https://", "ftp://"), "sources.ci.url: must be an address such as https://"),
        (JENKINS.replace("//ci", "//me:pw@ci"), "sources.ci.url: must be an address such as https://"),
        (JENKINS + "watch = [1]", "sources.ci.watch[0]: expected `str`, got `int`"),
        (
            JENKINS + RULE + "versio = 1",
            "sources.ci.deployments[0].versio: unknown key (did you mean version?)",
        ),
        (
            JENKINS + RULE + "app = { job = 'x' }",
            "sources.ci.deployments[0].app.job: unknown key (known: parameter",
        ),
        (
            JENKINS + RULE + "app = { revision = 8 }",
            "sources.ci.deployments[0].app.revision: app cannot be read there; allowed",
        ),
        (
            JENKINS + RULE + "colour = {}",
            "sources.ci.deployments[0].colour: comes from exactly one of parameter, folder",
        ),
        (
            JENKINS + RULE + "canary = { input = '(' }",
            "sources.ci.deployments[0].canary.input: is not a regex: missing )",
        ),
        (
            JENKINS + RULE + "canary = { parameter = 'X' }",
            "sources.ci.deployments[0].canary: parameter and equals belong together",
        ),
        (
            JENKINS + RULE + "canary = { }",
            'sources.ci.deployments[0].canary: says either { input = "REGEX" } or { parameter = ',
        ),
        (
            JENKINS + RULE + "weight = { parameter = 'X' }",
            "sources.ci.deployments[0].weight: is the traffic of a canary, but the rule has",
        ),
        (
            JENKINS + RULE + "rollback = { job = 'x', parameters = { V = '{versoin}' } }",
            "sources.ci.deployments[0].rollback.parameters.V: unknown placeholder {versoin}; allowed: {app}",
        ),
        (
            JENKINS + RULE + "retrain = { job = '' }",
            "sources.ci.deployments[0].retrain.job: expected `str` of length >= 1",
        ),
        (
            JENKINS + "deployments = [{ job = 'x', environment = 'p', version = { display_name = 'v' } }]",
            "sources.ci.deployments[0].version.display_name: must name what it finds, as in (?P<version>",
        ),
        (
            JENKINS
            + "deployments = [{ job = 'x', environment = 'p', version = { stage = '(?P<version>.)' } }]",
            "sources.ci.deployments[0].version.stage: is read only where environment comes from a stage too",
        ),
        (
            JENKINS + "deployments = [{ job = 'x', environment = 'p' }]",
            "sources.ci.deployments[0].version: is missing",
        ),
        (
            JENKINS + "[models.a]\nvalidation = '/x'",
            "models.a.validation: must be a path among the artifacts",
        ),
        (
            JENKINS + "[models.a]\nblue_green = ['x', 'x']",
            "models.a.blue_green: names the same environment twice",
        ),
        (JENKINS + "[models.a]\nblue_green = ['x']", "models.a.blue_green: expected `array` of length 2"),
        (JENKINS + "[models.m]\npipelines = ['x']", "models.m.pipelines[0]: 'x' is not an address"),
        (
            JENKINS + "[models.m]\npipelines = ['cd:x']",
            "models.m.pipelines[0]: there is no [sources.cd] (known: ci)",
        ),
        (JENKINS + "[models.m]\nmetrics = ['p95']", "models.m.metrics[0]: there is no [metrics.p95]"),
        (JENKINS + "[models.m]\nrequests = 'n'", "models.m.requests: there is no [metrics.n]"),
        (
            JENKINS + "[models.m]\ncanary = {versin = '3'}",
            "models.m.canary.versin: unknown key (did you mean version",
        ),
        (
            JENKINS + "[metrics.m]\nsource = 'ci'\nquery = 'up'",
            "metrics.m.source: [sources.ci] has the wrong type",
        ),
        (
            JENKINS
            + "[sources.p]\ntype='prometheus'\nurl='http://p'\n[metrics.m]\nsource='p'\nquery='{foo}'",
            "metrics.m.query: unknown placeholder {foo}; allowed: environment, version, track",
        ),
        (
            JENKINS
            + "[sources.p]\ntype='prometheus'\nurl='http://p'\n[metrics.m]\nsource='p'\nquery='a'\nwindow='x'",
            "metrics.m.window: must be a duration such as 30s, 5m or 1h",
        ),
        (METRIC + "judge_window = '1w'", "metrics.m.judge_window: must be a duration such as 30s, 5m or 1h"),
        (METRIC + "max_age = 3", "metrics.m.max_age: must be a duration such as 30s, 5m or 1h"),
        (
            METRIC + "no_data = 'never'",
            "metrics.m.no_data: invalid enum value 'never'; allowed: fail, ignore, unknown",
        ),
        (METRIC + "compare = {}", "metrics.m.compare.max_worse: is missing"),
        (
            METRIC + "compare = {max_worse = -1}",
            "metrics.m.compare.max_worse: must be a number in the metric's unit",
        ),
        (
            METRIC + "compare = {max_worse = '10'}",
            "metrics.m.compare.max_worse: must be a number in the metric's",
        ),
        (
            METRIC + "compare = {max_wors = 1}",
            "metrics.m.compare.max_wors: unknown key (did you mean max_worse?)",
        ),
        (
            METRIC + "compare = {max_worse = 1, weight = -1}",
            "metrics.m.compare.weight: expected `float` >= 0.0",
        ),
        (
            METRIC.replace("{track}", "") + "compare = {max_worse = 1}",
            "metrics.m.compare: the query has neither {track} nor {version}, so there is nothing to compare with",
        ),
        *(
            (COUNTED + text, message)
            for text, message in (
                ("query = 'x'", "metrics.m.query: cannot stand beside bad and total, which are the query"),
                (
                    "scale = 1",
                    "metrics.m.scale: cannot stand beside bad and total: their share is in per cent",
                ),
                ("unit = 'ms'", "metrics.m.unit: must be %, or left out"),
                (
                    "better = 'higher'",
                    "metrics.m.better: bad counts what is bad, so lower is better; for a share of",
                ),
            )
        ),
        (
            COUNTED.replace("total", "# total"),
            "metrics.m.total: is missing beside bad: a share is made of both",
        ),
        (
            COUNTED.replace("bad =", "# bad ="),
            "metrics.m.bad: is missing beside total: a share is made of both",
        ),
        (
            COUNTED.replace("sum(rate(all", "100 * sum(rate(all"),
            "metrics.m.total: must count events: leave out",
        ),
        (
            COUNTED.replace('all{t="{track}"}', "all"),
            "metrics.m.total: lacks {track}, which the other has: both must be of one track",
        ),
        (COUNTED.replace("{track}", "{trak}"), "metrics.m.bad: unknown placeholder {trak}"),
        (
            COUNTED.replace("type='prometheus'", "type='mlflow'"),
            "metrics.m.bad: MLflow does not count; bad and total need a source of another type",
        ),
        (
            COUNTED.partition("bad =")[0],
            "metrics.m.query: is missing; or count with bad and total",
        ),
        (
            METRIC + "no_data = 'ignore'\ncompare = {max_worse = 1, required = true}",
            'metrics.m.no_data: compare.required needs data; "ignore" does without',
        ),
        (
            JENKINS + "[models.m]\njudge = 'mine'",
            "models.m.judge: invalid enum value 'mine'; allowed: kayenta, own",
        ),
        (JENKINS + "[models.m]\nscore = {pass = 101}", "models.m.score.pass: expected `float` <= 100.0"),
        (
            JENKINS + "[models.m]\nscore = {marginal = 50}",
            'models.m.score.marginal: only judge = "kayenta" has',
        ),
        (
            JENKINS + "[models.m]\njudge = 'kayenta'\nscore = {pass = 50, marginal = 60}",
            "models.m.score.marginal: is above pass, which is 50",
        ),
        (
            GROUPED + "score = {groups = {qualty = 60}}",
            "models.n.score.groups.qualty: no metric of this model is in it (did you mean quality?)",
        ),
        (
            GROUPED + "score = {groups = {quality = 101}}",
            "models.n.score.groups.quality: must be a share in per cent, from 0 to 100",
        ),
        (
            JENKINS + "[ui]\nerror_patterns = ['(']",
            "ui.error_patterns[0]: is no regular expression: missing )",
        ),
        (JENKINS + "[ui]\nmouse = 'yes'", "ui.mouse: expected `bool`, got `str`"),
        *(
            (JENKINS + text, message)
            for text, message in (
                ("[safety]\nreadonly = true", "safety.readonly: unknown key (did you mean read_only?)"),
                (
                    "[models.n]\nretrain = {pipeline = 'x'}",
                    "models.n.retrain.pipeline: 'x' is not an address",
                ),
                (
                    "[models.n]\nretrain = {pipeline = 'ci:x', ref = 'main'}",
                    "models.n.retrain.ref: a pipeline of [sources.ci] has no such thing",
                ),
                (
                    "[models.n]\nretrain = {pipeline = 'ci:x', parameters = {A = '{color}'}}",
                    "models.n.retrain.parameters.A: unknown placeholder {color}; allowed: {model}, {environment}",
                ),
                (
                    "[models.n]\nswitch = {pipeline = 'ci:x'}",
                    "models.n.switch: switches between the two of blue_green, which is missing",
                ),
                (f"{FAILING}{POLICY}", "safety.policies[0].action: [models.n] has no retrain"),
                (
                    f"{FAILING}{POLICY}".replace("1 per 6h", "often"),
                    'safety.policies[0].at_most: must be a number of times and a duration, such as "1 per 6h"',
                ),
                (
                    f"{FAILING}{POLICY}".replace("10m", "soon"),
                    "safety.policies[0].wait: must be a duration such as 10m, or 0s",
                ),
                (POLICY, "safety.policies[0].alarm: there is no [alarms.a]"),
                (
                    f"{FAILING}{POLICY}".replace("alarm = 'a'", "alarm = 'aa'"),
                    "safety.policies[0].alarm: there is no [alarms.aa] (did you mean a?)",
                ),
                (
                    f"{FAILING}{POLICY}".replace("model = 'n'", "model = 'm'"),
                    "safety.policies[0].model: there is no [models.m]",
                ),
                (
                    f"{FAILING}{POLICY}".replace(
                        "runs = { pipelines = ['ci:x']", "runs = { pipelines = ['ci:y*']"
                    ),
                    "safety.policies[0].alarm: [alarms.a] is never about [models.n]",
                ),
                (
                    f"[models.n]\n[alarms.a]\nsource = {{ name = 'ci' }}\n{POLICY}",
                    "safety.policies[0].alarm: [alarms.a] is never about [models.n]",
                ),
            )
        ),
        ("a = = 3", "is not valid TOML: Invalid value (at line 1, column 5)"),
    ],
)
def test_a_mistake_names_file_key_and_what_is_allowed(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    told = without_lines(caught.value)
    assert any(line.startswith(f"/etc/pipedeck/config.toml: {message}") for line in told), told


ALARMED = METRIC + "[models.n]\nmetrics = ['m']\n[alarms.a]\n"
SERIES = ALARMED + "series = {model = 'n', metric = 'm', above = 5}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "evidence = ['reports/*.json']",
            "models.n.evidence[0]: must be the path of one file among the artifacts, such as reports/eval.json",
        ),
        (
            "registry = {source = 'gl', model = 'fraud', metrics = {}}",
            "models.n.registry.model: in GitLab a model is PROJECT:NAME, such as ml/fraud:fraud",
        ),
        (
            "registry = {source = 'ci', model = 'fraud', metrics = {}}",
            "models.n.registry.source: [sources.ci] has the wrong type; allowed here: gitlab, mlflow",
        ),
    ],
)
def test_mistakes_in_what_is_known_of_a_model_are_named(text: str, message: str) -> None:
    gitlab = "[sources.gl]\ntype='gitlab'\nurl='http://g'\nwatch=['*']\n"
    with pytest.raises(ConfigError) as caught:
        parse(f"{JENKINS}{gitlab}[models.n]\n{text}\n")
    assert without_lines(caught.value)[0].startswith(f"/etc/pipedeck/config.toml: {message}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ALARMED, "alarms.a: has exactly one of series, verdict, runs, tests, source, absent; here: none"),
        (
            ALARMED + "absent = {model = 'x', of = 'training', longer_than = '26h'}",
            "alarms.a.absent.model: there is no [models.x]",
        ),
        (
            ALARMED + "absent = {model = 'n', of = 'training', longer_than = '26h'}",
            "alarms.a.absent.of: [models.n] has no training, retrain or registry: nothing tells when it is trained",
        ),
        (
            ALARMED + "absent = {model = 'n', of = 'evaluation', longer_than = '26h'}",
            "alarms.a.absent.of: [models.n] names no evidence: nothing tells when it is evaluated",
        ),
        (
            ALARMED + "absent = {model = 'n', of = 'schedule', longer_than = '26h'}",
            "alarms.a.absent.of: [models.n] has no pipelines: nothing tells of its schedule",
        ),
        (
            ALARMED + "absent = {model = 'n', of = 'training', longer_than = 'daily'}",
            "alarms.a.absent.longer_than: must be a duration such as 30s, 5m or 1h",
        ),
        (
            ALARMED + "absent = {model = 'n', of = 'lunch', longer_than = '1d'}",
            "alarms.a.absent.of: invalid enum value 'lunch'",
        ),
        (
            ALARMED + "absent = {model = 'n', of = 'schedule', longer_than = '1d'}\nfor = '1m'",
            "alarms.a.for: is called absent.longer_than here",
        ),
        (
            SERIES + "source = {name = 'p'}",
            "alarms.a: has exactly one of series, verdict, runs, tests, source",
        ),
        (SERIES + "for = '5'", "alarms.a.for: must be a duration such as 30s, 5m or 1h"),
        (SERIES + "clear = 6", "alarms.a.clear: must not be above the limit 5"),
        (
            SERIES + "propose = ['pray']",
            "alarms.a.propose[0]: invalid enum value 'pray'; allowed: retrain, rollback",
        ),
        (SERIES + "sevrity = 'x'", "alarms.a.sevrity: unknown key (did you mean severity?)"),
        (ALARMED + "series = {model = 'n', metric = 'm'}", "alarms.a.series: has either above or below"),
        (
            ALARMED + "series = {model = 'o', metric = 'm', above = 1}",
            "alarms.a.series.model: there is no [models.o] (known: n)",
        ),
        (
            ALARMED + "series = {model = 'n', metric = 'k', above = 1}",
            "alarms.a.series.metric: there is no [metrics.k] (known: m)",
        ),
        (ALARMED + "verdict = {model = 'n'}", "alarms.a.verdict.model: [models.n] has no metric to judge by"),
        (ALARMED + "runs = {pipelines = []}", "alarms.a.runs.pipelines: expected `array` of length >= 1"),
        (ALARMED + "source = {name = 'q'}", "alarms.a.source.name: there is no [sources.q]"),
        (
            ALARMED + "source = {name = 'p'}\nfor = '1m'",
            "alarms.a.for: is called source.unreachable_for here",
        ),
        (
            JENKINS + "[ui.notices]\nquiet_hours = ['22-7']",
            "ui.notices.quiet_hours[0]: must be two local times such as 22:00-07:00",
        ),
        (JENKINS + "[ui.notices]\ndesktop = 'osc8'", "ui.notices.desktop: invalid enum value 'osc8'"),
    ],
)
def test_mistakes_in_alarms_and_notices_are_named(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert without_lines(caught.value)[0].startswith(f"/etc/pipedeck/config.toml: {message}")
