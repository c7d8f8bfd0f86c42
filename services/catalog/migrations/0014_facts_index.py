import django.contrib.postgres.indexes
import django.db.models.functions.comparison
import django.db.models.functions.text
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('catalog', '0013_fill_facts'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='entity',
            index=django.contrib.postgres.indexes.GinIndex(fastupdate=False, fields=['facts'], name='catalog_entity_facts'),
        ),
        AddIndexConcurrently(
            model_name='entity',
            index=models.Index(django.db.models.functions.comparison.Collate(django.db.models.functions.text.Lower('name'), 'C'), 'id', name='catalog_entity_low_name'),
        ),
    ]
