"""What was merged before gets its row: which blueprint made it, and in which version."""

from django.db import migrations

FILL = """
INSERT INTO onboarding_made (entity_ref, blueprint, digest, version, request_id)
SELECT DISTINCT ON (ref) ref, blueprint, digest, '', request FROM (
    SELECT entity_ref AS ref, blueprint, digest, id AS request, number FROM onboarding_request
    WHERE kind = 'form' AND merge_sha <> '' AND entity_ref <> '' AND digest <> ''
    UNION ALL
    SELECT p.entity_ref, p.blueprint, p.digest, r.id, r.number
    FROM onboarding_requestpart p JOIN onboarding_request r ON r.id = p.request_id WHERE r.merge_sha <> ''
) found ORDER BY ref, number DESC
ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [
        ("onboarding", "0010_versions"),
    ]

    operations = [
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
