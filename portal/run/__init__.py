"""Bringing the whole portal up and down on one machine: `make up`, `make down`, `make reset`."""
