"""An index for each order a list is read in, so that a page costs what it shows and not what there is."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('catalog', '0009_search'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='entity',
            index=models.Index(fields=['kind', 'name', 'id'], name='catalog_list_kind'),
        ),
        AddIndexConcurrently(
            model_name='entity',
            index=models.Index(fields=['owner_ref', 'name', 'id'], name='catalog_list_owner'),
        ),
        AddIndexConcurrently(
            model_name='entity',
            index=models.Index(fields=['system_ref', 'name', 'id'], name='catalog_list_system'),
        ),
        AddIndexConcurrently(
            model_name='entity',
            index=models.Index(fields=['lifecycle', 'name', 'id'], name='catalog_list_lifecycle'),
        ),
        AddIndexConcurrently(
            model_name='entity',
            index=models.Index(fields=['updated_at', 'name', 'id'], name='catalog_list_updated'),
        ),
        AddIndexConcurrently(
            model_name='entity',
            index=models.Index(condition=models.Q(('kind__in', ('Component', 'API', 'Resource', 'System', 'Domain')), ('owner__isnull', True)), fields=['name', 'id'], name='catalog_list_unowned'),
        ),
        AddIndexConcurrently(
            model_name='entity',
            index=models.Index(condition=models.Q(('state', 'active'), _negated=True), fields=['state', 'name', 'id'], name='catalog_list_state'),
        ),
    ]
