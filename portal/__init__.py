"""Wiring and shell of the portal; it owns no domain."""

__version__ = "0.1.0"
