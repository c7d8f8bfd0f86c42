from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Finds references to nothing; built beside the writes that go on."""

    atomic = False

    dependencies = [("catalog", "0005_ownership")]

    operations = [
        AddIndexConcurrently(
            model_name="relation",
            index=models.Index(
                fields=["target_ref", "id"],
                condition=models.Q(target__isnull=True),
                name="catalog_relation_dangling",
            ),
        ),
    ]
