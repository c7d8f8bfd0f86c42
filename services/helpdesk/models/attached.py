"""Files that were added to what somebody said."""

from django.db import models

from services.helpdesk.models.tickets import Message


class Attachment(models.Model):
    """Never changed, and seen by whoever may read its message. `kind` was read from the bytes."""

    privileges = "SELECT, INSERT"  # of the application's role

    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="attachments")
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=40)
    size = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name
