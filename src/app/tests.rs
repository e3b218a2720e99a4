//! The terminal's logic as a whole: worlds, keys typed, what is wanted and shown.

mod causes;
mod components;
mod confirming;
mod differences;
mod events;
mod failed;
mod fold;
mod guarding;
mod handoff;
mod keys;
mod logs;
mod pods;
mod random;
mod shifting;
mod views;
mod zoom;
