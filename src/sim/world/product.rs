//! What the manifests install: definitions and admission policies, as they stand on a server that has taken them.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::World;
use crate::sim::Error;
use crate::sim::apiserver::definitions;
use crate::sim::kinds::{self, CRDS};
use crate::sim::store::stamp;

/// The manifests whose verdicts the embedded API server gives.
const POLICIES: [&str; 2] = [
    include_str!("../../../assets/manifests/policies.yaml"),
    include_str!("../../../assets/manifests/policies-optional.yaml"),
];

impl World {
    /// Installs definitions and, unless the scenario leaves them out, policies with their bindings.
    ///
    /// # Errors
    /// [`Error::Scenario`] for a manifest that is no YAML of a served kind, which no scenario causes.
    pub(super) fn install_product(&mut self) -> Result<(), Error> {
        let long_ago = self.now - TimeDelta::days(30);
        for definition in definitions::all() {
            let mut crd = definition.crd.clone();
            crd["status"] = json!({
                "acceptedNames": crd["spec"]["names"], "storedVersions": [crate::api::VERSION],
                "conditions": [
                    {"type": "NamesAccepted", "status": "True", "reason": "NoConflicts", "message": "no conflicts found",
                     "lastTransitionTime": stamp(long_ago)},
                    {"type": "Established", "status": "True", "reason": "InitialNamesAccepted",
                     "message": "the initial names have been accepted", "lastTransitionTime": stamp(long_ago)}
                ]
            });
            self.store.create(CRDS, crd, long_ago);
        }
        if !self.scenario.policies {
            return Ok(());
        }
        for text in POLICIES.iter().flat_map(|file| file.split("\n---\n")) {
            let mut value: Value =
                serde_saphyr::from_str(text).map_err(|error| Error::Scenario(error.to_string()))?;
            let resource =
                kinds::by_kind(kinds::text(&value, &["apiVersion"]), kinds::text(&value, &["kind"]))
                    .ok_or_else(|| Error::Scenario(format!("{} is not served", value["kind"])))?;
            value["metadata"]["generation"] = 1.into();
            if resource.has_status() {
                value["status"] = json!({"observedGeneration": 1, "typeChecking": {}});
            }
            self.store.create(resource, value, long_ago);
        }
        Ok(())
    }
}
