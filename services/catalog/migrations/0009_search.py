"""Search by words, their beginnings, parts and slips; numbers of each value, kept by triggers; saved views."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import django.db.models.fields.json
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

from services.catalog.finding import vocabulary


# What is counted of an entity: (field, value). `unowned` is what EntityQuerySet.without_owner finds.
VALUES = """
CREATE FUNCTION catalog_tally_values(
    kind text, type text, lifecycle text, owner_ref text, system_ref text, state text, owner_id bigint, tags jsonb
) RETURNS TABLE (field text, value text) LANGUAGE sql IMMUTABLE AS $$
    SELECT f.field, f.value FROM (VALUES
        ('kind', 'any'), ('type', type), ('lifecycle', lifecycle), ('owner', owner_ref), ('system', system_ref),
        ('state', state),
        ('unowned', CASE WHEN owner_id IS NULL
            AND kind IN ('Component', 'API', 'Resource', 'System', 'Domain') THEN 'yes' ELSE '' END)
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
    e.kind, e.type, e.lifecycle, e.owner_ref, e.system_ref, e.state, e.owner_id, e.metadata -> 'tags') v
GROUP BY v.field, e.kind, v.value HAVING sum(e.sign) <> 0
"""
SIDE = "SELECT kind, type, lifecycle, owner_ref, system_ref, state, owner_id, metadata, {sign} AS sign FROM {rows}"
TRIGGER = """
CREATE FUNCTION catalog_tally_{event}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {count}; RETURN NULL; END $$;
CREATE TRIGGER catalog_entity_tally_{event} AFTER {event} ON catalog_entity REFERENCING {tables}
FOR EACH STATEMENT EXECUTE FUNCTION catalog_tally_{event}();
"""
DROP = "DROP TRIGGER catalog_entity_tally_{event} ON catalog_entity; DROP FUNCTION catalog_tally_{event}()"
DROP_VALUES = "DROP FUNCTION catalog_tally_values"


def _count(**signs):
    """Add up what rows of these tables change: +1 for what is there now, -1 for what was."""
    sides = " UNION ALL ".join(SIDE.format(rows=rows, sign=sign) for rows, sign in signs.items())
    return COUNT.format(rows=f"({sides})")


def _trigger(event, tables, **signs):
    return TRIGGER.format(event=event, tables=tables, count=_count(**signs))


def learn_words(apps, schema_editor):
    """What is in the catalog already is found as well as what comes."""
    refs = apps.get_model("catalog", "Entity").objects.values_list("ref", flat=True)
    vocabulary.learn(refs)


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_sign_in_failures'),
        ('catalog', '0008_confirmation_due_before'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Word',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('word', models.TextField(unique=True)),
                ('marks', django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), size=None)),
            ],
            options={
                'indexes': [django.contrib.postgres.indexes.GinIndex(fastupdate=False, fields=['marks'], name='catalog_word_marks')],
            },
        ),
        migrations.CreateModel(
            name='Tally',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('field', models.CharField(max_length=20)),
                ('kind', models.CharField(max_length=63)),
                ('value', models.TextField()),
                ('number', models.BigIntegerField()),
                ('folded', models.BooleanField(db_default=False, default=False)),
            ],
            options={
                'verbose_name_plural': 'tallies',
                'indexes': [
                    models.Index(fields=['field', 'kind', 'value'], name='catalog_tally_value'),
                    models.Index(condition=models.Q(('folded', False)), fields=['id'], name='catalog_tally_new'),
                ],
            },
        ),
        migrations.CreateModel(
            name='SavedView',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=60)),
                ('query', models.CharField(blank=True, help_text='What stands in the URL after `?`.', max_length=2000)),
                ('deleted_at', models.DateTimeField(null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='catalog_views', to=settings.AUTH_USER_MODEL)),
                ('team', models.ForeignKey(help_text='Shared with it.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='catalog_views', to='accounts.team')),
            ],
            options={
                'ordering': ['name', 'pk'],
                'constraints': [
                    models.UniqueConstraint(condition=models.Q(('deleted_at__isnull', True), ('team__isnull', True)), fields=('owner', 'name'), name='catalog_view_name_once'),
                    models.UniqueConstraint(condition=models.Q(('deleted_at__isnull', True), ('team__isnull', False)), fields=('team', 'name'), name='catalog_view_team_name_once'),
                ],
            },
        ),
        migrations.CreateModel(
            name='StartView',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='catalog_start', to=settings.AUTH_USER_MODEL)),
                ('view', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='starts', to='catalog.savedview')),
            ],
        ),
        migrations.RemoveIndex(model_name='entity', name='catalog_entity_search'),
        migrations.RemoveField(model_name='entity', name='search'),
        migrations.AddField(
            model_name='entity',
            name='search',
            field=models.GeneratedField(db_persist=True, expression=django.contrib.postgres.search.CombinedSearchVector(django.contrib.postgres.search.CombinedSearchVector(django.contrib.postgres.search.CombinedSearchVector(django.contrib.postgres.search.SearchVector(models.Func('name', models.Value('-_.:/@+#[]",'), models.Value('            '), function='translate', output_field=models.TextField()), config='simple', weight='A'), '||', django.contrib.postgres.search.SearchVector(models.Func('title', models.Value('-_.:/@+#[]",'), models.Value('            '), function='translate', output_field=models.TextField()), config='simple', weight='A'), django.contrib.postgres.search.SearchConfig('simple')), '||', django.contrib.postgres.search.SearchVector(models.Func(django.db.models.functions.text.Left(django.db.models.fields.json.KeyTextTransform('tags', 'metadata'), 10000), models.Value('-_.:/@+#[]",'), models.Value('            '), function='translate', output_field=models.TextField()), config='simple', weight='B'), django.contrib.postgres.search.SearchConfig('simple')), '||', django.contrib.postgres.search.SearchVector(models.Func('description', models.Value('-_.:/@+#[]",'), models.Value('            '), function='translate', output_field=models.TextField()), config='simple', weight='C'), django.contrib.postgres.search.SearchConfig('simple')), output_field=django.contrib.postgres.search.SearchVectorField()),
        ),
        migrations.AddIndex(
            model_name='entity',
            index=django.contrib.postgres.indexes.GinIndex(fastupdate=False, fields=['search'], name='catalog_entity_words'),
        ),
        migrations.RunSQL(
            [
                VALUES,
                _trigger("insert", "NEW TABLE AS added", added=1),
                _trigger("delete", "OLD TABLE AS taken", taken=-1),
                _trigger("update", "OLD TABLE AS taken NEW TABLE AS added", added=1, taken=-1),
                _count(catalog_entity=1),
            ],
            [DROP.format(event=event) for event in ("insert", "delete", "update")] + [DROP_VALUES],
        ),
        migrations.RunPython(learn_words, migrations.RunPython.noop),
    ]
