"""The past year of Larkfield: planned without a database, the same each time, then written in bulk.

`plan` says what happened and in which order; `clock` says when, counted back from now.
"""
