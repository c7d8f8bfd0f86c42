"""Views of the catalog that people keep: save, rename, delete with undo, open with."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from portal.shell import toasts
from portal.shell.http import HttpRequest
from portal.shell.policies import policy, signed_in
from services.catalog.finding import saved
from services.catalog.finding.filters import Filters
from services.catalog.forms import NameForm, ViewForm
from services.catalog.models import SavedView
from services.catalog.refusals import Refused


def view_for(request: HttpRequest, pk: int) -> SavedView:
    """A view of the person or of one of their teams."""
    return get_object_or_404(saved.views_of(request.user), pk=pk)


@policy(signed_in)
@require_safe
def view_list(request: HttpRequest) -> HttpResponse:
    rows = []
    for view in saved.views_of(request.user):
        filters = Filters.read(view.parameters)
        may = saved.can_change(request.user, view)
        rows.append({"view": view, "tokens": filters.tokens(), "text": filters.q, "may": may})
    start = saved.start_of(request.user)
    return render(request, "catalog/view_list.html", {"rows": rows, "start": start.pk if start else None})


@policy(signed_in)
@require_POST
def view_save(request: HttpRequest) -> HttpResponse:
    form = ViewForm(request.POST, user=request.user)
    if not form.is_valid():
        toasts.refused(request, form.first_error)
        return redirect("catalog:entity_list")
    data = form.cleaned_data
    try:
        view = saved.save_view(name=data["name"], query=data["query"], team=data["team"], by=request.user)
    except Refused as reason:
        toasts.refused(request, str(reason))
        return redirect(f"{reverse('catalog:entity_list')}?{data['query']}")
    if data["start"]:
        saved.start_with(view=view, by=request.user)
    toasts.done(request, f"Saved as “{view}”.", undo=reverse("catalog:view_delete", args=[view.pk]))
    return redirect(view)


@policy(signed_in, name="catalog.change_view")
@require_POST
def view_rename(request: HttpRequest, pk: int) -> HttpResponse:
    view, form = view_for(request, pk), NameForm(request.POST)
    if not form.is_valid():
        toasts.refused(request, form.first_error)
        return redirect("catalog:view_list")
    try:
        saved.rename_view(view=view, name=form.cleaned_data["name"], by=request.user)
    except Refused as reason:
        toasts.refused(request, str(reason))
    return redirect("catalog:view_list")


@policy(signed_in, name="catalog.change_view")
@require_POST
def view_delete(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        view = saved.delete_view(view=view_for(request, pk), by=request.user)
    except Refused as reason:
        toasts.refused(request, str(reason))
    else:
        undo = reverse("catalog:view_restore", args=[view.pk])
        toasts.done(request, f"“{view}” is deleted.", undo=undo)
    return redirect("catalog:view_list")


@policy(signed_in, name="catalog.change_view")
@require_POST
def view_restore(request: HttpRequest, pk: int) -> HttpResponse:
    view = get_object_or_404(saved.deleted_of(request.user), pk=pk)
    try:
        saved.restore_view(view=view, by=request.user)
    except Refused as reason:
        toasts.refused(request, str(reason))
    return redirect("catalog:view_list")


@policy(signed_in)
@require_POST
def view_start(request: HttpRequest, pk: int) -> HttpResponse:
    view, first = view_for(request, pk), request.POST.get("start") == "yes"
    saved.start_with(view=view if first else None, by=request.user)
    toasts.done(request, f"The catalog opens with {f'“{view}”' if first else 'all services'} now.")
    return redirect("catalog:view_list")
