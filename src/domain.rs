//! Pure decisions: synchronous functions of observed state and time.
//!
//! Owns every rule by which a release moves and every number that a screen shows. Must not know how an object is fetched, what
//! draws it, or what time it is: instants are handed in. No number overflows:
//! what objects and servers say may be as large as it likes.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

pub mod action;
pub mod action_already;
pub mod action_rule;
pub mod address;
pub mod age;
pub mod alert_history;
pub mod alert_row;
pub mod alert_rules;
pub mod alerts;
pub mod analysis;
pub mod approval;
pub mod argo_rollout;
pub mod attested;
pub mod audit;
pub mod burn_rate;
pub mod component;
pub mod config_drift;
pub mod containers;
pub mod debt;
pub mod delivery;
pub mod diagnosis;
pub mod difference;
pub mod disruption_budget;
pub mod driver;
pub mod environment_action;
pub mod event_row;
pub mod fared;
pub mod freeze;
pub mod gate;
pub mod governing;
pub mod health;
pub mod hex;
pub mod identity;
pub mod image_version;
pub mod intent;
pub mod judged;
pub mod known_version;
pub mod labelled;
pub mod lane;
pub mod log;
pub mod measure;
pub mod notice;
pub mod object_name;
pub mod outcome;
pub mod pane;
pub mod plan;
pub mod pod_row;
pub mod query;
pub mod resume;
pub mod rollback;
pub mod rollout;
pub mod rollout_status;
pub mod rollout_verdict;
pub mod secret_use;
pub mod selector_gap;
pub mod series;
pub mod shared_workload;
pub mod silence;
pub mod sliding;
pub mod soak;
pub mod span;
pub mod statistics;
pub mod step_words;
pub mod template_diff;
pub mod timeline;
pub mod track;
pub mod undecodable;
pub mod usage;
pub mod version;
pub mod way_back;
pub mod weight;
pub mod why;
pub mod will_it_stick;
pub mod window;
pub mod workload_kind;
pub mod workload_row;

#[cfg(test)]
pub(crate) mod fixtures;
