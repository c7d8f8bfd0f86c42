"""Keeping PostgreSQL's picture of the clusters: threads that read, one loop that writes."""
