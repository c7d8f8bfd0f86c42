"""A git host that fails around the real one, in the error families a remote one would use."""

import os
import pickle
import time
from collections.abc import Callable
from pathlib import Path
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
    "old state": lambda: _unknown("no answer, it was done, and for a while nobody sees it"),
}
DONE_FIRST = ("reply lost", "old state")


class FaultyHost(LocalHost):
    """`order` is (method, mode): the next call of that method suffers it; "hidden" holds for a while.

    "old state": what is read of that pull request, by any process, is for a while what it was before; the
    pictures are on the `shelf`. What is written is judged by the truth, as hosts judge it.
    """

    shelf: Path
    order: tuple[str, str] | None = None
    repo = "shop/deploy"
    suffered = 0
    _hidden_until = 0.0

    def _around(self, method: str, call: Callable[[], Any], told: Any = None) -> Any:
        if self.order is None or self.order[0] != method:
            return call()
        mode, FaultyHost.order = self.order[1], None
        FaultyHost.suffered += 1
        if mode == "hidden":
            FaultyHost._hidden_until = time.monotonic() + HIDDEN_SECONDS
            return call()
        before = self._picture(told) if mode == "old state" else None
        if mode in DONE_FIRST:
            done = call()
        if mode == "old state":
            number = getattr(done, "number", told if isinstance(told, int) else 0)
            until = time.time() + HIDDEN_SECONDS
            fresh = self.shelf / f"{number}.{os.getpid()}"
            fresh.write_bytes(pickle.dumps((until, before)))
            fresh.rename(self.shelf / f"{number}")
        raise ERRORS[mode]()

    def _picture(self, told: Any) -> Any:
        """Of the pull request that a call is about, told by its number or its branch."""
        if isinstance(told, int):
            return super().proposal(self.repo, told)
        return super().find_proposal(self.repo, told) if told else None

    def _old(self, number: int) -> tuple[bool, Any]:
        """Whether an older picture of it is shown now, and that."""
        kept = self.shelf / f"{number}"
        if not kept.exists():
            return False, None
        until, before = pickle.loads(kept.read_bytes())  # our own, from a moment ago
        return time.time() < until, before

    def propose(self, *args: Any, **said: Any) -> Any:
        call = lambda: super(FaultyHost, self).propose(*args, **said)  # noqa: E731
        return self._around("propose", call, said["branch"])

    def merge(self, repo: str, number: int, **said: Any) -> Any:
        return self._around("merge", lambda: super(FaultyHost, self).merge(repo, number, **said), number)

    def comment(self, *args: Any, **said: Any) -> Any:
        return self._around("comment", lambda: super(FaultyHost, self).comment(*args, **said))

    def approve(self, *args: Any, **said: Any) -> Any:
        return self._around("approve", lambda: super(FaultyHost, self).approve(*args, **said))

    def close(self, repo: str, number: int, **said: Any) -> Any:
        return self._around("close", lambda: super(FaultyHost, self).close(repo, number, **said), number)

    def find_proposal(self, *args: Any, **said: Any) -> Any:
        found = None if self._is_hiding else super().find_proposal(*args, **said)
        is_old, before = self._old(found.number) if found else (False, None)
        return before if is_old else found

    def proposal(self, repo: str, number: int) -> Any:
        is_old, before = self._old(number)
        if self._is_hiding or (is_old and before is None):
            raise UnknownProposal(f"#{number} is not in the list yet")
        return before if is_old else super().proposal(repo, number)

    @property
    def _is_hiding(self) -> bool:
        return time.monotonic() < self._hidden_until
