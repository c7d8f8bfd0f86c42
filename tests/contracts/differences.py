"""What the simulated cluster, which is also the fake of the tests, does otherwise than a real API server.

Data: `docs/clusters.md` holds the same table, and a test holds each line of it against both.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    what: str
    simulated: str
    real: str
    why: str


ALONE = "the API server of the tests runs without the controllers of a cluster"
OLD = "it is Kubernetes 1.20; the simulated cluster is 1.33"
UNUSED = "the portal never does it"

DIFFERENCES = {
    "foreground": Difference(
        "Foreground deletion", "gone at once, with what it owned", "waits for a collector", ALONE
    ),
    "orphan": Difference(
        "Orphaning deletion", "gone at once, what it owned stays", "waits for a collector", ALONE
    ),
    "namespace": Difference("a deleted namespace", "goes when it is empty", "stays Terminating", ALONE),
    "rollout": Difference("a new Deployment", "gets pods", "gets none", ALONE),
    "service": Difference("a new Service", "has no address", "has an address", "nothing connects to it"),
    "log": Difference("the log of a container that waits", "400, waiting to start", "204, empty", ALONE),
    "strict": Difference("`fieldValidation=Strict`", "400, unknown field", "201, dropped", OLD),
    "cronjob": Difference("CronJob of batch/v1", "served", "unknown", OLD),
    "budget": Difference("PodDisruptionBudget of policy/v1", "served", "unknown", OLD),
    "autoscaler": Difference("HorizontalPodAutoscaler of autoscaling/v2", "served", "unknown", OLD),
    "policy": Difference("ValidatingAdmissionPolicy", "kept, not enforced", "unknown", OLD),
    "yaml": Difference("a body in YAML", "415", "201", "the portal sends JSON"),
    "applied-yaml": Difference("an apply in YAML", "400", "201", "the portal sends JSON, which is YAML"),
    "null": Difference("an empty body", "400, not an object", "422, no name", UNUSED),
    "kind": Difference("an apply of another kind than the address's", "400", "500", UNUSED),
    "group": Difference(
        "a group nobody knows", "404 as a Status", "404 as text", "the client reads the code"
    ),
    "table": Difference("a list as a table", "a list", "a table", "kubectl asks for it; it prints lists too"),
    "openapi": Difference("/openapi/v2", "404", "200", "kubectl validates with it"),
    "version": Difference("a watch from a version that is none", "400", "500", UNUSED),
    "keyed": Difference(
        "keyed lists of custom resources", "replaced as a whole", "merged by key", "its schemas say no keys"
    ),
    "quantity": Difference(
        "a quantity that is none", "201", "400", "the portal's own checks refuse it before"
    ),
    "limits": Difference(
        "LimitRange", "kept, not applied", "fills in defaults", "no rollout of the demo needs it"
    ),
}
NOT_COMPARED = (
    "how often a watch sends bookmarks: after ten seconds of silence here, about once a minute there",
    "admission webhooks, exec, attach, port-forward and proxy: not simulated, and never used",
)
