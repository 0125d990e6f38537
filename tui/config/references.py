"""What no single table can tell: whether the names in them mean something, and go together."""

import re
from collections.abc import Callable

from tui.config import alarms
from tui.config.alarms import AlarmSettings
from tui.config.mistakes import Mistake, nearest
from tui.config.safety import LAUNCH_WORDS, PLACEHOLDER, Launch, Policy
from tui.config.settings import (
    MetricSettings,
    ModelSettings,
    Settings,
)
from tui.config.sources import SOURCE_TYPES, ServerSettings
from tui.domain.address import AddressError, parse_address
from tui.domain.query_template import Dialect, TemplateError, placeholders
from tui.domain.share import NoShare, check_count


def check_references(settings: Settings) -> None:
    if not settings.sources:
        raise Mistake("sources", "there is none; add one as [sources.NAME]")
    for name, source in settings.sources.items():
        if source.key and not source.cert:
            raise Mistake(f"sources.{name}.key", "is the key of a client certificate; name that with cert")
        for place, reason in source.mistakes():
            raise Mistake(f"sources.{name}.{place}", reason)
    held = {
        secret.variable: f"sources.{name}.{key}"
        for name, source in settings.sources.items()
        for key, secret in source.secrets
    }
    for number, variable in enumerate(settings.ui.notices.command_env):
        if variable in held:
            reason = f"{variable} holds the credential {held[variable]}, which no other program gets"
            raise Mistake(f"ui.notices.command_env[{number}]", reason)
    for number, pattern in enumerate(settings.ui.error_patterns):
        try:
            re.compile(pattern)
        except re.error as error:
            raise Mistake(f"ui.error_patterns[{number}]", f"is no regular expression: {error}") from None
    for name, metric in settings.metrics.items():
        key = f"metrics.{name}"
        _check_source(f"{key}.source", metric.source, settings, lambda source: source.gives_metrics)
        used = _check_queries(key, metric, settings.dialect(name))
        if metric.compare and not used & {"track", "version"}:
            reason = "the query has neither {track} nor {version}, so there is nothing to compare with"
            raise Mistake(f"{key}.compare", reason)
        if metric.compare and metric.compare.required and metric.no_data == "ignore":
            raise Mistake(f"{key}.no_data", 'compare.required needs data; "ignore" does without')
    for name, model in settings.models.items():
        if model.blue_green and len(set(model.blue_green)) == 1:
            raise Mistake(f"models.{name}.blue_green", "names the same environment twice")
        for number, text in enumerate(model.pipelines):
            key = f"models.{name}.pipelines[{number}]"
            try:
                address = parse_address(text)
            except AddressError as error:
                raise Mistake(key, str(error)) from None
            _check_source(key, address.source, settings, lambda source: source.runs_pipelines)
        metrics = [(f"metrics[{number}]", wanted) for number, wanted in enumerate(model.metrics)]
        for key, wanted in (*metrics, *([("requests", model.requests)] if model.requests else [])):
            if wanted not in settings.metrics:
                raise Mistake(
                    f"models.{name}.{key}",
                    f"there is no [metrics.{wanted}]{nearest(wanted, settings.metrics)}",
                )
        for key, launch in (("retrain", model.retrain), ("switch", model.switch)):
            if launch is not None:
                _check_launch(f"models.{name}.{key}", launch, settings)
        if model.switch and not model.blue_green:
            raise Mistake(f"models.{name}.switch", "switches between the two of blue_green, which is missing")
        if model.registry:
            _check_source(
                f"models.{name}.registry.source",
                model.registry.source,
                settings,
                lambda source: source.registers_models,
            )
        _check_score(f"models.{name}.score", model, settings)
    for name, alarm in settings.alarms.items():
        _check_alarm(f"alarms.{name}", alarm, settings)
    for number, policy in enumerate(settings.safety.policies):
        _check_policy(f"safety.policies[{number}]", policy, settings)
    names = [policy.name for policy in settings.safety.policies]
    for number, policy_name in enumerate(names):
        if policy_name in names[:number]:
            raise Mistake(f"safety.policies[{number}].name", "is another policy's, too")


def _check_queries(key: str, metric: MetricSettings, dialect: Dialect) -> frozenset[str]:
    """The placeholders in them."""
    if metric.bad is None and metric.total is None:
        if metric.query is None:
            raise Mistake(f"{key}.query", "is missing; or count with bad and total")
    else:
        _check_counts(key, metric, dialect)
    used: dict[str, frozenset[str]] = {}
    for name, query in metric.queries.items():
        try:
            used[name] = placeholders(query, dialect)
        except TemplateError as error:
            raise Mistake(f"{key}.{name}", str(error)) from None
    tracks = {name: sorted(words & {"track", "version"}) for name, words in used.items()}
    if len({bool(words) for words in tracks.values()}) > 1:
        bare = next(name for name, words in tracks.items() if not words)
        word = next(words[0] for words in tracks.values() if words)
        raise Mistake(f"{key}.{bare}", f"lacks {{{word}}}, which the other has: both must be of one track")
    return frozenset().union(*used.values())


def _check_counts(key: str, metric: MetricSettings, dialect: Dialect) -> None:
    for name, other in (("bad", "total"), ("total", "bad")):
        if getattr(metric, name) is None:
            raise Mistake(f"{key}.{name}", f"is missing beside {other}: a share is made of both")
    if metric.query is not None:
        raise Mistake(f"{key}.query", "cannot stand beside bad and total, which are the query; leave one out")
    if metric.scale is not None:
        raise Mistake(
            f"{key}.scale", "cannot stand beside bad and total: their share is in per cent; leave it out"
        )
    if metric.unit != "%":
        raise Mistake(f"{key}.unit", "must be %, or left out: the share of bad in total is in per cent")
    if metric.better != "lower":
        reason = "bad counts what is bad, so lower is better; for a share of good ones divide them in a query"
        raise Mistake(f"{key}.better", reason)
    if dialect == "uri":
        raise Mistake(f"{key}.bad", "MLflow does not count; bad and total need a source of another type")
    for name, query in metric.queries.items():
        try:
            if dialect == "promql":
                check_count(query)
        except NoShare as error:
            raise Mistake(f"{key}.{name}", str(error)) from None


