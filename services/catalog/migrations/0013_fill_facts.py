from typing import Any

from django.db import migrations

from services.catalog.compatible.filling import fill


def fill_facts(apps: Any, schema_editor: Any) -> None:
    fill(apps.get_model("catalog", "Entity"))


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('catalog', '0012_facts'),
    ]

    operations = [
        migrations.RunPython(fill_facts, migrations.RunPython.noop),
    ]
