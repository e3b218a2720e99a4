//! Which versions may come into an environment.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// Which versions may come here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = (
    "!has(self.pattern) || (''.matches(self.pattern) ? true : true)",
    "versions.pattern is not a valid RE2 expression"
))]
#[serde(rename_all = "camelCase")]
pub struct Versions {
    /// RE2 expression that the whole version must match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub pattern: Option<String>,
    /// Tag of the images that carry a version; absent: the version itself. `{{version}}` stands for the version, `{{semver}}` for the
    /// version without a leading `v`, `{{sha}}` for the commit that the version ends with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 128),
        regex(pattern = r"^[A-Za-z0-9_.-]*([{][{](version|semver|sha)[}][}][A-Za-z0-9_.-]*)+$")
    )]
    pub tag: Option<String>,
    /// Deployments and promotions name every image by digest.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub require_digest: bool,
    /// Accept a digest without asking the registry whether it is what the version's tag means: for registries that the controller
    /// cannot reach. A digest alone then proves no version.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_unverified_digests: bool,
    /// Do not deny a version automatically after its rollback. Absent: its digests go on the deny list, and `allow` takes them off.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_rolled_back: bool,
}
