//! Release Cockpit: a terminal cockpit for releasing software on Kubernetes.
//!
//! Layers, and the direction of imports:
//!
//! ```text
//! api <- domain <- config, sanitize, time <- {workload, traffic, gate, notify, metrics, cluster} <- controller
//! domain, config <- app <- ui <- tui          sim -> domain, api, config, time          cli, main -> everything
//! ```
//!
//! `api` is what etcd stores; `domain` decides, purely; the adapters in the middle do IO; `controller` executes releases; `app`
//! is the terminal's logic, `ui` its drawing, `tui` its loop; `sim` is a simulator behind the real APIs. `assets/docs/architecture.md`
//! says more.

#![warn(unreachable_pub)]
#![warn(clippy::missing_docs_in_private_items)]

pub mod api;
pub mod app;
pub mod cli;
pub mod cluster;
pub mod config;
pub mod controller;
pub mod domain;
pub mod gate;
pub mod metrics;
pub mod notify;
pub mod sanitize;
pub mod sim;
pub mod time;
pub mod traffic;
pub mod tui;
pub mod ui;
pub mod workload;
