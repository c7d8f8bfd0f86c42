"""The help desk in Slack: what is said there and how; who does it stands in `actions/slack`."""

from django.conf import settings

from services.helpdesk.models import SlackLook
from services.helpdesk.states import State

# Kinds of effects: taking in what Slack told us, saying something, bringing something there up to date.
TAKE, POST, MEND = "slack.take", "slack.post", "slack.mend"
# How a ticket stands, on the first message of its threads.
EMOJI: dict[str, str] = {
    State.NEW: "inbox_tray",
    State.TRIAGED: "inbox_tray",
    State.IN_PROGRESS: "hammer_and_wrench",
    State.WAITING_REQUESTER: "speech_balloon",
    State.WAITING_EXTERNAL: "hourglass_flowing_sand",
    State.CONVERTED: "package",
    State.RESOLVED: "white_check_mark",
    State.DUPLICATE: "twisted_rightwards_arrows",
    State.CLOSED: "lock",
}


def is_on() -> bool:
    """Whether anything is said in Slack."""
    return bool(settings.SLACK_TOKEN)


def look() -> SlackLook:
    """The connection as it was seen last."""
    return SlackLook.objects.filter(pk=1).first() or SlackLook(pk=1)
