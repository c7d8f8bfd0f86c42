"""The simulated cluster of the demo: it speaks the Kubernetes API and its workloads progress or fail.

It runs no container. `python -m portal.demo.cluster --help` starts it; nothing here imports Django.
"""
