//! The terminal's logic as a whole: worlds, keys typed, what is wanted and shown.

mod fold;
mod keys;
mod random;
