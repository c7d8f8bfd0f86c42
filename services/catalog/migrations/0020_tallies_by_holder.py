"""The numbers of owners, and of what has none, follow who answers and not who is named."""

from django.db import migrations

VALUES = """
CREATE FUNCTION catalog_tally_values(
    kind text, type text, lifecycle text, holder_ref text, system_ref text, state text, standing text, tags jsonb
) RETURNS TABLE (field text, value text) LANGUAGE sql IMMUTABLE AS $$
    SELECT f.field, f.value FROM (VALUES
        ('kind', 'any'), ('type', type), ('lifecycle', lifecycle), ('owner', holder_ref), ('system', system_ref),
        ('state', state),
        ('unowned', CASE WHEN standing IN ('nobody', 'unknown') THEN 'yes' ELSE '' END)
    ) f(field, value) WHERE f.value <> ''
    UNION ALL
    SELECT DISTINCT 'tag', left(t.value, 200)
    FROM jsonb_array_elements_text(CASE jsonb_typeof(tags) WHEN 'array' THEN tags ELSE '[]' END) t(value)
    WHERE t.value <> ''
$$
"""
COUNT = """
INSERT INTO catalog_tally (field, kind, value, number)
SELECT v.field, e.kind, v.value, sum(e.sign) FROM {rows} e, catalog_tally_values(
    e.kind, e.type, e.lifecycle, e.holder_ref, e.system_ref, e.state, e.standing, e.metadata -> 'tags') v
{where} GROUP BY v.field, e.kind, v.value HAVING sum(e.sign) <> 0
"""
SIDE = "SELECT kind, type, lifecycle, holder_ref, system_ref, state, standing, metadata, {sign} AS sign FROM {rows}"
TRIGGER = """
CREATE OR REPLACE FUNCTION catalog_tally_{event}() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN {count}; RETURN NULL; END $$
"""
AGAIN = "DELETE FROM catalog_tally WHERE field IN ('owner', 'unowned')"
OLD = "DROP FUNCTION catalog_tally_values(text, text, text, text, text, text, bigint, jsonb)"


def _count(where: str = "", **signs: int) -> str:
    sides = " UNION ALL ".join(SIDE.format(rows=rows, sign=sign) for rows, sign in signs.items())
    return COUNT.format(rows=f"({sides})", where=where)


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0019_fill_holders'),
    ]

    operations = [
        migrations.RunSQL(
            [
                "LOCK TABLE catalog_entity IN SHARE ROW EXCLUSIVE MODE",
                VALUES,
                TRIGGER.format(event="insert", count=_count(added=1)),
                TRIGGER.format(event="delete", count=_count(taken=-1)),
                TRIGGER.format(event="update", count=_count(added=1, taken=-1)),
                AGAIN,
                _count("WHERE v.field IN ('owner', 'unowned')", catalog_entity=1),
                OLD,
            ],
        ),
    ]
