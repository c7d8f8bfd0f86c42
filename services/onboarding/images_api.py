"""New images for programs: a build tells what it made, and one pull request brings it to an environment.

Row 84: the portal is no CI; whatever CI there is asks once.
"""

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from portal.shell import pasted
from portal.shell.api import ApiError, Mistake
from portal.shell.operations import Answer, Asked, operation
from portal.shell.schemas import choice, listed, maybe, moment, named, number, text, thing
from services.accounts import actions as accounts
from services.accounts.models import Team, User
from services.catalog import queries as catalog
from services.catalog.models import Entity
from services.clusters.models import Environment
from services.integrations.errors import IntegrationError
from services.onboarding import actions, queries
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
    entity = service_of(asked.body["service"], asked)
    with_image = {name: asked.body.get(name, "") for name in ("image", "digest")}
    if not any(with_image.values()):
        raise ApiError(
            "Say which image.", 422, [Mistake("image", "required", "image or digest must be given")]
        )
    source = pasted.masked(asked.body.get("source", ""))
    with refusing():
        found = actions.bring_image(
            entity_ref=entity.ref, environment=asked.body["environment"], by=who_asks(asked), source=source,
            **with_image,
        )  # fmt: skip
    return Answer(_told(found))


COMPARED: Final = named(
    "Promotion",
    thing(
        content=text("Of exactly what was compared: say it when you promote"),
        standing=listed(
            thing(
                environment=text(), image=text(), who=text("Whose commit put it there"), at=maybe(moment()),
                what=text("The commit's title"), request=maybe(text("R-1001")),
            ),
            "What the repository has of the service, and where",
        ),
        images=listed(
            thing(object=text(), container=text(), here=text(), there=text()), "They come along always"
        ),
        fields=listed(
            thing(
                key=text("To ask for it with"), object=text(), path=text(), here=text(), there=text(),
                why=text("Why it may differ; empty where that is unexpected"),
            )
        ),
        only_here=listed(text()), only_there=listed(text()),
    ),
)  # fmt: skip
PLACES: Final = {
    "service": text("Its name, or its reference in the catalog", minLength=1, maxLength=200),
    "from": text("The environment that has it", minLength=1, maxLength=63),
    "to": text("The environment that gets it", minLength=1, maxLength=63),
}


@operation(
    "GET", "promotions", scope="requests:read", answer=COMPARED, query=PLACES,
    example={"query": {"service": "checkout", "from": "staging", "to": "production"}},
)  # fmt: skip
def promotion_compare(asked: Asked) -> dict[str, Any]:
    """What differs between two environments of a service.

    `here` is what the environment has that gets it, `there` what the other one has.
    """
    missing = [Mistake(name, "required", "must be given") for name in PLACES if name not in asked.query]
    if missing:
        raise ApiError("Say which service, from where and to where.", 422, missing)
    entity = service_of(asked.query["service"], asked)
    with refusing():
        places = [queries.environment_named(asked.query[name], name) for name in ("from", "to")]
        return _compared(entity, *places)


def _compared(entity: Entity, source: Environment, target: Environment) -> dict[str, Any]:
    found = queries.comparison(entity, source, target)
    return {
        "content": found.content,
        "standing": [_standing(each) for each in queries.standings(entity)],
        "images": [
            {
                "object": each.place.object, "container": each.place.container,
                "here": str(each.place.image), "there": str(each.wanted),
            }
            for each in found.images
        ],
        "fields": [
            {
                **{name: getattr(each, name) for name in ("key", "path", "here", "there", "why")},
                "object": each.difference.object,
            }
            for each in found.fields
        ],
        "only_here": [each.object for each in found.only_here],
        "only_there": [each.object for each in found.only_there],
    }  # fmt: skip


def _standing(row: queries.Standing) -> dict[str, Any]:
    return {
        "environment": row.environment.name, "image": str(row.image), "who": row.who, "at": row.at,
        "what": row.what, "request": row.request.ref if row.request else None,
    }  # fmt: skip


@operation(
    "POST", "promotions", scope="images:write", answer=BROUGHT, limit="submit",
    body=thing(
        "service", "from", "to", **PLACES,
        fields=listed(text(maxLength=1000), "Keys of what else comes along", maxItems=200),
        content=text("What was looked at; other content is refused (409)", maxLength=100),
    ),
    example={"body": {"service": "checkout", "from": "staging", "to": "production"}},
)  # fmt: skip
def promotion_open(asked: Asked) -> Answer:
    """Bring to one environment what another one runs.

    One pull request with its images, and with those of the other fields that are named; all else stays. It
    takes the place of what is in the open one for that environment.
    """
    entity, body = service_of(asked.body["service"], asked), asked.body
    with refusing():
        found = actions.promote(
            entity_ref=entity.ref, source=body["from"], target=body["to"], by=who_asks(asked),
            fields=body.get("fields", []), content=body.get("content", ""),
        )  # fmt: skip
    return Answer(_told(found))


@contextmanager
def refusing() -> Iterator[None]:
    """What the actions refuse, as programs read it."""
    try:
        yield
    except ImageRefused as refused:
        wrong = Mistake(refused.field, refused.rule, refused.message, refused.suggestion)
        near = f" Nearest that passes: {refused.suggestion}." if refused.suggestion else ""
        raise ApiError(refused.message + near, refused.status, [wrong]) from refused
    except Refusal as refusal:
        raise ApiError(said(refusal), refusal.status) from refusal
    except IntegrationError as error:
        raise ApiError("The git host does not answer. Try again in a moment.", 503) from error


def _told(found: Bringing) -> dict[str, Any]:
    row = found.request
    return {
        "outcome": found.outcome, "image": found.image, "before": list(found.before),
        "request": row.ref if row else None, "state": row.state if row else None,
        "pull_request": row.pull_number if row else None, "url": row.get_absolute_url() if row else None,
    }  # fmt: skip


def who_asks(asked: Asked) -> User:
    """The person, or the account that stands for the team whose token it is."""
    if asked.user.pk is not None:
        return User.objects.get(pk=asked.user.pk)
    return accounts.program_of(team=_team(asked))


def _team(asked: Asked) -> Team:
    team: Team = asked.user.token.team
    return team


def service_of(wanted: str, asked: Asked) -> Entity:
    """The component that is meant; of one that is not there, the nearest of those this one may name."""
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


OPERATIONS: Final = [image_bring, promotion_compare, promotion_open]
