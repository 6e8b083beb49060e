"""Statistical data for a reviewer: analysis data set, estimates and their dictionary as CSV; tables in, text out."""
