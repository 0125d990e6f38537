"""Addresses: what a person types, copies and puts in a script.

``SOURCE:PATH[#RUN[/JOB]]``, with ``!NAME`` for a gate of a run or job and ``@NAME`` for an environment::

    jenkins:ml/vision/train-resnet#12
    jenkins:ml-service/feature%2Fx#3/Deploy canary
    jenkins:deploy-model#7!Promote
    gitlab:ml/fraud#1842/train
    gitlab:ml/fraud@production

PATH is the Jenkins full name as the server sends it or the GitLab project path; RUN the build number or the
GitLab pipeline id. JOB is the rest verbatim, except that ``!`` and ``%`` in it (and in a gate's name) are written
``%21`` and ``%25``; ``~ID`` follows where a name repeats in its run.
"""

import re

import msgspec

_SHAPE = re.compile(
    r"(?P<source>[A-Za-z0-9_.-]+):(?P<path>[^#!@\s][^#!@]*)"
    r"(?:@(?P<environment>.+)|(?:#(?P<run>\d+)(?:/(?P<job>[^!]+))?(?:!(?P<gate>[^!]+))?)?)",
    re.DOTALL,
)


class AddressError(ValueError):
    """The text is not an address; the message says what one looks like."""


class Address(msgspec.Struct, frozen=True, gc=False, order=True):
    source: str
    path: str
    run: int | None = None
    job: str | None = None
    gate: str | None = None
    environment: str | None = None

    @property
    def pipeline(self) -> "Address":
        """The address of the pipeline this one is in."""
        return Address(self.source, self.path)

    @property
    def of_run(self) -> "Address":
        """The address of the run this one is in."""
        return Address(self.source, self.path, self.run)

    @property
    def of_job(self) -> "Address":
        """The address of the job this one is in; of the run where it is in none."""
        return Address(self.source, self.path, self.run, self.job)

    def at_run(self, run: int) -> "Address":
        return Address(self.source, self.path, run)

    def at_job(self, job: str) -> "Address":
        return Address(self.source, self.path, self.run, job)

    def at_gate(self, gate: str) -> "Address":
        return Address(self.source, self.path, self.run, self.job, gate)

    def __str__(self) -> str:
        text = f"{self.source}:{self.path}"
        if self.environment is not None:
            return f"{text}@{self.environment}"
        if self.run is not None:
            text += f"#{self.run}"
            if self.job is not None:
                text += f"/{_quote(self.job)}"
            if self.gate is not None:
                text += f"!{_quote(self.gate)}"
        return text


def parse_address(text: str) -> Address:
    """The address that ``text`` spells.

    Raises:
        AddressError: with the shape of an address and what was given.
    """
    match = _SHAPE.fullmatch(text.strip())
    if match is None:
        raise AddressError(
            f"{text!r} is not an address; write SOURCE:PATH[#RUN[/JOB]], for example gitlab:ml/fraud#1842/train"
        )
    job, gate, run = match["job"], match["gate"], match["run"]
    return Address(
        source=match["source"],
        path=match["path"],
        run=int(run) if run else None,
        job=_unquote(job) if job else None,
        gate=_unquote(gate) if gate else None,
        environment=match["environment"],
    )


def _quote(name: str) -> str:
    return name.replace("%", "%25").replace("!", "%21")


def _unquote(name: str) -> str:
    return name.replace("%21", "!").replace("%25", "%")
