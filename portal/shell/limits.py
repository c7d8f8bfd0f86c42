"""How much of what one person, one address and everybody together may ask for; `docs/security.md` shows it.

Counted in Redis, in windows of fixed length. When Redis does not answer, what is open stays open, and what
opens doors stays shut.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, TypeVar

from django.conf import settings
from django.http.response import HttpResponseBase

from portal.shell import errors, proxies, shared
from portal.shell.http import HttpRequest

if TYPE_CHECKING:
    import redis

AHEAD: Final = 600  # of so many that one may ask, one is taken ahead: those are not counted one by one


Answer = TypeVar("Answer", bound=HttpResponseBase)


@dataclass(frozen=True)
class Limit:
    """At most so many `what` within `seconds`. `shut`: refused when they cannot be counted."""

    what: str
    person: int
    address: int
    everybody: int
    seconds: int = 60
    shut: bool = False


LIMITS: Final = {
    "sign-in": Limit("attempts to sign in", person=20, address=300, everybody=600, shut=True),
    "search": Limit("searches", person=300, address=3000, everybody=12_000),
    "export": Limit("downloads", person=60, address=300, everybody=600),
    "import": Limit("imports", person=30, address=100, everybody=200),
    "webhook": Limit("webhooks", person=600, address=600, everybody=6000),
    "chat": Limit("deliveries of Slack", person=6000, address=6000, everybody=12_000),
    "form": Limit("looks at a form", person=300, address=3000, everybody=12_000),
    "submit": Limit("requests", person=60, address=600, everybody=1200),
    "ticket": Limit("tickets", person=30, address=300, everybody=600),
    "message": Limit("messages", person=60, address=600, everybody=2400),
    "api": Limit("questions of programs", person=12_000, address=30_000, everybody=60_000),
    "connection": Limit("connection tests", person=20, address=60, everybody=120),
}


@dataclass(frozen=True)
class Refusal:
    """Not now: the status, the seconds after which to come back, and the sentence that says so."""

    status: int
    after: int
    said: str

    def on(self, response: Answer) -> Answer:
        """`response` with the headers that say when to come back, to programs and to the page's script."""
        response.status_code = self.status
        response["Retry-After"], response["X-Said"] = str(self.after), self.said
        return response


View = Callable[..., HttpResponseBase]


def posts(request: HttpRequest) -> bool:
    """The usual thing that is counted: what is sent, not what is looked at."""
    return request.method == "POST"


def wants_csv(request: HttpRequest) -> bool:
    return request.GET.get("format") == "csv"


def always(request: HttpRequest) -> bool:
    return True


def whoever(request: HttpRequest) -> str:
    """The person, or the token of a team; nobody has no name."""
    return str(request.user.pk or request.user.get_username())


def its_address(request: HttpRequest) -> str:
    """For what nobody sends in person: each address of ours counts for itself."""
    return request.path_info


def limited(
    name: str,
    *,
    when: Callable[[HttpRequest], bool] = posts,
    person: Callable[[HttpRequest], str] = whoever,
) -> Callable[[View], View]:
    """Count what a view is asked for, below its policy; too much gets a page that keeps what was typed."""

    def decorate(view: View) -> View:
        @wraps(view)
        def counted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            refusal = refused(name, request, person=person(request)) if when(request) else None
            if refusal:
                return refusal.on(errors.not_now(request, refusal.status, refusal.said))
            return view(request, *args, **kwargs)

        counted.limits = {name, *getattr(view, "limits", ())}  # type: ignore[attr-defined]  # read by a test
        return counted

    return decorate


def refused(name: str, request: HttpRequest, *, person: str) -> Refusal | None:
    """Count one more; None when it may go on. `person` is whoever it is for, signed in or not."""
    limit, factor = LIMITS[name], settings.LIMIT_FACTOR
    if not factor:
        return None
    address, now = proxies.address_of(request), time.time()
    window = int(now // limit.seconds)
    known = ("person", person, limit.person), ("address", address, limit.address)
    own = {f"{kind}:{who}": most for kind, who, most in known if who}
    keys = [f"slipway:limit:{name}:{who}:{window}" for who in (*own, "everybody")]
    some = max(1, int(limit.person * factor) // AHEAD)
    if _ahead.take(tuple(keys)):
        return None
    counts = _count(keys, limit.seconds, by=some)
    if counts is None:
        return _uncounted(limit) if limit.shut else None
    *mine, everybodys = counts
    if any(count > int(number * factor) for count, number in zip(mine, own.values(), strict=True)):
        _count(keys[-1:], limit.seconds, by=-some)  # what one is refused is not taken from all
    elif everybodys <= int(limit.everybody * factor):
        _ahead.put(tuple(keys), some - 1)
        return None
    wait = int((window + 1) * limit.seconds - now) + 1
    return Refusal(429, wait, f"Too many {limit.what}: wait {wait} seconds, then try again.")


def _uncounted(limit: Limit) -> Refusal:
    said = (
        f"The portal cannot count {limit.what} just now and takes none until it can. Try again in a minute."
    )
    return Refusal(503, 60, said)


class _Ahead:
    """What was counted already and not yet asked for, in this process; few windows at a time."""

    def __init__(self) -> None:
        self._left: dict[tuple[str, ...], int] = {}
        self._lock = threading.Lock()

    def take(self, keys: tuple[str, ...]) -> bool:
        with self._lock:
            left = self._left.get(keys, 0)
            if left:
                self._left[keys] = left - 1
            return left > 0

    def put(self, keys: tuple[str, ...], number: int) -> None:
        with self._lock:
            if len(self._left) > 1000:
                self._left.clear()
            if number:
                self._left[keys] = self._left.get(keys, 0) + number


_ahead = _Ahead()


def _count(keys: list[str], seconds: int, by: int = 1) -> list[int] | None:
    """One more under each key, in one trip; None when Redis does not answer."""

    def count(client: "redis.Redis") -> list[int]:
        with client.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.incr(key, by)
                pipe.expire(key, seconds + 1)
            return [int(number) for number in pipe.execute()[::2]]

    return shared.ask(count)
