//! What an Argo Rollout says of itself while a release drives it, and what it has been asked to do.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::names::ComponentName;

/// The Argo Rollout that runs a component.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RolloutProgress {
    /// The component.
    pub component: ComponentName,
    /// `Healthy`, `Progressing`, `Paused` or `Degraded`, by Argo's own rules.
    #[schemars(length(max = 16))]
    pub phase: String,
    /// Why, in Argo's words.
    #[schemars(length(max = 512))]
    pub message: String,
    /// Its steps in Argo's words; empty for a blue-green strategy.
    #[schemars(length(max = 64), inner(length(max = 128)))]
    pub steps: Vec<String>,
    /// Index of the present step, from 0; equal to their number when all are done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<i32>,
    /// Share of the traffic that its steps ask for by now, in per cent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<i32>,
    /// Share that its router states, or that its pods amount to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual: Option<i32>,
    /// Hash of the template that is stable.
    #[schemars(length(max = 63))]
    pub stable: String,
    /// Hash of the template that is wanted.
    #[schemars(length(max = 63))]
    pub current: String,
    /// Its analysis runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 4))]
    pub analyses: Vec<RolloutAnalysis>,
    /// What it was asked to do and has not been seen to do yet: the intent that stands here before it is carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<RolloutAsk>,
}

/// One analysis run of an Argo Rollout.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RolloutAnalysis {
    /// Name of the AnalysisRun.
    #[schemars(length(max = 253))]
    pub name: String,
    /// `step`, `background`, `pre-promotion` or `post-promotion`.
    #[schemars(length(max = 16))]
    pub role: String,
    /// `Pending`, `Running`, `Successful`, `Failed`, `Error` or `Inconclusive`.
    #[schemars(length(max = 16))]
    pub phase: String,
    /// Argo's message.
    #[schemars(length(max = 256))]
    pub message: String,
}

/// Something that an Argo Rollout is asked to do, with what was seen of it then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RolloutAsk {
    /// What.
    pub verb: RolloutVerb,
    /// The step that it stood at, where it has steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<i32>,
    /// Hash of the template that was wanted.
    #[schemars(length(max = 63))]
    pub current: String,
    /// Whether anything paused it.
    pub paused: bool,
    /// When.
    #[schemars(regex(pattern = crate::api::time::DATE_TIME))]
    pub at: DateTime<Utc>,
}

/// What an Argo Rollout can be asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum RolloutVerb {
    /// End the pause; where nothing pauses it, go to the next step.
    Promote,
    /// Skip what is left of its steps, pauses and analyses.
    PromoteFull,
    /// Stay at the present step.
    Pause,
    /// End the pause, whoever began it.
    Resume,
    /// Send the traffic back to the stable version.
    Abort,
    /// Leave the aborted state, towards the new version.
    Retry,
}

impl RolloutVerb {
    /// The word as objects write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Promote => "Promote",
            Self::PromoteFull => "PromoteFull",
            Self::Pause => "Pause",
            Self::Resume => "Resume",
            Self::Abort => "Abort",
            Self::Retry => "Retry",
        }
    }
}
