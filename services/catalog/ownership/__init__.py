"""Who owns what: resolved, doubted, confirmed, handed over, and held against what people really do."""
