"""A request proposed, commented, merged and closed on GitHub, GitLab and Gitea while they fail."""

import pytest

from tests.faults.abroad import Abroad
from tests.faults.abroad_seen import judged, told
from tests.faults.forges import forges
from tests.onboarding.conftest import *  # noqa: F403  # fixtures: a company to ask in

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]


def test_nothing_is_lost_or_doubled_on_hosts_that_fail(world, tmp_path, settings) -> None:
    """Twenty faults, the same each time; `make faults` goes through all there are, and on by chance."""
    settings.GIT_NETWORKS, settings.HTTP_TIMEOUT = ["127.0.0.0/8"], 0.4
    with forges(tmp_path) as served:
        run = Abroad(served, seed=7, wanted=20)
        run.run()
        found = told(run, judged(run))
        assert found["violations"] == []
        assert found["faults"] == 20
        assert len(found["recoveries"]) == found["faults"]
        assert max(found["recoveries"]) < 300
        forge = served["github"].forge
        pull = forge.pulls[1]
        forge.say(pull, pull.notes[0].body)
        served["gitea"].forge.pulls[1].notes.clear()
        assert {each.kind for each in judged(run)} == {"doubled", "lost"}, "the judge sees both"
