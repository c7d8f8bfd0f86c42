"""Puts the demo company into the database, a module for each step. A second run changes nothing."""
