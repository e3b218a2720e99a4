//! What the screen wants of a cluster.

use std::collections::BTreeSet;

use super::ZoomQuery;
use crate::api::EnvironmentKey;
use crate::api::strategy::Track;

/// What the screen wants; only the newest counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::tui) struct Subscriptions {
    /// The environment whose curves are to be fresh.
    pub(in crate::tui) focus: Option<EnvironmentKey>,
    /// The second workloads that run there.
    pub(in crate::tui) second: Option<Track>,
    /// The pane that is zoomed.
    pub(in crate::tui) zoom: Option<ZoomQuery>,
    /// Grows with every wish for fresh curves at once.
    pub(in crate::tui) refresh: u64,
    /// Grows with every refusal that makes permissions worth asking for again.
    pub(in crate::tui) permissions: u64,
    /// Namespaces whose events are wanted.
    pub(in crate::tui) events: BTreeSet<Box<str>>,
}
