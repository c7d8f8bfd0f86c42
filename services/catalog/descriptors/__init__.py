"""Backstage-compatible entity descriptors: reading, checking, relations. Pure Python, no database.

Facts about the format: https://backstage.io/docs/features/software-catalog/descriptor-format
"""
