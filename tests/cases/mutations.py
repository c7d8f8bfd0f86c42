"""How each defence is taken away, by case. `make cases MUTATE=1` does it and sees a test of the case fail.

A mutation is the product without its defence, as somebody might have written it: the check answers that all
is well, the escape gives back what it was given, the middleware is not there.
"""

import pkgutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings

from services.manifests.emit import dump

Patch = pytest.MonkeyPatch
ONBOARDING = "services.onboarding"
ENGINE = "services.onboarding.blueprints"
OURS = ("services.", "portal.", "tests.hostile.", "tests.integrations.")


@dataclass(frozen=True)
class Mutation:
    """`concerns`: a part of the names of the tests that can notice it, where others would only take time."""

    name: str
    remove: Callable[[Patch], None]
    concerns: str = ""


def identity(value: Any, *args: Any, **kwargs: Any) -> Any:
    return value


def always(*args: Any, **kwargs: Any) -> bool:
    return True


def never(*args: Any, **kwargs: Any) -> bool:
    return False


def nothing(*args: Any, **kwargs: Any) -> Any:
    return ()


def nobody(*args: Any, **kwargs: Any) -> None:
    return None


def put(path: str, value: Any) -> Callable[[Patch], None]:
    """Something else in the place of a function, under every name it was imported as, or of a constant."""

    def remove(patch: Patch) -> None:
        original = pkgutil.resolve_name(path)
        patch.setattr(path, value)
        for module in (
            [each for name, each in sys.modules.items() if name.startswith(OURS)]
            if callable(original)
            else ()
        ):
            for name in [name for name, each in vars(module).items() if each is original]:
                patch.setattr(module, name, value)

    remove.path = path  # type: ignore[attr-defined]  # for the test that it is still there
    return remove


def without(*middleware: str) -> Callable[[Patch], None]:
    """The stack of middleware with some left out."""

    def remove(patch: Patch) -> None:
        kept = [each for each in settings.MIDDLEWARE if not each.endswith(middleware)]
        assert len(kept) < len(settings.MIDDLEWARE)
        patch.setattr(settings, "MIDDLEWARE", kept)

    return remove


def with_last(middleware: str) -> Callable[[Patch], None]:
    def remove(patch: Patch) -> None:
        patch.setattr(settings, "MIDDLEWARE", [*settings.MIDDLEWARE, f"{__name__}.{middleware}"])

    return remove


def with_first(middleware: str) -> Callable[[Patch], None]:
    def remove(patch: Patch) -> None:
        patch.setattr(settings, "MIDDLEWARE", [f"{__name__}.{middleware}", *settings.MIDDLEWARE])

    return remove


# ---- what the mutants do -------------------------------------------------------------------------


def by_hand(documents: Any, comment: str = "") -> str:
    """YAML as a text template would write it."""
    return "\n---".join("".join(_lines(getattr(each, "data", each), "")) for each in documents) + "\n"


def _lines(value: Any, indent: str) -> list[str]:
    if isinstance(value, dict):
        return [f"\n{indent}{key}:{''.join(_lines(each, indent + '  '))}" for key, each in value.items()]
    if isinstance(value, list):
        return [f"\n{indent}-{''.join(_lines(each, indent + '  '))}" for each in value]
    return [f" {value}"]


def as_template(documents: Any, comment: str = "") -> str:
    """YAML that some template engine goes over afterwards."""
    from django.template import Context, Template

    return "".join([Template(dump(documents, comment).replace("${", "{")).render(Context())])


def let_keys_repeat(patch: Patch) -> None:
    from services.manifests.reader import _Reader

    begin = _Reader.__init__

    def careless(self: Any, *args: Any, **kwargs: Any) -> None:
        begin(self, *args, **kwargs)
        self.repeated_keys = True

    patch.setattr(_Reader, "__init__", careless)


def expand_aliases(patch: Patch) -> None:
    from services.manifests.reader import _Reader

    def careless(self: Any, event: Any) -> Any:
        anchor = self._anchors.get(event.anchor)
        return anchor.value if anchor else None

    patch.setattr(_Reader, "_alias", careless)


def no_bounds(patch: Patch) -> None:
    for name in ("MAX_DEPTH", "MAX_CHARACTERS", "MAX_DOCUMENTS", "MAX_NODES"):
        patch.setattr(f"services.manifests.reader.{name}", 10**9)


