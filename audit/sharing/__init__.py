"""What leaves an audit, and what is taken out of it: answers, exports, bundles, erased rows."""
