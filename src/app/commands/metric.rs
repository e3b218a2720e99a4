//! `metric`.

use super::prelude::*;
use crate::app::ui_state::MetricPane;

pub(super) const COMMAND: Command = Command {
    id: "metric",
    title: "metric",
    help: "Show the other metric where there is room for one only",
    keys: &[KeyChord::char('m')],
    scope: Scope::Cluster,
    group: Group::Looking,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, _| {
        store.ui.metric = match store.ui.metric {
            MetricPane::ErrorRate => MetricPane::Latency,
            MetricPane::Latency => MetricPane::ErrorRate,
        };
        Vec::new()
    },
};
