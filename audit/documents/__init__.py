"""What a finished audit says: its documents, their revisions and signatures, and what they still lack."""
