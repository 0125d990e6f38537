"""The panes beside the list. Imported when the first frame, which shows the list alone, is on the screen."""

from tui.panes.alarms import AlarmsPane
from tui.panes.base import Pane
from tui.panes.deployments import DeploymentsPane
from tui.panes.gates import GatesPane
from tui.panes.journal import JournalPane
from tui.panes.log import LogPane
from tui.panes.metrics import MetricsPane
from tui.panes.stages import StagesPane
from tui.panes.tests import TestsPane

SIDE: tuple[type[Pane], ...] = (
    StagesPane,
    MetricsPane,
    TestsPane,
    DeploymentsPane,
    LogPane,
    GatesPane,
    AlarmsPane,
    JournalPane,
)
"""On a wide terminal the stages stand above, and below them the one of the others gone to last."""
