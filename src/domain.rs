//! Pure decisions: synchronous functions of observed state and time.
//!
//! Owns every rule by which a release moves and every number that a screen shows. Must not know how an object is fetched, what
//! draws it, or what time it is: instants are handed in.

pub mod age;
pub mod intent;
pub mod known_version;
pub mod pod_row;
pub mod series;
pub mod workload_row;
