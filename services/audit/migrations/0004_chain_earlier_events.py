from django.db import migrations, transaction

# In the order of their ids, a few thousand a transaction: the lock of the chain is never held for long.
ASK = """
WITH waiting AS (
    SELECT e.id, audit_content(e) AS content FROM audit_event e
    WHERE e.id > %s AND NOT EXISTS (SELECT FROM audit_link l WHERE l.event_id = e.id)
    ORDER BY e.id LIMIT 5000
), asked AS (
    INSERT INTO audit_unsealed SELECT id, content FROM waiting ORDER BY id RETURNING event_id
)
SELECT max(event_id) FROM asked
"""


def chain_earlier_events(apps, schema_editor):
    """Events from before there was a chain."""
    last = 0
    while last is not None:
        with transaction.atomic(), schema_editor.connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute(ASK, [last])
            last = cursor.fetchone()[0]


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("audit", "0003_chain")]
    operations = [migrations.RunPython(chain_earlier_events, migrations.RunPython.noop)]
