"""What the clusters add to the pages that belong to nobody."""


def register() -> None:
    """Nothing yet."""
