"""Lists and search: filters, operators, words forgiven their slips, kept numbers, saved views."""
