"""The product's settings, with crash points to arm, short leases, and a cluster on this machine."""

from portal.settings import *  # noqa: F403  # all of them, and three more

TESTING = True
EFFECTS_PACE = 1 / 60
CLUSTER_NETWORKS = ["127.0.0.0/8"]
