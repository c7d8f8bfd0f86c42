from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('effects', '0004_silence'),
    ]

    operations = [
        migrations.AddField(
            model_name='effect',
            name='tell_at',
            field=models.DateTimeField(blank=True, help_text='When to run `on_attention` (again).', null=True),
        ),
    ]
