"""The review page of a request: its files as they change, what guardrails say, who said what."""

import uuid

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.shell.http import HttpRequest
from portal.shell.policies import policy, signed_in
from services.onboarding import drawing, queries, reviewing, standing
from services.onboarding.models import State
from services.onboarding.views.access import shown_for


@policy(signed_in)
@never_cache
@require_safe
def proposal_detail(request: HttpRequest, ref: str) -> HttpResponse:
    row = shown_for(request, ref)
    if not (row.files or row.removed):
        raise Http404
    review = reviewing.review(row)
    files = drawing.files(review.diffs, review.findings)
    context = {
        "row": row,
        "review": review,
        "pull": review.proposal,
        "files": files,
        "open": drawing.unfolded(files),
        "tree": drawing.tree(files),
        "guards": drawing.guards(review.findings),
        "may": standing.permissions(request.user, row),
        "standing": standing.standing(row),
        "comment_key": uuid.uuid4().hex,
        "over": queries.run_out(row) if row.state == State.IN_REVIEW else "",
    }
    return render(request, "onboarding/proposal_detail.html", context)
