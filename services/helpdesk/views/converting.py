"""A ticket becomes a request: which form, then the form filled in."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from portal.shell import toasts
from portal.shell.http import HttpRequest
from portal.shell.policies import policy, signed_in
from services.helpdesk import actions, fitting
from services.helpdesk.errors import HelpdeskError, NotAllowed
from services.helpdesk.views.ticket import ticket_for


@policy(signed_in)
@require_http_methods(["GET", "HEAD", "POST"])
def ticket_convert(request: HttpRequest, number: int) -> HttpResponse:
    """The forms, those that fit first; on POST a draft of one of them, with what the ticket says in it."""
    ticket = ticket_for(request, number)
    forms = fitting.blueprints(f"{ticket.title} {ticket.category}", limit=None)
    if request.method == "POST":
        chosen = next((form for form in forms if form.name == request.POST.get("blueprint")), None)
        try:
            if chosen is None:
                raise NotAllowed("Choose a form.")
            row = actions.convert(ticket=ticket, blueprint=chosen, by=request.user)
        except HelpdeskError as error:
            toasts.refused(request, str(error))
            return redirect("helpdesk:ticket_convert", ticket.key)
        toasts.done(request, f"{row.ref} is filled in. {ticket.key} is resolved when it is live.")
        return redirect(row if ticket.asker_id == request.user.pk else ticket)
    return render(request, "helpdesk/ticket_convert.html", {"ticket": ticket, "forms": forms})
