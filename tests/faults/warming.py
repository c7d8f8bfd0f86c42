"""What a worker does once in its life is done before the hands are forked: each is killed soon enough."""

from django.db import transaction

from services.onboarding.models import Request
from tests.faults.acts import submit
from tests.faults.journeys import Journey


def warm_up() -> None:
    """Evaluates, renders and submits one request, and takes it back; loads what an apply needs."""
    import services.manifests.reader
    import services.onboarding.applying  # noqa: F401

    with transaction.atomic():
        submit("warm", "mira", Journey("warm", "costly", []).answers)
        assert Request.objects.count() == 1
        transaction.set_rollback(True)
