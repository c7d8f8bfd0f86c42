import django.contrib.postgres.indexes
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import connection, migrations, models
from django.db.models import Q

AT_ONCE = 2_000
OPEN = Q(('state__in', ('new', 'triaged', 'in_progress', 'waiting_requester', 'waiting_external', 'converted')))
ALL = """
SELECT count(helpdesk_reword(found.id)), max(found.id) FROM (
    SELECT t.id FROM helpdesk_ticket t WHERE t.id > %s
    AND NOT EXISTS (SELECT FROM helpdesk_ticketwords w WHERE w.ticket_id = t.id) ORDER BY t.id LIMIT %s
) AS found
"""


def reword(apps, schema_editor):
    """The words of tickets that were there before; some thousand at once, so that nobody waits long."""
    last = 0
    with connection.cursor() as cursor:
        while last is not None:
            cursor.execute(ALL, [last, AT_ONCE])
            _, last = cursor.fetchone()


def index(name, *fields, **options):
    return AddIndexConcurrently(
        model_name='ticket', index=models.Index(fields=list(fields), name=name, **options)
    )


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('helpdesk', '0010_words'),
    ]

    operations = [
        migrations.RunPython(reword, migrations.RunPython.noop),
        AddIndexConcurrently(
            model_name='ticketwords',
            index=django.contrib.postgres.indexes.GinIndex(fields=['noted'], name='helpdesk_words_noted'),
        ),
        index('helpdesk_ranked', 'priority', 'created_at', 'id'),
        index('helpdesk_ranked_newest', 'priority', '-created_at', 'id'),
        index('helpdesk_by_state', 'state', '-created_at', 'id'),
        index('helpdesk_by_title', 'title', 'id'),
        index('helpdesk_changed', '-updated_at', '-id'),
        index('helpdesk_open', 'priority', 'created_at', 'id', condition=OPEN),
        index('helpdesk_open_age', 'created_at', 'id', condition=OPEN),
        index('helpdesk_open_tally', 'state', 'assignee', condition=OPEN),
        index('helpdesk_answered_at', 'first_response_at', condition=Q(first_response_at__isnull=False)),
        index('helpdesk_private', '-created_at', condition=Q(private=True)),
        AddIndexConcurrently(
            model_name='ticketevent',
            index=models.Index(
                condition=Q(kind='state', from_state='resolved', to_state='in_progress'),
                fields=['ticket'], name='helpdesk_reopened',
            ),
        ),
        RemoveIndexConcurrently(model_name='message', name='helpdesk_said'),
        RemoveIndexConcurrently(model_name='ticket', name='helpdesk_found'),
    ]
