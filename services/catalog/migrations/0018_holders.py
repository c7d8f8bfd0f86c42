"""Who answers for each entity, beside it, so that lists ask for it as they ask for anything else.

What may have changed that is noted by triggers, in the same transaction; `ownership.settling` takes the notes.
"""

import django.db.models.deletion
from django.db import migrations, models

OWNABLE = "('Component', 'API', 'Resource', 'System', 'Domain')"
# Until the notes are taken: whoever is named. What is inherited, and who is dead, is seen then.
NAMED = f"""
CREATE FUNCTION catalog_entity_named() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    NEW.holder_ref := CASE WHEN NEW.kind IN {OWNABLE} THEN NEW.owner_ref ELSE '' END;
    NEW.standing := CASE WHEN NEW.kind NOT IN {OWNABLE} THEN '' WHEN NEW.owner_ref = '' THEN 'nobody'
        WHEN NEW.owner_id IS NULL THEN 'unknown' ELSE 'owned' END;
    RETURN NEW;
END $$;
CREATE TRIGGER catalog_entity_named_insert BEFORE INSERT ON catalog_entity
FOR EACH ROW EXECUTE FUNCTION catalog_entity_named();
CREATE TRIGGER catalog_entity_named_update BEFORE UPDATE ON catalog_entity FOR EACH ROW
WHEN ((OLD.kind, OLD.owner_ref, OLD.owner_id) IS DISTINCT FROM (NEW.kind, NEW.owner_ref, NEW.owner_id))
EXECUTE FUNCTION catalog_entity_named();
"""
# An empty reference means that who can answer may have changed.
NOTES = {
    ("entity", "insert", "NEW TABLE AS added"): f"""
        SELECT ref FROM added WHERE kind IN {OWNABLE}
        UNION ALL SELECT '' WHERE EXISTS (SELECT FROM added WHERE kind IN ('Group', 'User'))""",
    ("entity", "delete", "OLD TABLE AS taken"): """
        SELECT ref FROM taken WHERE kind IN ('System', 'Domain')
        UNION ALL SELECT '' WHERE EXISTS (SELECT FROM taken WHERE kind IN ('Group', 'User'))""",
    # What has changed is in one of the two tables only, so it is there once. A join of the two would be planned
    # for as many rows as the first statement of a connection has, and kept.
    ("entity", "update", "OLD TABLE AS taken NEW TABLE AS added"): f"""
        SELECT DISTINCT ref FROM (
            SELECT id, kind, ref, name, owner_ref, owner_id, system_ref FROM taken WHERE kind IN {OWNABLE}
            UNION ALL SELECT id, kind, ref, name, owner_ref, owner_id, system_ref FROM added
            WHERE kind IN {OWNABLE}) AS both_sides
        GROUP BY id, kind, ref, name, owner_ref, owner_id, system_ref HAVING count(*) = 1
        UNION ALL SELECT '' WHERE EXISTS (
            SELECT FROM (SELECT id, ref, state FROM taken WHERE kind IN ('Group', 'User')
                UNION ALL SELECT id, ref, state FROM added WHERE kind IN ('Group', 'User')) AS people
            GROUP BY id, ref, state HAVING count(*) = 1)""",
}
LIVING = "('hasMember', 'memberOf', 'childOf', 'parentOf')"
CHANGED = """
    SELECT e.ref FROM {rows} r CROSS JOIN LATERAL (
        SELECT ref, kind FROM catalog_entity WHERE id = r.source_id OFFSET 0) AS e
    WHERE r.type = 'partOf' AND e.kind IN ('System', 'Domain')
    UNION ALL SELECT '' WHERE EXISTS (SELECT FROM {rows} WHERE type IN {living})"""
NOTES |= {
    ("relation", "insert", "NEW TABLE AS added"): CHANGED.format(rows="added", living=LIVING),
    ("relation", "delete", "OLD TABLE AS taken"): CHANGED.format(rows="taken", living=LIVING),
    ("relation", "update", "NEW TABLE AS added"): CHANGED.format(rows="added", living=LIVING),
}
NOTE = """
CREATE FUNCTION catalog_unsettle_{table}_{event}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO catalog_unsettled (ref) {noted}; RETURN NULL;
END $$;
CREATE TRIGGER catalog_{table}_unsettle_{event} AFTER {event} ON catalog_{table} REFERENCING {rows}
FOR EACH STATEMENT EXECUTE FUNCTION catalog_unsettle_{table}_{event}();
"""
PEOPLE = """
CREATE FUNCTION catalog_unsettle_people() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO catalog_unsettled (ref) VALUES (''); RETURN NULL;
END $$;
CREATE TRIGGER catalog_unsettle_people AFTER INSERT OR UPDATE OR DELETE ON accounts_membership
FOR EACH STATEMENT EXECUTE FUNCTION catalog_unsettle_people();
CREATE TRIGGER catalog_unsettle_people AFTER UPDATE ON accounts_user FOR EACH ROW
WHEN ((OLD.is_active, OLD.username) IS DISTINCT FROM (NEW.is_active, NEW.username))
EXECUTE FUNCTION catalog_unsettle_people();
CREATE TRIGGER catalog_unsettle_people_new AFTER INSERT ON accounts_user FOR EACH ROW
WHEN (NOT NEW.is_active) EXECUTE FUNCTION catalog_unsettle_people();
CREATE TRIGGER catalog_unsettle_people AFTER UPDATE ON accounts_team FOR EACH ROW
WHEN (OLD.slug IS DISTINCT FROM NEW.slug) EXECUTE FUNCTION catalog_unsettle_people();
"""
NO_MORE = [
    "DROP TRIGGER catalog_entity_named_insert ON catalog_entity",
    "DROP TRIGGER catalog_entity_named_update ON catalog_entity",
    "DROP FUNCTION catalog_entity_named",
    *(f"DROP TRIGGER catalog_{table}_unsettle_{event} ON catalog_{table}" for table, event, _ in NOTES),
    *(f"DROP FUNCTION catalog_unsettle_{table}_{event}" for table, event, _ in NOTES),
    "DROP FUNCTION catalog_unsettle_people CASCADE",
]


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_sign_in_failures'),
        ('catalog', '0017_clusters'),
    ]

    operations = [
        migrations.CreateModel(
            name='Unsettled',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('ref', models.CharField(blank=True, max_length=220)),
            ],
            options={'verbose_name_plural': 'unsettled'},
        ),
        migrations.AddField(
            model_name='entity',
            name='holder_ref',
            field=models.CharField(blank=True, db_default='', default='', help_text='Who answers for it, named or inherited.', max_length=220),
        ),
        migrations.AddField(
            model_name='entity',
            name='standing',
            field=models.CharField(blank=True, db_default='', default='', help_text='Owned, inherited, unknown, nobody.', max_length=10),
        ),
        migrations.AddField(
            model_name='entity',
            name='holder',
            field=models.ForeignObject(from_fields=['holder_ref'], null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='catalog.entity', to_fields=['ref']),
        ),
        migrations.RunSQL(
            [
                NAMED,
                *(
                    NOTE.format(table=table, event=event, rows=rows, noted=noted)
                    for (table, event, rows), noted in NOTES.items()
                ),
                PEOPLE,
            ],
            NO_MORE,
        ),
    ]
