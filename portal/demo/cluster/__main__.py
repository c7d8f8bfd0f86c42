"""Start the simulated cluster: `python -m portal.demo.cluster --port 8001 --state FILE --load DIR`."""

from portal.demo.cluster.command import main

main()
