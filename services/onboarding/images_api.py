"""New images for programs: a build tells what it made, and one pull request brings it to an environment."""

import difflib
from typing import Any, Final

from portal.shell import pasted
from portal.shell.api import ApiError, Mistake
from portal.shell.operations import Answer, Asked, operation
from portal.shell.schemas import choice, listed, maybe, named, number, text, thing
from services.accounts import actions as accounts
from services.accounts.models import Team, User
from services.catalog import queries as catalog
from services.catalog.models import Entity
from services.onboarding import actions
from services.onboarding.actions.bringing import OPENED, UNCHANGED, UPDATED, WAITING, Bringing
from services.onboarding.errors import ImageRefused, Refusal
from services.onboarding.models import State
from services.onboarding.views.access import said

BROUGHT: Final = named(
    "BroughtImage",
    thing(
        outcome=choice(
            (OPENED, UPDATED, WAITING, UNCHANGED),
            "`waiting`: it follows as soon as the git host has heard of the one before; `unchanged`: it is "
            "there, or in the open pull request, already",
        ),
        image=text("As the manifests have it then"),
        before=listed(text(), "What the manifests have now"),
        request=maybe(text("R-1001; null where it runs already and nothing here brought it")),
        state=maybe(choice(State.values)),
        pull_request=maybe(number("Once the git host has told it")),
        url=maybe(text("The request's page: it follows the image until it runs")),
    ),
)  # fmt: skip


@operation(
    "POST", "images", scope="images:write", answer=BROUGHT, limit="submit",
    body=thing(
        "service", "environment",
        service=text("Its name, or its reference in the catalog", minLength=1, maxLength=200),
        environment=text("Where it is to run", minLength=1, maxLength=63),
        image=text("With the tag of one build, a digest, or both", maxLength=512),
        digest=text("sha256:…, where the repository stays the one that runs", maxLength=100),
        source=text("What it was built from: reviewers read it", maxLength=500),
    ),
    example={
        "body": {
            "service": "checkout", "environment": "staging",
            "image": "registry.larkfield.shop/checkout:2.14.0", "source": "commit 4f1c2d9",
        }
    },
)  # fmt: skip
def image_bring(asked: Asked) -> Answer:
    """Bring a new image to one environment of a service.

    Opens one pull request that changes nothing but the image in the service's manifests there, or brings
    the open one up to date. Sent twice, done once. The image must be of the repository that the service runs,
    with a digest or the tag of one build. For tokens of the team that owns the service, and whoever may
    change it.
    """
    entity = _service(asked)
    with_image = {name: asked.body.get(name, "") for name in ("image", "digest")}
    if not any(with_image.values()):
        raise ApiError(
            "Say which image.", 422, [Mistake("image", "required", "image or digest must be given")]
        )
    source = pasted.masked(asked.body.get("source", ""))
    try:
        found = actions.bring_image(
            entity_ref=entity.ref,
            environment=asked.body["environment"],
            by=_who(asked),
            source=source,
            **with_image,
        )
    except ImageRefused as refused:
        wrong = Mistake(refused.field, refused.rule, refused.message, refused.suggestion)
        near = f" Nearest that passes: {refused.suggestion}." if refused.suggestion else ""
        raise ApiError(refused.message + near, refused.status, [wrong]) from refused
    except Refusal as refusal:
        raise ApiError(said(refusal), refusal.status) from refusal
    return Answer(_told(found))


def _told(found: Bringing) -> dict[str, Any]:
    row = found.request
    return {
        "outcome": found.outcome, "image": found.image, "before": list(found.before),
        "request": row.ref if row else None, "state": row.state if row else None,
        "pull_request": row.pull_number if row else None, "url": row.get_absolute_url() if row else None,
    }  # fmt: skip


def _who(asked: Asked) -> User:
    """The person, or the account that stands for the team whose token it is."""
    if asked.user.pk is not None:
        return User.objects.get(pk=asked.user.pk)
    return accounts.program_of(team=_team(asked))


def _team(asked: Asked) -> Team:
    team: Team = asked.user.token.team
    return team


def _service(asked: Asked) -> Entity:
    """The component that is meant; of one that is not there, the nearest of those this one may name."""
    wanted = asked.body["service"]
    found = catalog.find(wanted if ":" in wanted else f"component:default/{wanted}")
    if found is not None and found.kind == "Component":
        return found
    team = asked.user.pk is None and _team(asked)
    rows = (
        Entity.objects.filter(kind="Component", owner_ref=team.ref) if team else catalog.owned_by(asked.user)
    )
    names = list(rows.filter(kind="Component").values_list("name", flat=True)[:2000])
    near = "".join(difflib.get_close_matches(wanted.rpartition("/")[2], names, 1, 0.5))
    detail = "is not in the catalog" + (f"; did you mean {near}?" if near else "")
    raise ApiError(f"The service {detail}.", 404, [Mistake("service", "unknown", detail, near)])


OPERATIONS: Final = [image_bring]
