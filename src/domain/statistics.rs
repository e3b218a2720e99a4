//! Sequential tests that may be looked at at any time.
//!
//! Every test is a betting game against "the canary is not worse": each interval multiplies its capital by a factor whose expectation
//! is at most 1 while that holds, given the requests of both tracks. The capital is called evidence. By Ville's inequality an equally
//! good canary ever reaches the evidence `E` with a probability of at most `1 / E`, however often and however long one looks.
//! Must not know what the numbers stand for.

pub(crate) mod bound;
pub(crate) mod dispersion;
pub mod errors;
pub(crate) mod mixture;
pub(crate) mod ridits;
pub mod trial;
