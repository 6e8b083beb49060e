"""One file per method: visual, statistical (feature importance), textual."""
