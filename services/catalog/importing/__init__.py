"""From descriptors to rows: what would change, what is written, what stays itself, what leaves."""
