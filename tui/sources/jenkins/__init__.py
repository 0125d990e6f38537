"""Jenkins: controllers from 2.2xx on, read through ``api/json`` and whatever stage plugin they have.

What they answer is described in contracts: jenkins (read from sources) and jenkins_observed (seen on a controller).
"""

from tui.sources.jenkins.source import JenkinsSource

__all__ = ["JenkinsSource"]
