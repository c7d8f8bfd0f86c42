"""The Kubernetes API over plain HTTP: raw JSON in and out, an error family of our own, no typed models."""
