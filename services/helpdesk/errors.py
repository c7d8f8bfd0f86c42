"""What the help desk refuses, in words that can be shown to the person who asked for it."""

from typing import Any


class HelpdeskError(Exception):
    """A refusal. The message is meant for people."""


class IllegalTransition(HelpdeskError):
    def __init__(self, state: str, to: str) -> None:
        self.state, self.to = state, to
        super().__init__(f"A ticket that is “{state}” cannot become “{to}”.")


class NotAllowed(HelpdeskError):
    """This person may not do this to this ticket."""


class TooLate(HelpdeskError):
    """The time in which this was possible is over."""


class AnswerMissing(HelpdeskError):
    """Resolving asks for a cause and minutes; a duplicate for the ticket it repeats."""


class TicketMoved(HelpdeskError):
    """Others changed the ticket since the page was read. Nothing was written; `events` says what happened."""

    def __init__(self, version: int, events: list[Any]) -> None:
        self.version, self.events = version, events
        super().__init__("This ticket changed while you were writing.")


class ContinuesElsewhere(HelpdeskError):
    """A duplicate takes no more messages: the conversation goes on in another ticket."""

    def __init__(self, ticket: Any) -> None:
        self.ticket = ticket
        super().__init__(f"This ticket is a duplicate; the conversation goes on in {ticket.key}.")
