"""What the catalog has already gets its holders, some at a time."""

from typing import Any

from django.db import connection, migrations

OWNABLE = "('Component', 'API', 'Resource', 'System', 'Domain')"
BATCH = 2000
FILL = f"""
UPDATE catalog_entity e SET holder_ref = coalesce(t.owner_ref, now.owner_ref),
    standing = coalesce(CASE t.standing WHEN 'dead' THEN CASE t.via WHEN '' THEN 'owned' ELSE 'inherited' END
        ELSE t.standing END, CASE WHEN now.owner_ref = '' THEN 'nobody' WHEN now.owner_id IS NULL
        THEN 'unknown' ELSE 'owned' END)
FROM catalog_entity now LEFT JOIN catalog_tenure t ON t.entity_id = now.id
WHERE e.id = now.id AND now.id > %s AND now.id <= %s AND now.kind IN {OWNABLE}
"""


def fill(apps: Any, schema_editor: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM catalog_entity")
        for start in range(0, cursor.fetchone()[0], BATCH):
            cursor.execute(FILL, [start, start + BATCH])


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('catalog', '0018_holders'),
    ]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
