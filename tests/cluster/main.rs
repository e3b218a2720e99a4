//! Tests against a real control plane: one binary, one module per subject. `tests/cluster/run` brings one up for them; without
//! `RELEASE_COCKPIT_TEST_KUBECONFIG` they are skipped.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot go on must say so and stop; one that is skipped must say so, too"
)]

mod alerting;
#[path = "../contract/alerts.rs"]
mod alerts;
mod alone;
mod analysis;
mod approvals;
mod argo;
mod cli;
mod cockpit;
mod conformance;
#[path = "../contract/contract.rs"]
mod contract;
mod controller;
mod definitions;
mod diagnosis;
#[allow(dead_code, reason = "the integration tests use the rest")]
#[path = "../integration/ear.rs"]
mod ear;
mod endings;
mod entering;
mod exposed;
// refusals come from the real server here
#[allow(dead_code, reason = "the hermetic tests also refuse")]
#[path = "../integration/controller/faulty.rs"]
mod faulty;
mod forgery;
mod freezing;
mod invalid;
mod journey;
mod killed;
mod kubeconfigs;
mod leadership;
mod neighbours;
mod racing;
mod routers;
mod rules;
mod sets;
mod silences;
mod space;
mod stopping;
#[path = "../pty/terminal.rs"]
mod terminal;
mod way_back;
mod world;
