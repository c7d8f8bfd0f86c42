"""How the outside world fails, in the three ways that matter to an effect."""


class OutsideError(Exception):
    """Something outside did not work.

    `permanent`: trying again cannot help. `outcome_unknown`: it was sent and the answer was lost, so only
    reading can tell whether it happened. `retry_after`: seconds the other side asked us to wait.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        outcome_unknown: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.outcome_unknown = outcome_unknown
        self.retry_after = retry_after
