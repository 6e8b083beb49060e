"""Before an audit: how many cases a claim needs, which are drawn, and the version that is registered."""