def _check_policy(key: str, policy: Policy, settings: Settings) -> None:
    if (alarm := settings.alarms.get(policy.alarm)) is None:
        reason = f"there is no [alarms.{policy.alarm}]{nearest(policy.alarm, settings.alarms)}"
        raise Mistake(f"{key}.alarm", reason)
    if (model := settings.models.get(policy.model)) is None:
        reason = f"there is no [models.{policy.model}]{nearest(policy.model, settings.models)}"
        raise Mistake(f"{key}.model", reason)
    if not alarm.may_concern(policy.model, model.pipelines):
        raise Mistake(f"{key}.alarm", f"[alarms.{policy.alarm}] is never about [models.{policy.model}]")
    if policy.action == "retrain" and not _retrains(model, settings):
        raise Mistake(f"{key}.action", f"[models.{policy.model}] has no retrain")
    if policy.action == "rollback" and not (policy.environment or model.environment):
        raise Mistake(f"{key}.environment", f"is missing, and [models.{policy.model}] has none")


def _retrains(model: ModelSettings, settings: Settings) -> bool:
    """By its own words, or by those of a source that has pipelines of it."""
    names = {parse_address(text).source for text in model.pipelines}
    return model.retrain is not None or any(settings.sources[name].may_retrain for name in names)


def _check_launch(key: str, launch: Launch, settings: Settings) -> None:
    try:
        address = parse_address(launch.pipeline)
    except AddressError as error:
        raise Mistake(f"{key}.pipeline", str(error)) from None
    _check_source(f"{key}.pipeline", address.source, settings, lambda source: source.runs_pipelines)
    if address != address.pipeline:
        raise Mistake(f"{key}.pipeline", "must be a pipeline: SOURCE:PATH")
    source = settings.sources[address.source]
    for name in ("ref", "inputs"):
        if getattr(launch, name) and name not in source.launch_options:
            raise Mistake(f"{key}.{name}", f"a pipeline of [sources.{address.source}] has no such thing")
    allowed = ", ".join(f"{{{word}}}" for word in LAUNCH_WORDS)
    for table in ("parameters", "inputs"):
        for name, value in getattr(launch, table).items():
            for found in PLACEHOLDER.findall(value):
                if found not in LAUNCH_WORDS:
                    reason = f"unknown placeholder {{{found}}}; allowed: {allowed}"
                    raise Mistake(f"{key}.{table}.{name}", reason)


def _check_score(key: str, model: ModelSettings, settings: Settings) -> None:
    score = model.score
    if model.judge == "own":
        for name in ("marginal", "groups"):
            if getattr(score, name):
                raise Mistake(f"{key}.{name}", 'only judge = "kayenta" has this')
    elif score.marginal is not None and score.pass_ is not None and score.marginal > score.pass_:
        raise Mistake(f"{key}.marginal", f"is above pass, which is {score.pass_:g}")
    compared = [settings.metrics[name].compare for name in model.metrics]
    groups = {compare.group for compare in compared if compare and compare.group}
    for name, weight in score.groups.items():
        if not 0 <= weight <= 100:
            raise Mistake(f"{key}.groups.{name}", "must be a share in per cent, from 0 to 100")
        if name not in groups:
            raise Mistake(f"{key}.groups.{name}", f"no metric of this model is in it{nearest(name, groups)}")
    if (total := sum(score.groups.values())) > 100:
        raise Mistake(f"{key}.groups", f"is {total:g} together, more than 100 per cent")


def _check_alarm(key: str, alarm: AlarmSettings, settings: Settings) -> None:
    for place, reason in alarms.mistakes(alarm):
        raise Mistake(f"{key}.{place}".rstrip("."), reason)
    kind = next(name for name in ("series", "verdict", "runs", "tests", "source") if getattr(alarm, name))
    model = settings.models.get(alarm.model)
    if alarm.model and model is None:
        reason = f"there is no [models.{alarm.model}]{nearest(alarm.model, settings.models)}"
        raise Mistake(f"{key}.{kind}.model", reason)
    if alarm.series is not None and alarm.series.metric not in settings.metrics:
        wanted = alarm.series.metric
        reason = f"there is no [metrics.{wanted}]{nearest(wanted, settings.metrics)}"
        raise Mistake(f"{key}.series.metric", reason)
    judged = (settings.metrics[name] for name in model.metrics) if model is not None else ()
    if alarm.verdict is not None and not any(each.compare or each.fail is not None for each in judged):
        raise Mistake(f"{key}.verdict.model", f"[models.{alarm.model}] has no metric to judge by")
    if alarm.source is not None:
        _check_source(f"{key}.source.name", alarm.source.name, settings, lambda source: True)


def _check_source(
    key: str, name: str, settings: Settings, fits: Callable[[type[ServerSettings]], bool]
) -> None:
    """Raise a mistake unless there is a source of that name, of a type that ``fits``."""
    if name not in settings.sources:
        raise Mistake(key, f"there is no [sources.{name}]{nearest(name, settings.sources)}")
    if not fits(type(settings.sources[name])):
        allowed = [known for known, each in SOURCE_TYPES.items() if fits(each.settings)]
        raise Mistake(key, f"[sources.{name}] has the wrong type; allowed here: {', '.join(allowed)}")
