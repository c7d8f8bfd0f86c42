"""How the defences towards git hosts and clusters are taken away, in the manner of `mutations`."""

import ipaddress
from collections.abc import Iterator
from typing import Any

import httpx

from services.integrations.kube import transport
from tests.cases.mutations import Mutation, always, identity, never, nobody, put

OUTBOUND = "services.integrations.outbound"
KUBE = "services.integrations.kube"
HOST = "services.integrations.githosts"
make_http = transport.make_http


def no_reason(*args: Any) -> str:
    return ""


def by_text(self: Any, host: str, port: int) -> list[str]:
    """What looks like a private address is refused; what is a name is not."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return [host]
    return [] if address.is_private else [host]


def by_name(self: Any, host: str, port: int) -> list[str]:
    """What was checked is the name, and the name is what is connected to."""
    first, second = self._resolve(host, port), self._resolve(host, port)
    return [str(entry[4][0]) for entry in (second if first else ())] or [host]


def following(*args: Any, **kwargs: Any) -> httpx.Client:
    made = make_http(*args, **kwargs)
    made.follow_redirects = True
    return made


def trusting(server: str, token: str, *args: Any) -> httpx.Client:
    """httpx as it comes."""
    return httpx.Client(base_url=server, headers={"Authorization": f"Bearer {token}"} if token else {})


def each_alone(self: float) -> float:
    return float(self)


def unbounded(response: httpx.Response, limit: int, *, mutating: bool) -> bytes:
    return b"".join(response.iter_raw())


def unbounded_lines(response: httpx.Response) -> Iterator[bytes]:
    yield from b"".join(response.iter_raw()).split(b"\n")


def any_folder(self: Any, repo: str, rows: Any = None) -> Any:
    from services.integrations.models import Repository  # models can be imported once Django is set up

    return Repository(slug=repo)


UNCHECKED_PATHS = put(f"{HOST}.names.check_path", identity)
OUTSIDE: dict[str, tuple[Mutation, ...]] = {
    "G1": (
        Mutation("any path will do", UNCHECKED_PATHS, "test_names"),
        Mutation("paths may meet", put(f"{HOST}.names.check_apart", nobody), "test_git_cases"),
    ),
    "G2": (Mutation("whatever is there is a file", put(f"{HOST}.local.content._check_regular", nobody)),),
    "G3": (Mutation("no name is special", put(f"{HOST}.names._ACTED_UPON", set())),),
    "G4": (
        Mutation("any branch will do", put(f"{HOST}.names.check_branch", identity), "test_names"),
        Mutation("any base will do", put(f"{HOST}.local.branches._check", nobody), "test_a_base_outside"),
    ),
    "G5": (
        Mutation("messages are taken as they are", put(f"{HOST}.names.spoken", identity), "test_git_cases"),
        Mutation("words act on hosts of others", put(f"{HOST}.inert.body", identity), "of_others_are_inert"),
    ),
    "G6": (Mutation("any folder is a repository", put(f"{HOST}.local.host.LocalHost._row", any_folder)),),
    "G7": (Mutation("any branch will do", put(f"{HOST}.names.check_branch", identity), "test_names"),),
    "G8": (
        Mutation(
            "what was looked at counts for nothing", put(f"{HOST}.local.host.LocalHost._check_open", nobody)
        ),
    ),
    "G9": (Mutation("the default branch is one of many", put(f"{HOST}.local.branches._check", nobody)),),
    "S1": (Mutation("any address will do", put("services.integrations.addresses.refused", no_reason)),),
    "S2": (Mutation("addresses are judged by their text", put(f"{OUTBOUND}.Guarded._checked", by_text)),),
    "S3": (
        Mutation("what is not private is public", put("services.integrations.addresses._is_public", always)),
        Mutation("nothing hides in an address", put("services.integrations.addresses._unwrapped", identity)),
    ),
    "S4": (Mutation("redirects are followed", put(f"{KUBE}.transport.make_http", following)),),
    "S5": (Mutation("a name is resolved again", put(f"{OUTBOUND}.Guarded._checked", by_name)),),
    "S6": (Mutation("any server will do", put(f"{KUBE}.kubeconfig._is_server", always)),),
    "S7": (
        Mutation("each byte has its own time", put(f"{OUTBOUND}.Until.left", each_alone), "byte by byte"),
        Mutation(
            "answers may be any size", put(f"{KUBE}.transport.whole", unbounded), "test_an_answer_without_end"
        ),
        Mutation(
            "events may be any size", put(f"{KUBE}.transport.lines", unbounded_lines), "test_an_event_without"
        ),
        Mutation("what is packed is unpacked", put(f"{KUBE}.transport._check_plain", nobody), "_packed_"),
    ),
    "S8": (Mutation("a kubeconfig may say anything", put(f"{KUBE}.kubeconfig._refuse", nobody)),),
    "S9": (Mutation("the surroundings are trusted", put(f"{KUBE}.transport.make_http", trusting)),),
    "L2": (
        Mutation("Secrets are shown", put(f"{KUBE}.objects.shown", identity), "test_of_a_secret"),
        Mutation("refusals are quoted", put(f"{KUBE}.transport._is_secret", never), "test_a_refused_secret"),
    ),
}
