import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.functions.text
import services.helpdesk.models.tickets
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('helpdesk', '0003_clocks_and_desk'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='message',
            index=django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.search.SearchVector(django.db.models.functions.text.Left('body', 100000), config='english'), name='helpdesk_said'),
        ),
        AddIndexConcurrently(
            model_name='ticket',
            index=models.Index(condition=models.Q(('due_at__isnull', False)), fields=['due_at'], name='helpdesk_due'),
        ),
        AddIndexConcurrently(
            model_name='ticket',
            index=models.Index(condition=models.Q(('look_at__isnull', False)), fields=['look_at'], name='helpdesk_look'),
        ),
        AddIndexConcurrently(
            model_name='ticket',
            index=django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.search.SearchVector('title', services.helpdesk.models.tickets.Spaced('entity_ref'), config='english'), name='helpdesk_found'),
        ),
    ]
