//! The terminal's logic as a whole: worlds, keys typed, what is wanted and shown.

mod fold;
mod guarding;
mod keys;
mod random;
mod shifting;
