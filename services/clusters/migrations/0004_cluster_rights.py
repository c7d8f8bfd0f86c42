from django.db import migrations, models
from django.db.models import Value


class Migration(migrations.Migration):
    dependencies = [("clusters", "0003_previews")]

    operations = [
        migrations.AddField(
            "cluster",
            "rights",
            models.JSONField(blank=True, db_default=Value({}, models.JSONField()), default=dict),
        )
    ]
