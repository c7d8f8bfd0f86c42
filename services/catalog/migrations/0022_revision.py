"""The catalog's revision, and the relations of an entity as the API writes them, planned once a session."""

from django.db import migrations, models

WRITTEN = ("entity", "relation", "judgement", "source", "alias")
MARK = """
CREATE FUNCTION catalog_mark() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO catalog_revision (mark) VALUES (hashtextextended(gen_random_uuid()::text, 0)); RETURN NULL;
END $$
"""
TRIGGER = """
CREATE TRIGGER catalog_{table}_mark AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON catalog_{table}
FOR EACH STATEMENT EXECUTE FUNCTION catalog_mark()
"""
DROP = "DROP TRIGGER catalog_{table}_mark ON catalog_{table}"
STANDING = """(r.confidence IS NULL OR NOT EXISTS (
    SELECT FROM catalog_judgement judged WHERE judged.source_ref = {source} AND judged.verdict = 'dismissed'
    AND judged.target_ref = r.target_ref))"""
PAIRS = {
    "ownedBy": "ownerOf", "partOf": "hasPart", "providesApi": "apiProvidedBy", "consumesApi": "apiConsumedBy",
    "dependsOn": "dependencyOf", "childOf": "parentOf", "hasMember": "memberOf",
}
OTHER_WAY = " ".join(
    f"WHEN '{one}' THEN '{other}' WHEN '{other}' THEN '{one}'" for one, other in PAIRS.items()
)
# What `RelationQuerySet.standing` lets through, in both directions, each once, by type and target. A function,
# for planning it took as long as running it.
RELATIONS = f"""
CREATE FUNCTION catalog_relations_as_json(its_id bigint, its_ref text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$ BEGIN RETURN (
    SELECT coalesce(string_agg(
        '{{"type":"' || said.kind || '","targetRef":' || to_json(said.ref) || '}}', ','
        ORDER BY said.kind COLLATE "C", said.ref COLLATE "C"), '')
    FROM (
        SELECT r.type::text AS kind, r.target_ref::text AS ref FROM catalog_relation r
        WHERE r.source_id = its_id AND {STANDING.format(source="its_ref")}
        UNION SELECT CASE r.type {OTHER_WAY} END, other.ref::text
        FROM catalog_relation r JOIN catalog_entity other ON other.id = r.source_id
        WHERE r.target_id = its_id AND {STANDING.format(source="other.ref")}
    ) AS said); END $$
"""


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0021_holder_indexes'),
    ]

    operations = [
        migrations.CreateModel(
            name='Revision',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('mark', models.BigIntegerField()),
            ],
        ),
        migrations.RunSQL(
            [MARK, *(TRIGGER.format(table=table) for table in WRITTEN), RELATIONS],
            [*(DROP.format(table=table) for table in WRITTEN), "DROP FUNCTION catalog_mark",
             "DROP FUNCTION catalog_relations_as_json"],
        ),
    ]
