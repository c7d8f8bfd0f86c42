"""Known answers: found, read, voted on, and made of resolved tickets."""

from datetime import timedelta

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from portal.shell import tables, toasts
from portal.shell.http import HttpRequest
from portal.shell.limits import limited
from portal.shell.policies import policy, signed_in
from services.catalog import queries as catalog
from services.helpdesk import actions, answering, rules
from services.helpdesk.errors import HelpdeskError
from services.helpdesk.models import Answer
from services.helpdesk.models.answers import answers_seen_by


def answer_for(request: HttpRequest, pk: int) -> Answer:
    return get_object_or_404(answers_seen_by(request.user), pk=pk)


@policy(signed_in)
@limited("search", when=lambda request: bool(request.GET.get("q")))
@require_safe
def answer_list(request: HttpRequest) -> HttpResponse:
    text = request.GET.get("q", "")[:200].replace("\x00", "")
    triage = rules.can_triage(request.user)
    since = timezone.now() - timedelta(days=90)
    context = {
        "q": text,
        "page": tables.paginate(request, answering.search(request.user, text)),
        "can_triage": triage,
        "spared": answering.deflected(since) if triage else 0,
    }
    return render(request, "helpdesk/answer_list.html", context)


@policy(signed_in)
@require_safe
def answer_detail(request: HttpRequest, pk: int) -> HttpResponse:
    answer = answer_for(request, pk)
    votes = list(answer.votes.values_list("person_id", "helped"))
    context = {
        "answer": answer,
        "good": sum(helped for _, helped in votes),
        "count": len(votes),
        "mine": dict(votes).get(request.user.pk),
        "can_triage": rules.can_triage(request.user),
    }
    return render(request, "helpdesk/answer_detail.html", context)


@policy(signed_in)
@limited("message")
@require_POST
def answer_vote(request: HttpRequest, pk: int) -> HttpResponse:
    """Did this solve it? With `entity`, somebody was asking about that service and leaves."""
    answer = answer_for(request, pk)
    helped = request.POST.get("helped") == "yes"
    about = request.POST.get("entity")
    entity = catalog.find(about) if about else None
    try:
        if helped and about is not None:
            actions.solved_by(answer=answer, entity_ref=entity.ref if entity else "", by=request.user)
        else:
            actions.vote(answer=answer, helped=helped, by=request.user)
    except HelpdeskError as error:
        toasts.refused(request, str(error))
        return redirect(answer)
    toasts.done(request, "Good to hear." if helped else "Thanks. Ask, and a person looks at it.")
    if helped:
        return redirect(answer)
    query = {"entity": entity.ref} if entity else {}
    return redirect(f"{reverse('helpdesk:ticket_new')}?{urlencode(query)}")
