"""Upgrades of several services at once, as effects: each for itself, so that one holds up no other."""

from typing import Any

from services.effects.handlers import Claim, Done, Later, register
from services.effects.models import Effect
from services.integrations.errors import Unavailable

from .errors import Blocked, HostSilent, Refusal
from .models import UpgradeItem


def _item(effect: Effect) -> UpgradeItem:
    return UpgradeItem.objects.get(pk=effect.payload["item"])


def _upgraded(effect: Effect, result: dict[str, Any]) -> None:
    from services.onboarding.actions import upgrading

    upgrading.upgraded(_item(effect), result)


def _gave_up(effect: Effect) -> None:
    from services.onboarding.actions import upgrading

    upgrading.upgrade_failed(_item(effect), effect.last_error)


@register("onboarding.upgrade", on_done=_upgraded, on_attention=_gave_up)
def upgrade(claim: Claim) -> Done | Later:
    """Sends the upgrade of one service; its request is found again by the item it is for."""
    from services.onboarding.actions import upgrading

    item = UpgradeItem.objects.select_related("round__created_by").get(pk=claim.payload["item"])
    try:
        row = upgrading.propose_upgrade(
            entity_ref=item.entity_ref, by=item.round.created_by, token=item.token
        )
    except HostSilent as silent:
        raise Unavailable(silent.message) from silent
    except Blocked as refusal:
        return Done({"refused": upgrading.said_of(refusal), "number": refusal.request.number})
    except Refusal as refusal:
        return Done({"refused": refusal.message})
    return Done({"number": row.number})
