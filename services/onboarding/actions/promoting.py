"""Bringing to one environment of a service what another one runs."""

from collections.abc import Sequence

from services.accounts.models import User
from services.integrations.errors import IntegrationError

from .. import queries
from ..errors import ContentChanged, HostSilent, ImageRefused
from ..models import Request
from . import writing
from .bringing import SILENT, Bringing, bring, check_bring


def promote(
    *, entity_ref: str, source: str, target: str, by: User, fields: Sequence[str] = (), content: str = ""
) -> Bringing:
    """Proposes the images of `source` for `target`, and of what else differs the `fields` that are named.

    `content` says what was looked at. One pull request for each service and target, as with `bring_image`.
    Refuses: somebody else's service (NotAllowed), one environment twice, one that does not have it, a field
    that does not differ, an image that is not fixed, what a guardrail stops (ImageRefused), other content
    than was looked at (ContentChanged), while the git host is silent (HostSilent).
    """
    entity = writing.entity_of(entity_ref)
    check_bring(by, entity)
    places = queries.environment_named(source, "from"), queries.environment_named(target, "to")
    if source == target:
        raise ImageRefused("That is one environment, and it has what it has.", "to", "same")
    try:
        compared = queries.comparison(entity, *places)
    except IntegrationError as error:
        raise HostSilent(SILENT) from error
    if content and content != compared.content:
        raise ContentChanged("The manifests were changed after you opened this. Please look again.")
    found = queries.promoted(compared, fields)
    said = {
        "environment": target, "from": source, "image": found.image, "before": list(found.before),
        "fields": sorted(set(fields)), "version": found.version, "reason": _told(source, target, fields),
    }  # fmt: skip
    title = f"Promote {entity.name} {found.version} from {source} to {target}"
    return bring(found, by, Request.Kind.PROMOTION, said, title)


def _told(source: str, target: str, fields: Sequence[str]) -> str:
    also = "".join(f"\n- {field}" for field in sorted(set(fields)))
    return f"What {source} runs, for {target}." + (f"\nAlso:{also}" if also else "")
