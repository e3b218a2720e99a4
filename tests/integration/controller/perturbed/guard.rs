//! Looks at every change of the world, and at every status of a release, before it is written.

use std::sync::Mutex;

use http::Uri;
use release_cockpit::api::Release;
use release_cockpit::api::release::{ApprovalState, Phase};
use release_cockpit::controller::Deadlines;
use release_cockpit::sim::server::View;
use tokio::time::Instant;

use super::transport::kind;

/// Objects that make up what serves.
const WORLD: [&str; 3] = ["deployments", "services", "httproutes"];

/// Reads the releases before each change of the world, and remembers what must not be.
pub struct Guard {
    view: View,
    namespace: &'static str,
    violations: Mutex<Vec<String>>,
    /// The versions for which the world was changed, in order: the clocks of those who write statuses are set now and then.
    executed: Mutex<Vec<String>>,
    /// Since when the environment is seen to be frozen so that nothing goes further.
    frozen: Mutex<Option<Instant>>,
}

impl Guard {
    pub fn new(view: View, namespace: &'static str) -> Self {
        Self {
            view,
            namespace,
            violations: Mutex::default(),
            executed: Mutex::default(),
            frozen: Mutex::default(),
        }
    }

    pub fn violations(&self) -> Vec<String> {
        self.violations.lock().unwrap().clone()
    }

    /// The versions for which the world was changed, in order.
    pub fn executed(&self) -> Vec<String> {
        self.executed.lock().unwrap().clone()
    }

    pub fn before(&self, method: &str, uri: &Uri, body: &[u8]) {
        let kind = kind(method, uri);
        let resource = kind.split(' ').nth(1).unwrap_or_default();
        let is_write = !matches!(kind.split(' ').next(), Some("GET" | "LIST" | "WATCH"));
        let is_dry = uri.query().is_some_and(|query| query.contains("dryRun"));
        if !is_write || is_dry || !(WORLD.contains(&resource) || resource == "releases/status") {
            return;
        }
        let body = String::from_utf8_lossy(body);
        let phase =
            |release: &serde_json::Value| serde_json::from_value::<Phase>(release["status"]["phase"].clone());
        let executes = |release: &serde_json::Value| phase(release).is_ok_and(Phase::holds_lane);
        let all =
            self.view.each("releases", self.namespace, |release| executes(release).then(|| release.clone()));
        let holders: Vec<Release> =
            all.into_iter().flatten().map(|it| serde_json::from_value(it).unwrap()).collect();
        let is_frozen = self.is_frozen();
        let violation = match holders.as_slice() {
            [_] | [] if resource == "releases/status" => None,
            [] => Some("no release executes".to_owned()),
            [release] => {
                self.executed.lock().unwrap().push(release.spec.version.clone());
                judge(release, &body, is_frozen)
            }
            _ => Some("two releases execute".to_owned()),
        };
        if let Some(why) = violation {
            let phases: Vec<_> = holders.iter().map(|r| (r.metadata.name.clone(), r.phase())).collect();
            self.violations.lock().unwrap().push(format!("{kind} while {why}: {phases:?}: {body}"));
        }
    }

    /// Whether a freeze that lets nothing go further has been stored for so long that no write from before it is under way.
    fn is_frozen(&self) -> bool {
        let holds = |environment: &serde_json::Value| {
            matches!(environment["status"]["frozen"]["inFlight"].as_str(), Some("Hold" | "RollBack"))
        };
        let is_held = self.view.each("environments", self.namespace, holds).contains(&true);
        let mut since = self.frozen.lock().unwrap();
        if !is_held {
            *since = None;
        } else if since.is_none() {
            *since = Some(Instant::now());
        }
        since.is_some_and(|since| since.elapsed() > Deadlines::default().request * 3)
    }
}

/// What stands against this change for that release.
fn judge(release: &Release, body: &str, is_frozen: bool) -> Option<String> {
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
    match brings_on {
        true if status.undo.is_some() => Some("it is undone".to_owned()),
        true if is_frozen => Some("the environment is frozen".to_owned()),
        _ => None,
    }
}
