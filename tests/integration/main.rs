//! Tests of the whole program without a cluster: one binary, one module per subject.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on must say so and stop"
)]

mod addresses;
mod alertmanager;
mod architecture;
mod cli;
mod commands;
mod contract;
mod controller;
mod creations;
mod doctor;
mod documents;
mod double;
mod ear;
mod feeds;
mod gates;
mod kubeconfigs;
mod notify;
mod panes;
mod prometheus_failures;
mod sim;
mod verdicts;
