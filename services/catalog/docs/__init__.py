"""The docs of entities: Markdown trees beside their descriptors, kept here and drawn on their pages."""