def no_schema(patch: Patch) -> None:
    from services.manifests.schema import Verdict

    patch.setattr("services.manifests.schema.validate", lambda *args: Verdict("checked"))


def follow_kustomize(patch: Patch) -> None:
    from services.manifests import files

    below = files._below
    patch.setattr(files, "_below", lambda folder: below(folder.parent))


def unescaped(patch: Patch) -> None:
    patch.setattr("django.template.base.conditional_escape", str)
    patch.setattr("django.template.defaultfilters.conditional_escape", str)


def raw_markdown(patch: Patch) -> None:
    from markdown_it import MarkdownIt

    patch.setattr("portal.shell.markdown._html", MarkdownIt("commonmark", {"html": True}).render)
    patch.setattr("portal.shell.markdown.nh3.clean", identity)


def every_link(entity: Any) -> dict[str, Any]:
    return {"tags": [], "links": entity.metadata.get("links") or [], "repository": {}}


def looking_acts(get_response: Any) -> Any:
    """Lets a link do what a button does."""

    def middleware(request: Any) -> Any:
        if request.method in ("GET", "HEAD") and "reason" in request.GET:
            request.method, request._post, request._files = "POST", request.GET, {}
        return get_response(request)

    return middleware


def keep_session(patch: Patch) -> None:
    patch.setattr("django.contrib.sessions.backends.base.SessionBase.cycle_key", nothing)


def keep_cookie(patch: Patch) -> None:
    patch.setattr("django.contrib.sessions.backends.base.SessionBase.flush", nothing)


def believe_proxies(request: Any) -> str:
    return str(request.META.get("HTTP_X_FORWARDED_FOR") or request.META.get("REMOTE_ADDR") or "")


def believe_names(get_response: Any) -> Any:
    """Signs in whoever a header names."""

    def middleware(request: Any) -> Any:
        from services.accounts.models import User

        request.user = (
            User.objects.filter(username=request.META.get("REMOTE_USER", "")).first() or request.user
        )
        return get_response(request)

    return middleware


def as_it_comes(request: Any, *wanted: str) -> str:
    return next(filter(None, wanted), "")


def every_field_counts(get_response: Any) -> Any:
    """Gives the account that is signed in whatever a form says of accounts."""

    def middleware(request: Any) -> Any:
        given = {key: True for key in ("is_staff", "is_superuser") if request.POST.get(key) == "on"}
        if given and request.user.is_authenticated:
            type(request.user).objects.filter(pk=request.user.pk).update(**given)
        return get_response(request)

    return middleware


def any_host(patch: Patch) -> None:
    patch.setattr(settings, "ALLOWED_HOSTS", ["*"])


def show_all_tickets(patch: Patch) -> None:
    patch.setattr("services.helpdesk.models.TicketQuerySet.visible_to", lambda self, user: self)


def show_all_requests(patch: Patch) -> None:
    patch.setattr("services.onboarding.models.RequestQuerySet.visible_to", lambda self, user: self)
    patch.setattr("services.onboarding.rules.can_see", always)


def sort_by_anything(request: Any, rows: Any, columns: Any, default: str) -> Any:
    wanted = request.GET.get("sort") or "pk"
    return rows.order_by(wanted if wanted.lstrip("-") not in columns else "pk", "pk")


def anybody_decides(patch: Patch) -> None:
    for rule in ("can_reject", "can_withdraw", "can_close", "can_approve", "can_merge"):
        patch.setattr(f"services.onboarding.rules.{rule}", always)


def steps_in_any_order(patch: Patch) -> None:
    from services.onboarding.models import TRANSITIONS

    for state in list(TRANSITIONS):
        patch.setitem(TRANSITIONS, state, frozenset(TRANSITIONS))
    for rule in ("can_retry", "can_withdraw", "can_close", "can_reject", "can_merge"):
        patch.setattr(f"services.onboarding.rules.{rule}", always)


def the_inactive_stay(patch: Patch) -> None:
    patch.setattr("django.contrib.auth.backends.ModelBackend.user_can_authenticate", always)


def by_old_name(request: Any, need: Any, word: str) -> str:
    return "checkout"


