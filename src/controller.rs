//! The controller: observes everything that concerns a release, lets `domain::rollout` decide, and does what it says.
//!
//! Owns the loop, the leadership and every write. Must not decide anything about a release by itself. Several replicas may run; the
//! one that holds the Lease acts. It may die at any line: the intent is stored before the effect, effects are harmless when
//! repeated, and a status is only replaced in the version that it was decided on.
//!
//! `run` starts here; `feed` brings changes, `reconcile` carries one release one step further.

mod act;
mod attempt;
mod audit_chain;
mod cache;
mod claiming;
mod claims;
mod context;
mod counters;
mod credentials;
mod deadlines;
mod environment;
mod error;
mod events;
mod fault;
mod feed;
mod index;
mod lease;
mod lock;
mod may;
mod metadata;
mod metrics_http;
mod notifications;
mod observe;
mod policies;
mod rate_limiter;
mod reconcile;
mod requests;
mod restore;
mod run;
mod secret_cache;
mod shards;
mod shared;
mod status;
mod stopping;
mod turns;
mod undecodable;

pub use deadlines::Deadlines;
pub use error::Error;
pub use fault::{Cut, Faults};
pub use lease::{LeaseOptions, Me, Move, Seen, evaluate};
pub use run::{ControllerOptions, run, run_with};
pub use shards::lease_name;
