import pytest
from django.db import InternalError, ProgrammingError, transaction

from services.audit import actions, queries
from services.audit.models import Event
from tests.factories.people import UserFactory


@pytest.mark.django_db
def test_record_names_the_actor_and_the_object():
    user = UserFactory(username="mira", name="Mira Lindqvist")
    event = actions.record(
        by=user, action="user.renamed", obj=user, summary="Now Mira", details={"from": "x"}
    )
    assert (event.actor, event.actor_name) == ("mira", "Mira Lindqvist")
    assert list(queries.events_for(user)) == [event]


@pytest.mark.django_db
def test_record_by_the_system():
    event = actions.record(by=None, action="thing.happened", object_type="thing", object_id="1")
    assert (event.actor, event.actor_name) == ("system", "Slipway")


@pytest.mark.django_db(transaction=True)
def test_record_refuses_to_run_outside_a_transaction():
    with pytest.raises(actions.OutsideTransaction):
        actions.record(by=None, action="thing.happened", object_type="thing", object_id="1")


@pytest.mark.django_db(transaction=True)
def test_event_disappears_with_the_change_it_tells_of():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        actions.record(by=None, action="thing.happened", object_type="thing", object_id="1")
        raise ZeroDivisionError
    assert Event.objects.count() == 0


@pytest.mark.django_db
@pytest.mark.parametrize("change", ["update", "delete"])
def test_database_refuses_to_change_history(change):
    actions.record(by=None, action="thing.happened", object_type="thing", object_id="1")
    rows = Event.objects.all()
    with pytest.raises((InternalError, ProgrammingError), match="append-only"), transaction.atomic():
        rows.update(summary="never mind") if change == "update" else rows.delete()
    assert Event.objects.get().summary == ""
