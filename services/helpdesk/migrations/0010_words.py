import django.contrib.postgres.search
import django.db.models.deletion
from django.db import migrations, models

# A vector holds a megabyte at most: beyond some hundred kilobytes nothing is added to it any more.
FORWARDS = """
CREATE FUNCTION helpdesk_more_words(known tsvector, body text) RETURNS tsvector LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN pg_column_size(known) > 400000 THEN known
        ELSE known || to_tsvector('english', left(body, 100000)) END
$$;

CREATE FUNCTION helpdesk_reword(wanted bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    words_said tsvector;
    words_noted tsvector;
    each record;
BEGIN
    SELECT to_tsvector('english', title || ' ' || translate(entity_ref, ':/-._', '     '))
        INTO words_said FROM helpdesk_ticket WHERE id = wanted;
    words_noted := words_said;
    FOR each IN SELECT body, internal FROM helpdesk_message WHERE ticket_id = wanted ORDER BY id LOOP
        words_noted := helpdesk_more_words(words_noted, each.body);
        IF NOT each.internal THEN
            words_said := helpdesk_more_words(words_said, each.body);
        END IF;
    END LOOP;
    INSERT INTO helpdesk_ticketwords (ticket_id, said, noted) VALUES (wanted, words_said, words_noted)
        ON CONFLICT (ticket_id) DO UPDATE SET said = excluded.said, noted = excluded.noted;
END $$;

CREATE FUNCTION helpdesk_ticket_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM helpdesk_reword(NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER helpdesk_ticket_words AFTER INSERT ON helpdesk_ticket
    FOR EACH ROW EXECUTE FUNCTION helpdesk_ticket_words();
CREATE TRIGGER helpdesk_ticket_reworded AFTER UPDATE ON helpdesk_ticket FOR EACH ROW
    WHEN (OLD.title IS DISTINCT FROM NEW.title OR OLD.entity_ref IS DISTINCT FROM NEW.entity_ref)
    EXECUTE FUNCTION helpdesk_ticket_words();

CREATE FUNCTION helpdesk_message_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE helpdesk_ticketwords SET noted = helpdesk_more_words(noted, NEW.body),
        said = CASE WHEN NEW.internal THEN said ELSE helpdesk_more_words(said, NEW.body) END
        WHERE ticket_id = NEW.ticket_id;
    IF NOT FOUND THEN
        PERFORM helpdesk_reword(NEW.ticket_id);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER helpdesk_message_words AFTER INSERT ON helpdesk_message
    FOR EACH ROW EXECUTE FUNCTION helpdesk_message_words();

CREATE FUNCTION helpdesk_message_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM helpdesk_reword(OLD.ticket_id);
    PERFORM helpdesk_reword(NEW.ticket_id);
    RETURN NULL;
END $$;
CREATE TRIGGER helpdesk_message_moved AFTER UPDATE ON helpdesk_message FOR EACH ROW
    WHEN (OLD.ticket_id IS DISTINCT FROM NEW.ticket_id) EXECUTE FUNCTION helpdesk_message_moved();
"""
BACKWARDS = """
DROP TRIGGER helpdesk_message_moved ON helpdesk_message;
DROP TRIGGER helpdesk_message_words ON helpdesk_message;
DROP TRIGGER helpdesk_ticket_reworded ON helpdesk_ticket;
DROP TRIGGER helpdesk_ticket_words ON helpdesk_ticket;
DROP FUNCTION helpdesk_message_moved();
DROP FUNCTION helpdesk_message_words();
DROP FUNCTION helpdesk_ticket_words();
DROP FUNCTION helpdesk_reword(bigint);
DROP FUNCTION helpdesk_more_words(tsvector, text);
"""


class Migration(migrations.Migration):

    dependencies = [
        ('helpdesk', '0009_mail_senders'),
    ]

    operations = [
        migrations.CreateModel(
            name='TicketWords',
            fields=[
                ('ticket', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='words', serialize=False, to='helpdesk.ticket')),
                ('said', django.contrib.postgres.search.SearchVectorField()),
                ('noted', django.contrib.postgres.search.SearchVectorField()),
            ],
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
