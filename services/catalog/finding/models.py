"""What lists are found and counted by, and the views that people keep."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.http import QueryDict
from django.urls import reverse


class Word(models.Model):
    """A word that stands in some entity, with the marks that words alike share (`words.marks`)."""

    word = models.TextField(unique=True)
    marks = ArrayField(models.IntegerField())

    class Meta:
        indexes = [GinIndex(fields=["marks"], name="catalog_word_marks", fastupdate=False)]

    def __str__(self) -> str:
        return self.word


class Tally(models.Model):
    """How many entities of a kind have a value, or what a statement changed; written by triggers."""

    field = models.CharField(max_length=20)
    kind = models.CharField(max_length=63)
    value = models.TextField()
    number = models.BigIntegerField()
    folded = models.BooleanField(default=False, db_default=False)

    class Meta:
        verbose_name_plural = "tallies"
        indexes = [
            models.Index(fields=["field", "kind", "value"], name="catalog_tally_value"),
            models.Index(fields=["id"], name="catalog_tally_new", condition=models.Q(folded=False)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.field} {self.value}: {self.number}"


class Revision(models.Model):
    """One statement that wrote to the catalog, or many; `revisions` says what they come to."""

    mark = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.mark:x}"


class SavedView(models.Model):
    """Filters somebody gave a name, for themselves or for a team."""

    name = models.CharField(max_length=60)
    query = models.CharField(max_length=2000, blank=True, help_text="What stands in the URL after `?`.")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="catalog_views")
    team = models.ForeignKey(
        "accounts.Team", models.CASCADE, null=True, related_name="catalog_views", help_text="Shared with it."
    )
    deleted_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "name"],
                condition=models.Q(team__isnull=True, deleted_at__isnull=True),
                name="catalog_view_name_once",
            ),
            models.UniqueConstraint(
                fields=["team", "name"],
                condition=models.Q(team__isnull=False, deleted_at__isnull=True),
                name="catalog_view_team_name_once",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return f"{reverse('catalog:entity_list')}?{self.query}"

    @property
    def parameters(self) -> QueryDict:
        return QueryDict(self.query)


class StartView(models.Model):
    """The saved view a person's catalog opens with."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="catalog_start")
    view = models.ForeignKey(SavedView, models.CASCADE, related_name="starts")

    def __str__(self) -> str:
        return f"{self.user} starts with {self.view}"
