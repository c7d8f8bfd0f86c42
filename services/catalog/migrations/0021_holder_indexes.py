from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('catalog', '0020_tallies_by_holder'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='entity',
            index=models.Index(fields=['holder_ref', 'name', 'id'], name='catalog_list_holder'),
        ),
        AddIndexConcurrently(
            model_name='entity',
            index=models.Index(condition=models.Q(('standing__in', ('nobody', 'unknown'))), fields=['name', 'id'], name='catalog_list_nobodys'),
        ),
        RemoveIndexConcurrently(model_name='entity', name='catalog_list_owner'),
        RemoveIndexConcurrently(model_name='entity', name='catalog_list_unowned'),
    ]
