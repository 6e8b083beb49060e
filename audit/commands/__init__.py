"""The commands of `audit`, one file each: a command is a file with ``ENTRY``."""
