"""What no single table can tell: whether the names in them mean something, and go together."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import TypeVar

from tui.config import alarms
from tui.config.alarms import AbsentCondition, AlarmSettings
from tui.config.mistakes import Mistake, nearest
from tui.config.safety import LAUNCH_WORDS, PLACEHOLDER, Launch, Policy
from tui.config.settings import (
    CompareSettings,
    MetricSettings,
    ModelSettings,
    RegistrySettings,
    Settings,
)
from tui.config.sources import SOURCE_TYPES, ServerSettings
from tui.domain.address import Address, AddressError, parse_address
from tui.domain.query_template import Dialect, TemplateError, placeholders
from tui.domain.share import NoShare, check_count

T = TypeVar("T")


def reference_mistakes(settings: Settings, unread: Collection[str] = ()) -> Iterator[Mistake]:
    """All that is wrong between the tables.

    Args:
        unread: tables such as ``sources.ci`` with mistakes of their own, which are not in ``settings``: what names
            them is not said to be wrong.
    """
    look = _Tables(settings, unread)
    checks: list[Callable[[], None]] = []
    if not settings.sources and not any(name.startswith("sources.") for name in unread):
        yield Mistake("sources", "there is none; add one as [sources.NAME]")
    for name, source in settings.sources.items():
        if source.key and not source.cert:
            reason = "is the key of a client certificate; name that with cert"
            yield Mistake(f"sources.{name}.key", reason)
        for place, reason in source.mistakes():
            yield Mistake(f"sources.{name}.{place}", reason)
        for place, other in source.linked_sources:
            checks.append(partial(_check_link, f"sources.{name}.{place}", other, look))
    yield from _ui_mistakes(settings)
    for name, metric in settings.metrics.items():
        checks.append(partial(_check_metric_source, f"metrics.{name}", metric, look))
        checks.append(partial(_check_metric, f"metrics.{name}", metric, settings.dialect(name)))
    for name, model in settings.models.items():
        checks += _model_checks(f"models.{name}", model, look)
    for name, alarm in settings.alarms.items():
        for place, reason in alarms.mistakes(alarm):
            yield Mistake(f"alarms.{name}.{place}".rstrip("."), reason)
            break
        else:
            checks.append(partial(_check_alarm, f"alarms.{name}", alarm, look))
    for name, view in settings.views.items():
        for number, wanted in enumerate(view.sources):
            checks.append(partial(_check_view_source, f"views.{name}.sources[{number}]", wanted, look))
    names = [policy.name for policy in settings.safety.policies]
    for number, policy in enumerate(settings.safety.policies):
        if policy.name in names[:number]:
            yield Mistake(f"safety.policies[{number}].name", "is another policy's, too")
        checks.append(partial(_check_policy, f"safety.policies[{number}]", policy, look))
    for check in checks:
        try:
            check()
        except _NotToBeTold:
            pass
        except Mistake as mistake:
            yield mistake


def _check_link(key: str, name: str, look: "_Tables") -> None:
    look.source(key, name, lambda source: source.runs_pipelines)


class _NotToBeTold(Exception):
    """It depends on a table that could not be read."""


class _Tables:
    """The tables by their names."""

    def __init__(self, settings: Settings, unread: Collection[str]) -> None:
        self.settings = settings
        self._unread = unread

    def metric(self, key: str, name: str) -> MetricSettings:
        return self._named(key, "metrics", name, self.settings.metrics)

    def model(self, key: str, name: str) -> ModelSettings:
        return self._named(key, "models", name, self.settings.models)

    def alarm(self, key: str, name: str) -> AlarmSettings:
        return self._named(key, "alarms", name, self.settings.alarms)

    def source(
        self, key: str, name: str, fits: Callable[[type[ServerSettings]], bool] = lambda _: True
    ) -> ServerSettings:
        """Of a type that ``fits``."""
        source = self._named(key, "sources", name, self.settings.sources)
        if not fits(type(source)):
            allowed = [known for known, each in SOURCE_TYPES.items() if fits(each.settings)]
            raise Mistake(key, f"[sources.{name}] has the wrong type; allowed here: {', '.join(allowed)}")
        return source

    def _named(self, key: str, section: str, name: str, tables: Mapping[str, T]) -> T:
        """
        Raises:
            Mistake: there is none of that name.
            _NotToBeTold
        """
        if name in tables:
            return tables[name]
        if f"{section}.{name}" in self._unread:
            raise _NotToBeTold
        raise Mistake(key, f"there is no [{section}.{name}]{nearest(name, tables)}")


def _ui_mistakes(settings: Settings) -> Iterator[Mistake]:
    held = {
        secret.variable: f"sources.{name}.{key}"
        for name, source in settings.sources.items()
        for key, secret in source.secrets
    }
    for number, variable in enumerate(settings.ui.notices.command_env):
        if variable in held:
            reason = f"{variable} holds the credential {held[variable]}, which no other program gets"
            yield Mistake(f"ui.notices.command_env[{number}]", reason)
    for number, pattern in enumerate(settings.ui.error_patterns):
        try:
            re.compile(pattern)
        except re.error as error:
            yield Mistake(f"ui.error_patterns[{number}]", f"is no regular expression: {error}")


def _check_view_source(key: str, name: str, look: _Tables) -> None:
    look.source(key, name, lambda source: source.runs_pipelines)


def _check_metric_source(key: str, metric: MetricSettings, look: _Tables) -> None:
    look.source(f"{key}.source", metric.source, lambda source: source.gives_metrics)


def _check_metric(key: str, metric: MetricSettings, dialect: Dialect) -> None:
    used = _check_queries(key, metric, dialect)
    if metric.compare and not used & {"track", "version"}:
        reason = "the query has neither {track} nor {version}, so there is nothing to compare with"
        raise Mistake(f"{key}.compare", reason)
    if metric.compare and metric.compare.required and metric.no_data == "ignore":
        raise Mistake(f"{key}.no_data", 'compare.required needs data; "ignore" does without')


def _model_checks(key: str, model: ModelSettings, look: _Tables) -> Iterator[Callable[[], None]]:
    if model.blue_green:
        yield partial(_check_pair, f"{key}.blue_green", model.blue_green)
    for number, text in enumerate(model.pipelines):
        yield partial(_check_pipeline, f"{key}.pipelines[{number}]", text, look)
    metrics = [(f"metrics[{number}]", wanted) for number, wanted in enumerate(model.metrics)]
    for place, wanted in (*metrics, *([("requests", model.requests)] if model.requests else [])):
        yield partial(_check_named_metric, f"{key}.{place}", wanted, look)
    for name, launch in (("retrain", model.retrain), ("switch", model.switch)):
        if launch is not None:
            yield partial(_check_launch, f"{key}.{name}", launch, look)
    if model.switch and not model.blue_green:
        yield partial(_refuse, f"{key}.switch", "switches between the two of blue_green, which is missing")
    if model.registry:
        yield partial(_check_registry, f"{key}.registry", model.registry, look)
    if model.training:
        yield partial(_check_training, f"{key}.training.source", model.training.source, look)
    yield partial(_check_score, f"{key}.score", model, look)


def _refuse(key: str, reason: str) -> None:
    raise Mistake(key, reason)


def _check_pair(key: str, pair: tuple[str, str]) -> None:
    if len(set(pair)) == 1:
        raise Mistake(key, "names the same environment twice")


def _check_pipeline(key: str, text: str, look: _Tables) -> None:
    look.source(key, _address(key, text).source, lambda source: source.runs_pipelines)


def _check_named_metric(key: str, name: str, look: _Tables) -> None:
    look.metric(key, name)


def _check_registry(key: str, registry: RegistrySettings, look: _Tables) -> None:
    source = look.source(f"{key}.source", registry.source, lambda source: source.registers_models)
    if not source.names_versions and not all(registry.model.partition(":")[::2]):
        raise Mistake(f"{key}.model", "in GitLab a model is PROJECT:NAME, such as ml/fraud:fraud")


def _check_training(key: str, name: str, look: _Tables) -> None:
    look.source(key, name, lambda source: source.logs_training)


def _address(key: str, text: str) -> Address:
    try:
        return parse_address(text)
    except AddressError as error:
        raise Mistake(key, str(error)) from None


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


def _check_policy(key: str, policy: Policy, look: _Tables) -> None:
    alarm = look.alarm(f"{key}.alarm", policy.alarm)
    model = look.model(f"{key}.model", policy.model)
    if not alarm.may_concern(policy.model, model.pipelines):
        raise Mistake(f"{key}.alarm", f"[alarms.{policy.alarm}] is never about [models.{policy.model}]")
    if policy.action == "retrain" and not _retrains(key, model, look):
        raise Mistake(f"{key}.action", f"[models.{policy.model}] has no retrain")
    if policy.action == "rollback" and not (policy.environment or model.environment):
        raise Mistake(f"{key}.environment", f"is missing, and [models.{policy.model}] has none")


def _retrains(key: str, model: ModelSettings, look: _Tables) -> bool:
    """By its own words, or by those of a source that has pipelines of it."""
    names = {_address(key, text).source for text in model.pipelines}
    return model.retrain is not None or any(look.source(key, name).may_retrain for name in names)


def _check_launch(key: str, launch: Launch, look: _Tables) -> None:
    address = _address(f"{key}.pipeline", launch.pipeline)
    source = look.source(f"{key}.pipeline", address.source, lambda source: source.runs_pipelines)
    if address != address.pipeline:
        raise Mistake(f"{key}.pipeline", "must be a pipeline: SOURCE:PATH")
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


def _check_score(key: str, model: ModelSettings, look: _Tables) -> None:
    score = model.score
    if model.judge == "own":
        for name in ("marginal", "groups"):
            if getattr(score, name):
                raise Mistake(f"{key}.{name}", 'only judge = "kayenta" has this')
    elif score.marginal is not None and score.pass_ is not None and score.marginal > score.pass_:
        raise Mistake(f"{key}.marginal", f"is above pass, which is {score.pass_:g}")
    for name, weight in score.groups.items():
        if not 0 <= weight <= 100:
            raise Mistake(f"{key}.groups.{name}", "must be a share in per cent, from 0 to 100")
    if (total := sum(score.groups.values())) > 100:
        raise Mistake(f"{key}.groups", f"is {total:g} together, more than 100 per cent")
    groups = {compare.group for compare in _compared(model, look) if compare.group} if score.groups else set()
    for name in score.groups:
        if name not in groups:
            raise Mistake(f"{key}.groups.{name}", f"no metric of this model is in it{nearest(name, groups)}")


def _compared(model: ModelSettings, look: _Tables) -> list[CompareSettings]:
    """
    Raises:
        _NotToBeTold: one of its metrics is not there, which is told at that place.
    """
    try:
        found = [look.metric("", name).compare for name in model.metrics]
    except Mistake:
        raise _NotToBeTold from None
    return [each for each in found if each is not None]


def _check_alarm(key: str, alarm: AlarmSettings, look: _Tables) -> None:
    kind = next(name for name in alarms.KINDS if getattr(alarm, name))
    model = look.model(f"{key}.{kind}.model", alarm.model) if alarm.model else None
    if alarm.series is not None:
        look.metric(f"{key}.series.metric", alarm.series.metric)
    if alarm.verdict is not None and model is not None:
        judged = [look.metric(f"{key}.verdict.model", name) for name in model.metrics]
        if not any(each.compare or each.fail is not None for each in judged):
            raise Mistake(f"{key}.verdict.model", f"[models.{alarm.model}] has no metric to judge by")
    if alarm.source is not None:
        look.source(f"{key}.source.name", alarm.source.name)
    if alarm.absent is not None and model is not None:
        _check_absent(f"{key}.absent.of", alarm.absent, model)


def _check_absent(key: str, absent: AbsentCondition, model: ModelSettings) -> None:
    """Whether anything could ever tell that it happened."""
    table = f"[models.{absent.model}]"
    match absent.of:
        case "training" if not (model.training or model.retrain or model.registry):
            raise Mistake(
                key, f"{table} has no training, retrain or registry: nothing tells when it is trained"
            )
        case "evaluation" if not model.evidence:
            raise Mistake(key, f"{table} names no evidence: nothing tells when it is evaluated")
        case "evaluation" | "schedule" | "deployment" if not model.pipelines:
            raise Mistake(key, f"{table} has no pipelines: nothing tells of its {absent.of}")
