"""The product's settings, with crash points that can be armed and leases sixty times shorter."""

from portal.settings import *  # noqa: F403  # all of them, and two more

TESTING = True
EFFECTS_PACE = 1 / 60
