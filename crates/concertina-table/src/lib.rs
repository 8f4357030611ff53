//! Tidy tables: typed columns, one row per observation; CSV, JSON and Parquet.
