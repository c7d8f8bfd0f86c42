import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0011_docs'),
    ]

    operations = [
        migrations.AddField(
            model_name='entity',
            name='facts',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), help_text='What programs ask by.', null=True, size=None),
        ),
    ]
