"""What one was told: the list, opening one, and what comes by mail."""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from portal.shell import tables, toasts
from portal.shell.http import HttpRequest
from portal.shell.policies import policy, signed_in
from services.notices import actions, queries
from services.notices.forms import ReadForm, WishForm


@policy(signed_in)
@require_http_methods(["GET", "HEAD", "POST"])
def notice_list(request: HttpRequest) -> HttpResponse:
    form = WishForm(request.POST or None, instance=queries.wish_of(request.user))
    if request.method == "POST" and form.is_valid():
        actions.save_wish(by=request.user, mail=form.cleaned_data["mail"])
        toasts.done(request, "Saved.")
        return redirect("notices:notice_list")
    page = tables.paginate(request, queries.told(request.user))
    context = {
        "page": page,
        "newest": max((notice.pk for notice in page), default=0),
        "is_unread": any(notice.read_at is None for notice in page),
        "form": form,
        "mails": bool(settings.MAIL_URL),
    }
    return render(request, "notices/notice_list.html", context, status=422 if form.errors else 200)


@policy(signed_in)
@require_POST
def notice_open(request: HttpRequest, pk: int) -> HttpResponse:
    notice = get_object_or_404(queries.told(request.user), pk=pk)
    actions.read(notice=notice)
    return redirect(notice.url)


@policy(signed_in)
@require_POST
def notice_read_all(request: HttpRequest) -> HttpResponse:
    form = ReadForm(request.POST)
    if form.is_valid():
        actions.read_all(by=request.user, until=form.cleaned_data["until"])
    return redirect("notices:notice_list")
