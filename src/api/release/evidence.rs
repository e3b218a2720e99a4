//! What the comparison of a canary with the stable track has counted so far.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::environment::StatisticalTest;
use crate::api::names::ComponentName;

/// The state of one sequential test: one analysis of one component. It is written together with the end of the last interval that is
/// in it, so that no interval counts twice; nothing but a new release resets it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// Name of the analysis.
    #[schemars(length(max = 63))]
    pub analysis: String,
    /// The component.
    pub component: ComponentName,
    /// What is tested.
    pub test: StatisticalTest,
    /// No interval that begins before this time is counted any more.
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub until: DateTime<Utc>,
    /// End of the last interval that was counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub counted: Option<DateTime<Utc>>,
    /// Share of the traffic that the router was to send to the canary then, in per cent; -1 while there is no canary.
    #[serde(default)]
    pub traffic: i32,
    /// Share that the router's objects stated then, in per cent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<i32>,
    /// Seconds that were counted.
    #[serde(default)]
    pub elapsed: f64,
    /// Share of the bets that have begun, from 0 to 1.
    #[serde(default)]
    pub begun: f64,
    /// Natural logarithm of the evidence for each alternative.
    #[serde(default)]
    #[schemars(length(max = 8))]
    pub logs: Vec<f64>,
    /// Natural logarithm of the highest evidence so far that the canary is worse.
    #[serde(default)]
    pub highest: f64,
    /// What the leading alternative has gained since it last had to start anew.
    #[serde(default)]
    pub run: f64,
    /// The smallest difference that `bound` is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<f64>,
    /// Natural logarithm of the evidence for each bet that the canary is not worse by more than the smallest difference.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub bound: Vec<f64>,
    /// How unevenly the stable track's pods share what is counted.
    #[serde(default)]
    pub spread: Spread,
    /// Everything that was counted.
    #[serde(default)]
    pub total: Counts,
    /// What was counted since the present trouble began, if there is any.
    #[serde(default)]
    pub recent: Counts,
    /// What had been counted of it when the evidence was highest.
    #[serde(default)]
    pub at_highest: Counts,
}

/// Sums from which the overdispersion is estimated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Spread {
    /// Squares per degree of freedom, weighted by events.
    pub squares: f64,
    /// Events.
    pub events: f64,
    /// Degrees of freedom.
    pub degrees: f64,
    /// Errors of the stable track's only pod in an interval that waits for its neighbour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors_before: Option<f64>,
    /// Requests in that interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_before: Option<f64>,
}

/// Requests and failed requests of both tracks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Counts {
    /// Requests of the canary.
    pub requests: f64,
    /// Failed requests of the canary.
    pub errors: f64,
    /// Requests of the stable track.
    pub stable_requests: f64,
    /// Failed requests of the stable track.
    pub stable_errors: f64,
}
