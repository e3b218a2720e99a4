//! Pure decisions: synchronous functions of observed state and time.
//!
//! Owns every rule by which a release moves and every number that a screen shows. Must not know how an object is fetched, what
//! draws it, or what time it is: instants are handed in. No number overflows:
//! what objects and servers say may be as large as it likes.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

pub(crate) mod action;
pub(crate) mod action_already;
pub(crate) mod action_rule;
pub mod address;
pub(crate) mod age;
pub mod alert_history;
pub(crate) mod alert_row;
pub mod alert_rules;
pub(crate) mod alerts;
pub(crate) mod analysis;
pub(crate) mod approval;
pub mod argo_rollout;
pub(crate) mod attested;
pub mod audit;
pub(crate) mod burn_rate;
pub(crate) mod component;
pub(crate) mod config_drift;
pub(crate) mod containers;
pub(crate) mod debt;
pub(crate) mod delivery;
pub(crate) mod diagnosis;
pub mod difference;
pub(crate) mod disruption_budget;
pub(crate) mod driver;
pub(crate) mod environment_action;
pub(crate) mod event_row;

pub(crate) mod freeze;
pub(crate) mod gate;
pub(crate) mod governing;
pub mod health;
pub(crate) mod hex;
pub(crate) mod identity;
pub(crate) mod image_version;
pub(crate) mod intent;
pub(crate) mod judged;
pub(crate) mod known_version;
pub(crate) mod labelled;
pub mod lane;
pub mod log;
pub mod measure;
pub mod notice;
pub(crate) mod object_name;
pub(crate) mod outcome;
pub mod pane;
pub(crate) mod plan;
pub mod pod_row;
pub mod query;
pub(crate) mod resume;
pub(crate) mod rollback;
pub mod rollout;
pub mod rollout_status;
pub(crate) mod rollout_verdict;
pub(crate) mod secret_use;
pub(crate) mod selector_gap;
pub mod series;
pub(crate) mod shared_workload;
pub mod silence;
pub mod sliding;
pub(crate) mod soak;
pub(crate) mod span;
pub mod statistics;
pub(crate) mod step_words;
pub(crate) mod template_diff;
pub(crate) mod timeline;
pub(crate) mod track;
pub(crate) mod undecodable;
pub(crate) mod usage;
pub(crate) mod version;
pub(crate) mod version_outcome;
pub mod watch_state;
pub(crate) mod way_back;
pub(crate) mod weight;
pub(crate) mod why;
pub(crate) mod will_it_stick;
pub(crate) mod window;
pub(crate) mod workload_kind;
pub(crate) mod workload_row;

#[cfg(test)]
pub(crate) mod fixtures;
