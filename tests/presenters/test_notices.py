"""Notices in words."""

import json

from tui.domain.alarm import Alarm, AlarmState, Announcement
from tui.presenters.notices import document, text

NOW = 1_000_000.0


def alarm(name: str) -> Alarm:
    return Alarm(
        name=name, subject="fraud", state=AlarmState.FIRING, since=NOW, changed=NOW, words="p99 is 300 ms"
    )


SOON = Announcement(policy="back", alarm="slow", model="fraud", words="roll back to 1.2", at=NOW + 600)


def test_one_alarm_is_told_in_full_several_by_their_names() -> None:
    assert text((alarm("slow"),), NOW) == "slow firing: fraud; p99 is 300 ms"
    many = text([alarm(name) for name in "abcde"], NOW)
    assert many == "5 alarms: a firing: fraud, b firing: fraud, c firing: fraud, 2 more"


def test_what_a_policy_is_about_to_do_comes_first() -> None:
    words = text((alarm("slow"), SOON), NOW)
    assert words.startswith("policy back for slow of fraud: in 10m: roll back to 1.2; ")
    assert words.endswith(". slow firing: fraud; p99 is 300 ms")


def test_the_document_has_both_apart() -> None:
    found = json.loads(document((SOON, alarm("slow")), NOW))
    assert [each["name"] for each in found["alarms"]] == ["slow"]
    assert [each["policy"] for each in found["policies"]] == ["back"]
