"""Where the catalog comes from: folders, repositories, organisations, webhooks, and what programs put."""
