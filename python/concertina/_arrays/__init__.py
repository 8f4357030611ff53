"""Analyses of plain arrays: states, weights and outputs from any source. One module for each subject."""
