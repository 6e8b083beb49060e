"""Intervals, tests and resampling as pure functions: arrays in, small frozen values out."""
