"""What tickets are found by: the words of each in one row, kept by triggers as things are said."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models

from services.helpdesk.models.tickets import Ticket


class TicketWords(models.Model):
    """`said` are the words of title, service and public messages, `noted` those and the notes' as well.

    The database writes it (see the migration), whoever adds or moves a message; nothing else may.
    """

    ticket = models.OneToOneField(Ticket, models.CASCADE, primary_key=True, related_name="words")
    said = SearchVectorField()
    noted = SearchVectorField()

    class Meta:
        # `said` has no index of its own: what it holds is in `noted` too, and is looked up there first.
        indexes = [GinIndex(fields=["noted"], name="helpdesk_words_noted")]

    def __str__(self) -> str:
        return f"words of {self.ticket_id}"
