"""What an action of the catalog says when it cannot be done."""

from services.catalog.descriptors.problems import Found


class Refused(ValueError):
    """An action that cannot be done now; the text is for the person who asked."""


class DescriptorRefused(Refused):
    """A descriptor the catalog does not take; `problems` say why."""

    def __init__(self, problems: list[Found]) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems
