"""Keeping cluster tokens sealed."""

from services.integrations.sealing import CannotOpen, Sealer

__all__ = ["CannotOpen", "seal", "unseal"]
_sealer = Sealer("slipway cluster token")
seal, unseal = _sealer.seal, _sealer.unseal
