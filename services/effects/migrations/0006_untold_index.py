from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('effects', '0005_tell_later'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='effect',
            index=models.Index(
                condition=models.Q(('tell_at__isnull', False)), fields=['tell_at'], name='effects_effect_untold'
            ),
        ),
    ]
