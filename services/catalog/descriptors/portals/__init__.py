"""Files that other portals keep beside the code, as entities of ours: Compass, OpsLevel, Cortex, Score.

Each module says whether a document is its own (`recognise`) and what it tells (`read`). What has no place in
our entities is named in the report, never dropped in silence.
"""

from services.catalog.descriptors.portals import compass, cortex, opslevel, score
from services.catalog.descriptors.portals.shapes import Taken, Yaml

__all__ = ["Taken", "take"]
PORTALS = {"Compass": compass, "OpsLevel": opslevel, "Cortex": cortex, "Score": score}


def take(file: str, data: Yaml) -> Taken | None:
    """What another portal's document tells; None when it is nobody's."""
    name = file.rpartition("/")[2].lower()
    for title, portal in PORTALS.items():
        if portal.recognise(name, data):
            taken: Taken = portal.read(data)
            taken.portal = title
            return taken
    return None