def tell_hidden(request: Any, number: int) -> Any:
    from django.core.exceptions import PermissionDenied
    from django.http import Http404

    from services.helpdesk.models import Ticket

    ticket = Ticket.objects.filter(number=number).first()
    if ticket is None:
        raise Http404
    if not Ticket.objects.visible_to(request.user).filter(pk=ticket.pk).exists():
        raise PermissionDenied("The people of this ticket.")
    return ticket


def another_token(data: Any) -> str:
    import uuid

    return uuid.uuid4().hex


def unsealed(patch: Patch) -> None:
    put("services.clusters.sealing.seal", identity)(patch)
    put("services.clusters.sealing.unseal", identity)(patch)


def show_errors(patch: Patch) -> None:
    patch.setattr("tests.hostile.test_leaks.handler500", tell_all)


def tell_all(request: Any) -> Any:
    """The page of an error with what went wrong."""
    import traceback

    from django.http import HttpResponse

    return HttpResponse(traceback.format_exc(), status=500)


def plain_lines(patch: Patch) -> None:
    import structlog

    patch.setattr(
        "structlog.processors.JSONRenderer", lambda: lambda logger, name, event: str(event.get("event"))
    )
    assert structlog.processors.JSONRenderer()


def check_no_value(patch: Patch) -> None:
    """Neither the fields nor the guardrails on what is rendered from them."""
    put(f"{ENGINE}.answers.check_value", nothing)(patch)
    patch.setattr(f"{ENGINE}.guard.check", nothing)


def unpack_anything(patch: Patch) -> None:
    patch.setattr("services.catalog.sources.fetching.MAX_TOTAL", 10**12)


def label_alone(kind: str, about: str, label: str, *args: Any) -> str:
    return label or about


UNCHECKED = Mutation("the form checks no value", check_no_value)
BY_HAND = Mutation("YAML is written by hand", put("services.manifests.emit.dump", by_hand), "test_engine")
UNQUOTED = Mutation(
    "texts are quoted only where YAML 1.1 needs it", put("services.manifests.emit._style", nobody)
)
NO_SCHEMA = Mutation("objects are not held against their schema", no_schema, "keys_kubernetes")

