"""Alarms kept: what the rules need is watched, looked at whenever there is news, and told."""

import asyncio
import math
from collections.abc import Callable, Iterator, Mapping

import msgspec

from tui.config import Settings, seconds
from tui.config.alarms import CHANNELS, Channel
from tui.domain.alarm import Alarm, Alarms, AlarmState, Alert, Announcement
from tui.engine.alarms.acknowledgements import Acknowledgements
from tui.engine.alarms.facts import AlarmFacts, SubjectReading, alert_queries, rule_of
from tui.engine.alarms.notifier import NoticeFormatter, Notifier
from tui.engine.alarms.policies import Policies
from tui.engine.alarms.suspects import Suspects
from tui.engine.polling.poller import Later, Poller, Timer
from tui.engine.queries import AlarmsNow, AnyQuery
from tui.engine.source_pool import SourcePool
from tui.engine.store import AnyKey, Store
from tui.insight.alarms import AlarmReading, HeldAlarm, Key, acknowledged, joined, next_look, ordered, step
from tui.text import format as fmt

_NOTES = 5


class AlarmMonitor:
    """Steps the alarms of the settings and puts what is known of them into the store, under :class:`AlarmsNow`.

    Only what this process has read itself makes an alarm, for policies act for them.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        poller: Poller,
        sources: SourcePool,
        policies: Policies,
        acknowledgements: Acknowledgements,
        formatter: NoticeFormatter | None,
        clock: Callable[[], float],
        later: Later,
    ) -> None:
        self._settings = settings
        self._store = store
        self._own = store.own
        self._poller = poller
        self._sources = sources
        self._policies = policies
        self._clock = clock
        self._later = later
        self._rules = {name: rule_of(alarm) for name, alarm in self._settings.alarms.items()}
        self._theirs = alert_queries(self._settings)
        self._watch = poller.watch()
        self._asked: tuple[AnyQuery, ...] = ()
        self._held: dict[Key, HeldAlarm] = {}
        self._unsent: set[Key] = set()
        self._moving: dict[tuple[str, str], Alarm] = {}
        """Rules and models for which something fires, and since when: what policies go by."""
        self._timer: Timer | None = None
        self._began = clock()
        self._changes_at = math.inf
        """When time alone makes something else of what is seen."""
        self._unknown: dict[Key, tuple[float, str]] = {}
        """Of what should happen again and again and nobody can tell whether it did: since when, and why."""
        self._unsubscribe: Callable[[], None] | None = None
        self._failures: tuple[str, ...] = ()
        self._acknowledged = acknowledgements
        self._suspects = self._look_at_deployments()
        self.notices = Notifier(settings.ui.notices, formatter, clock, later, self._channels, self._note)

    @property
    def configured(self) -> bool:
        """There is something to keep."""
        return bool(self._rules or self._theirs)

    def start(self) -> None:
        """Watch from now on, and set policies in motion; nothing where no alarm is configured."""
        if self.configured:
            self._acknowledged.recall(self._clock())
            self._policies.heard = lambda announcement: self.notices.tell((announcement,))
            self._unsubscribe = self._store.subscribe(self._heard)
            self._look()

    def close(self) -> None:
        if self._unsubscribe is not None:
            self._unsubscribe()
            held = self._held.items()
            known = [" ".join(key) for key, alarm in held if alarm.state is AlarmState.ACKNOWLEDGED]
            self._acknowledged.keep(known, self._clock())
        if self._timer is not None:
            self._timer.cancel()
        self.notices.close()
        self._watch.close()

    async def look_once(self) -> Alarms:
        """Ask all that is needed, and tell how it stands; notices are not sent."""
        asked: set[AnyQuery] = set()
        found = self._step()
        while fresh := [query for query in self._asked if query not in asked]:
            asked.update(fresh)
            self._watch.want(*asked)  # or answers would be forgotten before they are looked at
            await asyncio.gather(*map(self._poller.ask, fresh), return_exceptions=True)
            found = self._step()
        return found

    def queries(self) -> tuple[AnyQuery, ...]:
        """What the newest look needed."""
        return self._asked

    def unread(self) -> tuple[str, ...]:
        """Why what the alarms need could not be read, each reason once."""
        faults = (self._own.get(query).fault for query in self._asked)
        found = [fault.message for fault in faults if fault is not None]
        found += [
            f"{name} of {subject} is not known: {why}" for (name, subject), (_, why) in self._unknown.items()
        ]
        return tuple(dict.fromkeys(found))

    def acknowledge(self, key: str) -> bool:
        """Note that somebody knows of the alarm of that key, or does not after all; whether that changed anything."""
        now = self._clock()
        for held_key, held in self._held.items():
            if f"{held_key[0]} {held_key[1]}" == key:
                after = acknowledged(held, now)
                self._held[held_key] = after
                if after != held:
                    self._acknowledged.say(key, after.state is AlarmState.ACKNOWLEDGED, now)
                self._look()
                return after != held
        return False

    def _heard(self, changed: frozenset[AnyKey]) -> None:
        if not changed.isdisjoint(self._asked):
            self._look()

    def _look(self) -> None:
        before = self._held
        found = self._step()
        self._watch.want(*self._asked)
        self._tell(before, found)
        self._move(found)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if (at := min(next_look(self._rules, self._held), self._changes_at)) < math.inf:
            self._timer = self._later(max(0.0, at - self._clock()), self._look)

    def _step(self) -> Alarms:
        """Look at all there is, and put what comes of it into the store."""
        now = self._clock()
        suspects = self._look_at_deployments()
        looks = AlarmFacts(self._settings, self._own, suspects, now, self._began)
        looked: dict[Key, SubjectReading] = {}
        for name, alarm in self._settings.alarms.items():
            looked |= {(name, look.subject): look for look in looks.at(alarm)}
        seen = {key: look.seen for key, look in looked.items()}
        self._changes_at = looks.changes_at
        self._unknown = self._not_known(seen, now)
        self._acknowledged.look(now)
        self._held = {
            key: self._recalled(key, held, now)
            for key, held in step(self._rules, self._held, seen, now).items()
        }
        for key, look in seen.items():
            resolved = key in self._held and self._held[key].state is AlarmState.RESOLVED
            if look.state == "good" or resolved:
                self._acknowledged.over(" ".join(key), now)
        ours = [self._alarm(key, held, looked[key], suspects) for key, held in self._held.items()]
        theirs = [*self._others(suspects)]
        self._suspects = suspects
        self._asked = tuple({**looks.asked, **suspects.asked, **dict.fromkeys(self._theirs)})
        answers = [(their.of, self._own.get(their)) for their in self._theirs]
        notes = [note for _, reading in answers if reading.value for note in reading.value.notes]
        notes += [reading.fault.message for _, reading in answers if reading.fault is not None]
        notes += self._long_unknown(now)
        found = Alarms(ordered((*ours, *theirs)), (*self._failures, *notes))
        self._store.put(AlarmsNow(), found, now)
        return found

    def _not_known(self, seen: Mapping[Key, AlarmReading], now: float) -> dict[Key, tuple[float, str]]:
        return {
            key: (self._unknown.get(key, (now, ""))[0], look.words)
            for key, look in seen.items()
            if look.state == "unknown" and look.words and self._settings.alarms[key[0]].absent is not None
        }

    def _long_unknown(self, now: float) -> Iterator[str]:
        """What could not be told for as long as it may take: it fires not, and is not well."""
        for (name, subject), (since, why) in self._unknown.items():
            absent = self._settings.alarms[name].absent
            longest = float(seconds(absent.longer_than)) if absent is not None else 0.0
            if now - since >= longest:
                yield f"{name} of {subject} is not known for {fmt.duration(now - since)}: {why}"
            else:
                self._changes_at = min(self._changes_at, since + longest)

    def _recalled(self, key: Key, held: HeldAlarm, now: float) -> HeldAlarm:
        """One that begins to fire, acknowledged where it was before this start; and what another deck said since."""
        before = self._held.get(key)
        begins = held.state is AlarmState.FIRING and (before is None or not before.state.active)
        if begins and self._acknowledged.still(" ".join(key), held.seen.since, now):
            return acknowledged(held, now)
        known = {AlarmState.FIRING: False, AlarmState.ACKNOWLEDGED: True}.get(held.state)
        note_seen = self._acknowledged.known_since(" ".join(key), held.changed)
        return acknowledged(held, now) if None not in (known, note_seen) and known is not note_seen else held

    def _alarm(self, key: Key, held: HeldAlarm, looked: SubjectReading, suspects: Suspects) -> Alarm:
        name, subject = key
        settings = self._settings.alarms[name]
        alarm = Alarm(
            name=name,
            subject=subject,
            state=held.state,
            since=held.since,
            changed=held.changed,
            words=held.seen.words,
            severity=settings.severity,
            value=held.seen.value,
            unit=looked.unit,
            model=looked.model,
            canary=looked.canary,
            ended=held.seen.state == "ended",
        )
        if not looked.model or held.state is AlarmState.RESOLVED:
            return alarm
        found = suspects.before(looked.model, held.since, canary=looked.canary)
        nobody = suspects.nobody(looked.model, held.since, canary=looked.canary) if found is None else ""
        offers = [
            suspects.rollback(found, nobody)
            if proposal == "rollback"
            else suspects.retrain(looked.model, found, nobody)
            for proposal in settings.propose
        ]
        return msgspec.structs.replace(
            alarm,
            before=found[0] if found is not None else None,
            advice=tuple(words for words, _ in offers),
            proposals=tuple(
                msgspec.structs.replace(request, reason=f"alarm {name}")
                for _, request in offers
                if request is not None
            ),
        )

    def _others(self, suspects: Suspects) -> Iterator[Alarm]:
        """The alerts of other systems, as alarms."""
        own = self._own
        answers = {their.of: value for their in self._theirs if (value := own.get(their).value) is not None}
        for source, alerts in joined(answers).items():
            for alert in alerts:
                labels = dict(alert.labels)
                model = labels.get("model", "")
                model = model if model in self._settings.models else ""
                canary = self._on_canary(model, labels)
                found = suspects.before(model, alert.since, canary=canary) if model else None
                yield Alarm(
                    name=alert.name,
                    subject=_subject(alert),
                    state=AlarmState(alert.state),
                    since=alert.since,
                    changed=alert.since,
                    words=alert.words,
                    severity="critical" if labels.get("severity") in ("critical", "page") else "warning",
                    value=alert.value,
                    model=model,
                    canary=canary,
                    origin=source,
                    silenced=alert.silenced,
                    before=found[0] if found is not None else None,
                )

    def _on_canary(self, model: str, labels: dict[str, str]) -> bool:
        """Whether labels say that it is about the canary alone."""
        names = self._settings.models[model].canary if model else None
        return names is not None and bool(names.track) and labels.get("track") == names.track

    def _look_at_deployments(self) -> Suspects:
        return Suspects(self._settings, self._own, self._sources.ours)

    def _tell(self, before: dict[Key, HeldAlarm], found: Alarms) -> None:
        """Send notices of what began to fire or was resolved, once the deployment before it is known."""
        for key, held in self._held.items():
            fired = key in before and before[key].state.active
            if held.state is AlarmState.FIRING and not fired:
                self._unsent.add(key)
            elif held.state is AlarmState.RESOLVED and fired:
                # Of one that was never told of nobody has to hear that it is over.
                self._unsent ^= {key}
        self._unsent &= self._held.keys()
        alarms = {(alarm.name, alarm.subject): alarm for alarm in found.alarms if not alarm.origin}
        ready = [key for key in alarms if key in self._unsent and self._known(alarms[key])]
        self._unsent.difference_update(ready)
        if ready:
            self.notices.tell(alarms[key] for key in ready)

    def _move(self, found: Alarms) -> None:
        """Tell the policies what begins to fire, and what does no more or is known of: once each."""
        policies = self._policies
        ours = [alarm for alarm in found.alarms if alarm.model and not alarm.origin]
        moving: dict[tuple[str, str], Alarm] = {}
        for our in ours:
            if our.state is AlarmState.FIRING and not our.ended:
                key = our.name, our.model
                moving[key] = min(our, moving.get(key, our), key=lambda alarm: alarm.since)
        for name, model in self._moving.keys() - moving.keys():
            policies.over(name, model, self._why_over(name, model, ours))
        begun, self._moving = moving.keys() - self._moving.keys(), moving
        for name, model in begun:
            policies.consider(moving[name, model])

    def _why_over(self, name: str, model: str, alarms: list[Alarm]) -> str:
        known = [alarm for alarm in alarms if (alarm.name, alarm.model) == (name, model)]
        if any(alarm.state is AlarmState.ACKNOWLEDGED for alarm in known):
            return "somebody has acknowledged the alarm"
        return next(
            (alarm.words for alarm in known if alarm.state.active and alarm.ended), "the alarm is over"
        )

    def _known(self, alarm: Alarm) -> bool:
        """Its words will not become more by waiting."""
        resolved = alarm.state is AlarmState.RESOLVED
        return resolved or not alarm.model or self._suspects.settled(alarm.model)

    def _channels(self, news: Alarm | Announcement) -> tuple[Channel, ...]:
        name = news.alarm if isinstance(news, Announcement) else news.name
        rule = self._settings.alarms.get(name)
        return rule.notify if rule is not None else CHANNELS

    def _note(self, words: str) -> None:
        self._failures = tuple(dict.fromkeys((*self._failures, words)))[-_NOTES:]
        self._look()


def _subject(alert: Alert) -> str:
    """What an alert is about: its labels that say so, else all of them but its severity."""
    labels = dict(alert.labels)
    values = [labels[name] for name in ("model", "job", "service", "instance") if labels.get(name)]
    rest = [f"{name}={text}" for name, text in alert.labels if name not in ("severity", "monitor")]
    return " ".join(values[:2] or rest)
