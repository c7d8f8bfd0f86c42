"""The docs of an entity as they were when its source was read last."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models


class DocTree(models.Model):
    """One entity's docs. `problem` says why the last reading changed nothing."""

    entity = models.OneToOneField("catalog.Entity", models.CASCADE, related_name="docs")
    title = models.CharField(max_length=200, blank=True)
    nav = models.JSONField(default=list)
    notes = models.JSONField(default=list)
    revision = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64, blank=True)
    problem = models.TextField(blank=True)
    read_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"docs of {self.entity_id}"

    @property
    def commit(self) -> str:
        """What the docs are of, where that is a commit."""
        return "" if self.revision.startswith("=") else self.revision


class DocPage(models.Model):
    """One Markdown file. `path` is relative to the folder of the docs."""

    tree = models.ForeignKey(DocTree, models.CASCADE, related_name="pages")
    path = models.CharField(max_length=300)
    title = models.CharField(max_length=200)
    text = models.TextField()
    position = models.PositiveIntegerField()
    search = models.GeneratedField(
        expression=SearchVector("title", weight="A", config="simple")
        + SearchVector("text", weight="D", config="simple"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    class Meta:
        ordering = ["position"]
        indexes = [GinIndex(fields=["search"], name="catalog_docpage_search")]
        constraints = [models.UniqueConstraint(fields=["tree", "path"], name="catalog_docpage_once")]

    def __str__(self) -> str:
        return self.title


class DocFile(models.Model):
    """A picture or another file that pages show or link to."""

    tree = models.ForeignKey(DocTree, models.CASCADE, related_name="files")
    path = models.CharField(max_length=300)
    content = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tree", "path"], name="catalog_docfile_once")]

    def __str__(self) -> str:
        return self.path
