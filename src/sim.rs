//! The embedded world: a Kubernetes API, a Prometheus API, and applications that really roll, on loopback.
//!
//! Seeded and deterministic under a manual clock. Talks to the rest of the program over HTTP only: clients cannot tell it from
//! a cluster. `scenario` is what a world is made of, `world` how it moves, `apiserver` and `prometheus` what it is seen
//! through, `script` the other people in it, `server` the door.

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts, seconds and samples of a simulated world are far below the limits of their types"
)]

mod alertmanager;
mod apiserver;
mod kinds;
mod pod_facts;
mod prometheus;
mod registry;
mod rng;
pub mod scenario;
mod script;
pub mod server;
mod store;
mod world;

/// Why a world could not be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The scenario is wrong: origin, line, key and the values that are allowed.
    #[error("{0}")]
    Scenario(String),
    /// The port cannot be had.
    #[error("cannot listen on loopback: {0}")]
    Listen(#[source] std::io::Error),
    /// The address that the system gave cannot be written as a URL.
    #[error("the address {0} cannot be written as a URL")]
    Address(std::net::SocketAddr),
}

impl Error {
    /// Whether another try may succeed: only a port may be free again.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Listen(_))
    }
}