MUTATIONS: dict[str, tuple[Mutation, ...]] = {
    "W1": (Mutation("any signature will do", put("services.catalog.sources.hooks.proves", always)),),
    "W4": (Mutation("any time will do", put("services.integrations.signatures.SKEW", 10**9)),),
    "S10": (
        Mutation("files lie anywhere", put("services.integrations.slack.texts._kept", identity)),
        Mutation("answers go anywhere", put("services.integrations.slack.client.is_slacks", always)),
    ),
    "E8": (
        Mutation(
            "chat is told values as they are", put("services.integrations.slack.blocks.escape", identity)
        ),
        Mutation("links hide where they lead", put("services.integrations.slack.texts._shown", label_alone)),
    ),
    "T1": (UNCHECKED,),
    "T2": (BY_HAND,),
    "T3": (BY_HAND,),
    "T4": (BY_HAND, UNQUOTED),
    "T5": (Mutation("a template engine has its way", put(f"{ENGINE}.tree.dump", as_template)),),
    "T6": (Mutation("any key may be an annotation", put("services.manifests.annotations.commands", never)),),
    "T7": (NO_SCHEMA,),
    "T8": (Mutation("the last of two keys wins", let_keys_repeat), NO_SCHEMA),
    "T9": (UNCHECKED,),
    "T10": (Mutation("aliases are expanded", expand_aliases, "test_engine"),),
    "T11": (Mutation("nothing is too large", no_bounds, "test_engine"),),
    "T12": (Mutation("what lies beside is read too", follow_kustomize),),
    "T13": (UNCHECKED,),
    "G1": (UNCHECKED,),
    "G4": (UNCHECKED,),
    "G5": (
        Mutation("words are not fenced", put("services.onboarding.proposals.fenced", identity)),
        Mutation("mentions are kept", put("services.onboarding.proposals.one_line", identity)),
    ),
    "G6": (Mutation("developers read the machine", put("services.catalog.rules.can_read_machine", always)),),
    "G7": (UNCHECKED,),
    "G10": (
        Mutation(
            "the form's token counts for nothing", put("services.onboarding.forms.token_of", another_token)
        ),
    ),
    "P2": (
        Mutation("archives may hold anything", unpack_anything),
        Mutation("members keep their paths", put("services.catalog.sources.fetching._member_name", identity)),
    ),
    "P5": (Mutation("JSON is taken as it comes", put("services.onboarding.forms.storable", identity)),),
    "P6": (Mutation("every bracket is tried", put("portal.shell.markdown.BRACKETS", 10**9), "flood"),),
    "X1": (Mutation("nothing is escaped", unescaped, "inert"),),
    "X2": (Mutation("Markdown is not cleaned", raw_markdown),),
    "X3": (Mutation("Markdown is not cleaned", raw_markdown),),
    "X4": (Mutation("no content security policy", without("CSPMiddleware")),),
    "X5": (Mutation("links lead anywhere", put("services.catalog.about.tags_and_links", every_link)),),
    "X6": (
        Mutation("no content security policy", without("CSPMiddleware"), "hostile"),
        Mutation("nothing is escaped", unescaped, "inert"),
    ),
    "X7": (Mutation("cells are written as they are", put("portal.shell.tables.defused", identity)),),
    "X8": (
        Mutation("no content security policy", without("CSPMiddleware")),
        Mutation("no frame options", without("XFrameOptionsMiddleware")),
    ),
    "F2": (Mutation("nothing is escaped", unescaped, "names_of_files"),),
    "F4": (Mutation("uploads of any size", put("services.catalog.forms.MAX_UPLOAD", 10**12)),),
    "Z1": (Mutation("pages need no account", without("LoginRequiredMiddleware")),),
    "Z2": (
        Mutation("everybody sees every ticket", show_all_tickets),
        Mutation("everybody sees every draft", show_all_requests),
        Mutation(
            "lists are sorted by anything", put("portal.shell.tables.order", sort_by_anything), "oracle"
        ),
    ),
    "Z3": (Mutation("a form's owner is whom its fields name", with_last("every_field_counts")),),
    "Z4": (
        Mutation("writers may approve", put("services.onboarding.rules.is_contributor", never)),
        Mutation("anybody may give a yes", put("services.onboarding.rules.may_give", always)),
    ),
    "Z5": (Mutation("steps in any order", steps_in_any_order),),
    "Z6": (Mutation("steps in any order", steps_in_any_order),),
    "Z7": (Mutation("the inactive stay signed in", the_inactive_stay),),
    "Z8": (Mutation("a name is enough", put(f"{ONBOARDING}.approvers._team", by_old_name)),),
    "K1": (
        Mutation(
            "any role may be asked for", put(f"{ENGINE}.validation._check_choice", nothing), "closed_list"
        ),
        Mutation("anybody may be named", put(f"{ENGINE}.validation._matches", always), "closed_list"),
    ),
    "C1": (Mutation("no token is asked for", without("CsrfViewMiddleware")),),
    "C2": (Mutation("a link acts like a button", with_first("looking_acts")),),
    "C3": (Mutation("the session stays the same", keep_session),),
    "C4": (
        Mutation(
            "the way on leads anywhere",
            put("portal.shell.http.inside", as_it_comes),
        ),
    ),
    "C9": (
        Mutation("signing out keeps the session", keep_cookie),
        Mutation("pages stay in caches", without("keep_private")),
    ),
    "C10": (
        Mutation("anybody is a proxy", put("portal.shell.proxies.address_of", believe_proxies)),
        Mutation("any host is ours", any_host),
        Mutation("a header says who somebody is", with_last("believe_names")),
    ),
    "R": (
        Mutation("nothing is counted", put("portal.shell.limits.refused", nobody)),
        Mutation("the door is open without counts", put("portal.shell.limits._uncounted", nobody)),
    ),
    "L1": (Mutation("tokens are kept as they are", unsealed),),
    "L2": (Mutation("the picture keeps everything", put("services.clusters.redaction.pruned", identity)),),
    "L3": (
        Mutation("both sides are shown", put(f"{ONBOARDING}.masking.without_secrets", lambda *sides: sides)),
    ),
    "L4": (
        Mutation("nothing looks like a secret", put("portal.shell.pasted.suspects", lambda text: [])),
        Mutation("nothing is masked", put("portal.shell.pasted.masked", identity)),
    ),
    "L5": (Mutation("lines are not encoded", plain_lines),),
    "L6": (
        Mutation(
            "hidden is told from missing", put("services.helpdesk.views.ticket.ticket_for", tell_hidden)
        ),
    ),
    "L7": (Mutation("errors show what went wrong", show_errors),),
}
