import django.contrib.postgres.fields
from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models

SCOPES = [
    ("catalog:read", "Read the catalog"),
    ("catalog:write", "Change the catalog: put descriptors, read sources again, apply what they bring"),
    ("ownership:write", "Confirm what teams own, confirm or dismiss derived dependencies"),
    ("images:write", "Bring new images to the services of its team"),
    ("previews:write", "Bring up previews of the services of its team, and end them"),
    ("requests:read", "Read requests and where they stand"),
    ("requests:write", "Approve, reject and withdraw requests"),
    ("tickets:read", "Read tickets"),
    ("tickets:write", "Open tickets and reply to them"),
]


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0007_image_scope"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="apitoken",
            name="accounts_token_scopes",
        ),
        migrations.AlterField(
            model_name="apitoken",
            name="scopes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(choices=SCOPES, max_length=30), size=None
            ),
        ),
        AddConstraintNotValid(
            model_name="apitoken",
            constraint=models.CheckConstraint(
                condition=models.Q(("scopes__contained_by", [name for name, _ in SCOPES])),
                name="accounts_token_scopes",
            ),
        ),
        ValidateConstraint(model_name="apitoken", name="accounts_token_scopes"),
    ]
