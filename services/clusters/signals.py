"""News from the clusters for higher apps."""

from django.dispatch import Signal

# entity_ref: str, environment: Environment. What runs there changed in health, version or generation.
workload_changed = Signal()
