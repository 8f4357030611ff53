//! What the tests share: golden fixtures and reference tables.
