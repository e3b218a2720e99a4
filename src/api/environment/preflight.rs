//! Checks before anything is changed. A kind is a row of the table below with its settings, and a file of `crate::gate` that asks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Gates, SecretKeyRef};

/// How often a check is asked for one release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Once, about all components that change.
    Once,
    /// Once per component that changes.
    PerComponent,
}

/// What is the same for every check of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreflightKind {
    /// Name, as `status.gates` spells it.
    pub name: &'static str,
    /// How often it is asked.
    pub asked: Asked,
    /// Who can make a check pass that does not.
    pub cleared_by: &'static str,
}

macro_rules! preflights {
    ($($(#[doc = $doc:literal])* $kind:ident: $name:literal, $asked:ident, cleared by $who:literal;)*) => {
        /// A check before anything is changed.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "camelCase")]
        pub enum Preflight {
            $($(#[doc = $doc])* $kind($kind),)*
        }

        impl Preflight {
            /// The row of this check's kind.
            #[must_use]
            pub const fn kind(&self) -> &'static PreflightKind {
                match self {
                    $(Self::$kind(_) => &PreflightKind { name: $name, asked: Asked::$asked, cleared_by: $who },)*
                }
            }
        }
    };
}

preflights! {
    /// The image exists in its registry for these platforms.
    ImageExists: "image-exists", PerComponent, cleared by "someone who can push the image";
    /// The Secret has these keys; values are never read out.
    SecretKeys: "secret-keys", Once, cleared by "someone who can edit the Secret";
    /// Enough old revisions are kept to go back to.
    RevisionHistory: "revision-history", Once, cleared by "someone who can edit the workload";
    /// The commit's GitHub check runs are green.
    GithubChecks: "github-checks", Once, cleared by "someone who can fix the commit or rerun its checks";
}

/// The image exists in its registry.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImageExists {
    /// Platforms such as `linux/arm64`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 64)))]
    pub platforms: Vec<String>,
    /// A Secret of type `kubernetes.io/dockerconfigjson` for registries that do not answer everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub pull_secret: Option<String>,
}

/// The Secret has these keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretKeys {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub secret: String,
    /// Keys that must be there.
    #[schemars(length(max = 64), inner(length(min = 1, max = 253)))]
    pub keys: Vec<String>,
}

/// Enough old revisions are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RevisionHistory {
    /// Old revisions needed.
    #[schemars(range(min = 0, max = 100))]
    pub at_least: i32,
}

/// The commit's check runs are green.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GithubChecks {
    /// `owner/name`.
    #[schemars(length(min = 3, max = 256))]
    pub repo: String,
    /// The Secret's key that holds a token; without one GitHub is asked as a stranger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<SecretKeyRef>,
    /// Checks and statuses that must be there and green; empty: all that there are, and at least one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 256)))]
    pub required: Vec<String>,
    /// Address of the REST interface; `https://api.github.com` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub api_url: Option<String>,
}

impl Gates {
    /// The pull secret that a check of images names.
    #[must_use]
    pub fn pull_secret(&self) -> Option<&str> {
        self.preflight.iter().find_map(|preflight| match preflight {
            Preflight::ImageExists(wanted) => wanted.pull_secret.as_deref(),
            _ => None,
        })
    }
}
