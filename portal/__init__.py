"""Wiring and shell of the portal; it owns no domain."""
