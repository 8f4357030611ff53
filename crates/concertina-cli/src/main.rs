//! The command `concertina`.
fn main() {}
