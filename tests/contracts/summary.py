"""The last lines of a run say how much of the contract suite ran, and against what."""

from typing import Any

from tests.contracts import peers

HERE = "tests/contracts/test_kube"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    outcomes = {
        word: [
            report.nodeid
            for report in terminalreporter.stats.get(word, [])
            if report.nodeid.startswith(HERE) and report.when in ("call", None)
        ]
        for word in ("passed", "failed")
    }
    if not any(outcomes.values()):
        return
    terminalreporter.section("Kubernetes contract suite")
    for peer, title in (("simulated", "simulated cluster"), ("real", "real API server")):
        counts = {word: sum(f"[{peer}" in node for node in nodes) for word, nodes in outcomes.items()}
        terminalreporter.write_line(f"{title}: {counts['passed']} passed, {counts['failed']} failed")
    if not peers.REAL:
        terminalreporter.write_line("No real API server: SLIPWAY_TEST_KUBECONFIG is not set.")
