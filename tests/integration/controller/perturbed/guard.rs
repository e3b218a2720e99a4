//! Looks at every change of the world before it is made.

use std::sync::Mutex;

use http::Uri;
use kube::Client;
use kube::api::{Api, ListParams};
use release_cockpit::api::Release;
use release_cockpit::api::release::ApprovalState;

use super::transport::kind;

/// Objects that make up what serves.
const WORLD: [&str; 3] = ["deployments", "services", "httproutes"];

/// Reads the releases, unperturbed, before each change of the world, and remembers what must not be.
pub struct Guard {
    releases: Api<Release>,
    violations: Mutex<Vec<String>>,
}

impl Guard {
    pub fn new(client: Client, namespace: &str) -> Self {
        Self { releases: Api::namespaced(client, namespace), violations: Mutex::default() }
    }

    pub fn violations(&self) -> Vec<String> {
        self.violations.lock().unwrap().clone()
    }

    pub async fn before(&self, method: &str, uri: &Uri, body: &[u8]) {
        let kind = kind(method, uri);
        let resource = kind.split(' ').nth(1).unwrap_or_default();
        let is_write = !matches!(kind.split(' ').next(), Some("GET" | "LIST" | "WATCH"));
        let is_dry = uri.query().is_some_and(|query| query.contains("dryRun"));
        if !is_write || is_dry || !WORLD.contains(&resource) {
            return;
        }
        let body = String::from_utf8_lossy(body);
        // the world has ended
        let Ok(all) = self.releases.list(&ListParams::default()).await else { return };
        let all = all.items;
        let holders: Vec<&Release> = all.iter().filter(|release| release.phase().holds_lane()).collect();
        let violation = match holders.as_slice() {
            [] => Some("no release executes".to_owned()),
            [release] => judge(release, &body),
            _ => Some("two releases execute".to_owned()),
        };
        if let Some(why) = violation {
            let phases: Vec<_> = all.iter().map(|r| (r.metadata.name.clone(), r.phase())).collect();
            self.violations.lock().unwrap().push(format!("{kind} while {why}: {phases:?}: {body}"));
        }
    }
}

fn judge(release: &Release, body: &str) -> Option<String> {
    let status = release.status.as_ref()?;
    let is_counted = |record: &release_cockpit::api::release::ApprovalRecord| {
        record.state == ApprovalState::Counted && record.actor != release.spec.requested_by
    };
    if !status.approvals.iter().any(is_counted) {
        return Some("nobody has approved it".to_owned());
    }
    // what a patch only tests is what stands there already
    let written = match serde_json::from_str::<Vec<serde_json::Value>>(body) {
        Ok(mut steps) => {
            steps.retain(|step| step["op"] != "test");
            serde_json::Value::from(steps).to_string()
        }
        Err(_) => body.to_owned(),
    };
    let brings_on = written.contains(&format!("backend:{}\"", release.spec.version));
    (brings_on && status.undo.is_some()).then(|| "it is undone".to_owned())
}
