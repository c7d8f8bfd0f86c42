"""A handler of a test's own, and rows for it."""

import pytest
from django.db import transaction

from services.effects import actions, handlers
from services.effects.models import Effect


@pytest.fixture
def handler():
    """Registers a handler for the kind "test" and removes it again."""

    def register(run, **options):
        handlers.register("test", **options)(run)

    yield register
    handlers._handlers.pop("test", None)


def queue(key="1", **options) -> Effect:
    with transaction.atomic():
        return actions.enqueue(kind="test", key=key, **options)
