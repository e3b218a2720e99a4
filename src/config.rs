//! Settings: what a person may choose, where each value came from, and the words in which it is written.
//!
//! Owns the layers (defaults, file, environment variables, flags), key names, the key map and the theme as plain data.
//! Must not know how anything is drawn (`ui`), nor what a command does (`app`).

pub mod key;
