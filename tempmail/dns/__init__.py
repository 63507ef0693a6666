"""Questions to the operator's resolvers, bounded in every way."""
