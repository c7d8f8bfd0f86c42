"""What the clusters do outside, as effects."""

from services.effects.handlers import Claim, Done, Later, register


@register("clusters.steer", max_attempts=4)
def steer(claim: Claim) -> Done | Later:
    """Restart, scale, run or pause, as somebody asked."""
    from services.clusters import steering

    return Done(steering.carry_out(claim.payload))
