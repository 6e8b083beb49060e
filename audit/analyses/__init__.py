"""One file per question about vendors, sites and subgroups: observations in, rows of ANALYSES out."""
