"""A git host that fails around the real one, in the error families a remote one would use."""

import time
from collections.abc import Callable
from typing import Any

from services.integrations.errors import IntegrationError, Unauthorised, Unavailable
from services.integrations.githosts.errors import UnknownProposal
from services.integrations.githosts.local import LocalHost

HIDDEN_SECONDS = 1.5


def _unknown(message: str) -> IntegrationError:
    return IntegrationError(message, outcome_unknown=True)


ERRORS: dict[str, Callable[[], Exception]] = {
    "unavailable": lambda: Unavailable("502 from the git host"),
    "rate limited": lambda: IntegrationError("429 from the git host", retry_after=1.0),
    "unauthorised": lambda: Unauthorised("401 from the git host"),
    "not sent": lambda: _unknown("no answer, and it was never received"),
    "reply lost": lambda: _unknown("no answer, and it was done"),
}
DONE_FIRST = ("reply lost",)


class FaultyHost(LocalHost):
    """`order` is (method, mode): the next call of that method suffers it; "hidden" holds for a while."""

    order: tuple[str, str] | None = None
    suffered = 0
    _hidden_until = 0.0

    def _around(self, method: str, call: Callable[[], Any]) -> Any:
        if self.order is None or self.order[0] != method:
            return call()
        mode, FaultyHost.order = self.order[1], None
        FaultyHost.suffered += 1
        if mode == "hidden":
            FaultyHost._hidden_until = time.monotonic() + HIDDEN_SECONDS
            return call()
        if mode in DONE_FIRST:
            call()
        raise ERRORS[mode]()

    def propose(self, *args: Any, **said: Any) -> Any:
        return self._around("propose", lambda: super(FaultyHost, self).propose(*args, **said))

    def merge(self, *args: Any, **said: Any) -> Any:
        return self._around("merge", lambda: super(FaultyHost, self).merge(*args, **said))

    def comment(self, *args: Any, **said: Any) -> Any:
        return self._around("comment", lambda: super(FaultyHost, self).comment(*args, **said))

    def approve(self, *args: Any, **said: Any) -> Any:
        return self._around("approve", lambda: super(FaultyHost, self).approve(*args, **said))

    def close(self, *args: Any, **said: Any) -> Any:
        return self._around("close", lambda: super(FaultyHost, self).close(*args, **said))

    def find_proposal(self, *args: Any, **said: Any) -> Any:
        return None if self._is_hiding else super().find_proposal(*args, **said)

    def proposal(self, repo: str, number: int) -> Any:
        if self._is_hiding:
            raise UnknownProposal(f"#{number} is not in the list yet")
        return super().proposal(repo, number)

    @property
    def _is_hiding(self) -> bool:
        return time.monotonic() < self._hidden_until
