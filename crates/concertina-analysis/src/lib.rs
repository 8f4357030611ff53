//! Analyses of representations: one file an analysis.
