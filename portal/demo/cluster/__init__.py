"""The simulated cluster of the demo: it speaks the Kubernetes API and its workloads progress or fail.

Row 46: the portal runs on a laptop, without a cluster or with this one. It runs no container.
`python -m portal.demo.cluster --help` starts it; nothing here imports Django.
"""
