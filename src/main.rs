//! The program `release-cockpit`.

fn main() {}
