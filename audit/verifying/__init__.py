"""Is everything still as it was recorded? Evidence, delivered files, sets of today, and the audit done again."""
