"""The sandbox's Jenkins: the world told in the words of a 2.516 controller."""

from tui.sandbox.jenkins.app import jenkins_app
from tui.sandbox.jenkins.options import Options, StageSource

__all__ = ["Options", "StageSource", "jenkins_app"]
