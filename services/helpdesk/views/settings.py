"""How the desk is set up: every kind of setting on the same two pages."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.shell import toasts
from portal.shell.http import HttpRequest
from portal.shell.policies import platform_only, policy
from services.helpdesk import actions, desk_forms
from services.helpdesk.errors import HelpdeskError
from services.helpdesk.models import Answer, Calendar, Canned, Category, DeskView, Macro, Promise
from services.helpdesk.styling import styled
from services.helpdesk.views.ticket import ticket_for


@dataclass(frozen=True)
class Kind:
    """One kind of setting; `line` says in a few words what a row of it does."""

    key: str
    title: str
    one: str
    icon: str
    text: str
    form: Any
    rows: Callable[[Any], "QuerySet[Any]"]
    line: Callable[[Any], str]
    personal: bool = False


def _minutes(promise: Promise) -> str:
    named = (("first", promise.first), ("next", promise.next), ("resolved", promise.resolution))
    told = ", ".join(f"{name} in {_hours(minutes)}" for name, minutes in named if minutes)
    return f"{told}; {promise.calendar}"


def _hours(minutes: int) -> str:
    """Never in days: those of calendars have as many hours as somebody is there."""
    whole, rest = divmod(minutes, 60)
    return " ".join([f"{whole} h"] * bool(whole) + [f"{rest} min"] * bool(rest))


def _answer(answer: Answer) -> str:
    due = ", look at it again" if answer.is_due else ""
    return f"{answer.owner}{due}{'' if answer.published else ', a draft'}"


def _steps(macro: Macro) -> str:
    told = ["replies" if macro.reply and not macro.internal else "notes" if macro.reply else ""]
    told += [f"gives it to {macro.get_give_to_display().lower()}" if macro.give_to else ""]
    told += [f"sets {macro.get_state_display().lower()}" if macro.state else ""]
    return ", ".join(word for word in told if word) or "sorts"


KINDS = {
    kind.key: kind
    for kind in (
        Kind(
            "categories", "Categories", "category", "tag", "What a ticket can be about, and what each asks.",
            desk_forms.CategoryForm, lambda user: Category.objects.all(), lambda row: row.hint,
        ),
        Kind(
            "promises", "Promises", "promise", "clock", "How soon tickets are answered and solved.",
            desk_forms.PromiseForm, lambda user: Promise.objects.select_related("calendar"), _minutes,
        ),
        Kind(
            "calendars", "Calendars", "calendar", "calendar", "When somebody is there.",
            desk_forms.CalendarForm, lambda user: Calendar.objects.all(),
            lambda row: f"{row.timezone}{', holidays of ' + row.country if row.country else ''}",
        ),
        Kind(
            "views", "Views", "view", "list", "Searches beside the queue: yours and everybody's.",
            desk_forms.DeskViewForm, lambda user: DeskView.objects.of(user), lambda row: row.query,
            personal=True,
        ),
        Kind(
            "macros", "Macros", "macro", "bolt", "Several steps as one.",
            desk_forms.MacroForm, lambda user: Macro.objects.all(), _steps,
        ),
        Kind(
            "answers", "Known answers", "known answer", "book-2", "Written once, found where it is asked.",
            desk_forms.AnswerForm, lambda user: Answer.objects.select_related("owner"), _answer,
            personal=True,
        ),
        Kind(
            "canned", "Canned answers", "canned answer", "message-circle", "What is said often.",
            desk_forms.CannedForm, lambda user: Canned.objects.all(), lambda row: row.body[:90],
        ),
    )
}  # fmt: skip


def kind_for(key: str) -> Kind:
    if key not in KINDS:
        raise Http404(f"There are no settings called {key}.")
    return KINDS[key]


def row_for(request: HttpRequest, kind: Kind, pk: int) -> Any:
    return get_object_or_404(kind.rows(request.user), pk=pk)


@policy(platform_only)
@require_safe
def desk(request: HttpRequest) -> HttpResponse:
    shown = [
        {"kind": kind, "rows": [(row, kind.line(row)) for row in kind.rows(request.user)]}
        for kind in KINDS.values()
    ]
    return render(request, "helpdesk/desk.html", {"shown": shown})


@policy(platform_only)
@require_http_methods(["GET", "HEAD", "POST"])
def setting_new(request: HttpRequest, kind: str) -> HttpResponse:
    return _edit(request, kind_for(kind), None)


@policy(platform_only)
@require_http_methods(["GET", "HEAD", "POST"])
def setting_edit(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    known = kind_for(kind)
    return _edit(request, known, row_for(request, known, pk))


def _edit(request: HttpRequest, kind: Kind, row: Any) -> HttpResponse:
    more = {"user": request.user} if kind.personal else {}
    initial = {name: request.GET[name] for name in ("query", "title") if name in request.GET}
    form = styled(
        kind.form(request.POST or None, instance=row or _begun(request, kind), initial=initial, **more)
    )
    if request.method == "POST" and form.is_valid():
        try:
            saved = actions.save_setting(row=form.save(commit=False), by=request.user)
        except HelpdeskError as error:
            form.add_error(None, str(error))
        else:
            toasts.done(request, f"“{saved}” is saved.")
            return redirect("helpdesk:desk")
    context = {"kind": kind, "row": row, "form": form}
    return render(request, "helpdesk/setting_edit.html", context, status=422 if form.errors else 200)


def _begun(request: HttpRequest, kind: Kind) -> Any:
    """A known answer begun from a resolved ticket (`?from=T-1001`); nothing else begins with anything."""
    number = request.GET.get("from", "").removeprefix("T-")
    if kind.key != "answers" or not (number.isdecimal() and number.isascii() and len(number) < 10):
        return None
    try:
        return actions.draft_from(ticket_for(request, int(number)), request.user)
    except HelpdeskError as error:
        raise Http404(str(error)) from None


@policy(platform_only)
@require_POST
def setting_remove(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    row = row_for(request, kind_for(kind), pk)
    title = str(row)
    try:
        actions.remove_setting(row=row, by=request.user)
        toasts.done(request, f"“{title}” is gone.")
    except HelpdeskError as error:
        toasts.refused(request, str(error))
    return redirect("helpdesk:desk")
