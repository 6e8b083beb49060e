"""What a reviewer would ask, one file per question, each with ``ENTRY``: clauses, remedy, and what tells."""
