"""What the data catalogue says about every asset: columns, personal data, owners, tiers, freshness, outside sources."""
