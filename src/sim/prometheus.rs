//! The world's Prometheus: samples over time, and PromQL that is truly evaluated over them. What it cannot evaluate it refuses
//! as Prometheus refuses, and never guesses. `api` is its HTTP side.

#![allow(clippy::float_cmp, reason = "PromQL compares numbers exactly")]

pub(crate) mod api;
mod eval;
mod histogram;
mod range;
mod rules;
mod samples;
mod select;
#[cfg(test)]
mod tests;

pub(super) use rules::Rules;
pub(super) use samples::{Labels, Samples, SeriesId};
