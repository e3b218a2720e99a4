//! A release in lines: its steps with the present one, the three weights, both tracks, what the analyses say.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use crate::api::release::{GateState, ReleaseStatus};
use crate::api::{Environment, Release};
use crate::app::steps::{self, StepWords};
use crate::app::tracks::{WeightWords, drifts, sides};
use crate::domain::age::Age;
use crate::domain::known_version::tag;
use crate::domain::labelled::labelled;
use crate::sanitize;

/// Everything that tells how far a release is; empty before it has a plan.
pub(super) fn told(release: &Release, environment: Option<&Environment>, now: DateTime<Utc>) -> String {
    let Some(status) = &release.status else { return String::new() };
    let mut text = String::new();
    steps_of(&mut text, release, status, now);
    if let Some(words) = WeightWords::of(release) {
        let _ = writeln!(text, "  weight   {words}");
    }
    for side in sides(release, environment, |_| None) {
        let (component, track) = (sanitize::line(side.component), side.track.as_str());
        let share = side.share.map_or_else(String::new, |share| format!("  {share}% of the traffic"));
        let stated = side.stated.filter(|stated| side.share.is_some_and(|share| share != *stated));
        let stated = stated.map_or_else(String::new, |stated| format!(", the router states {stated}%"));
        let version = sanitize::line(tag(side.image));
        let pods = format!("{}/{}", side.available, side.wanted);
        let _ = writeln!(text, "  track    {component} {track:<7} {pods:>5} pods  {version}{share}{stated}");
    }
    for (component, drift) in drifts(status) {
        let _ = writeln!(text, "  DRIFT    {}: {}", sanitize::line(component), sanitize::line(drift));
    }
    for verdict in &status.analysis {
        let word = match verdict.state {
            GateState::Pass => "pass",
            GateState::Wait => "wait",
            GateState::Fail => "FAIL",
            GateState::NoData => "no data",
        };
        let said = labelled(&verdict.name, &verdict.detail);
        let _ = writeln!(text, "  analysis {word:<7} {}", sanitize::line(&said));
    }
    text
}

fn steps_of(text: &mut String, release: &Release, status: &ReleaseStatus, now: DateTime<Utc>) {
    let (Some(plan), Some((done, _))) = (&status.plan, steps::done(release)) else { return };
    let started = status.started_at.is_some();
    for (index, step) in plan.steps.iter().enumerate() {
        let word = match index.cmp(&done) {
            std::cmp::Ordering::Less => "done",
            std::cmp::Ordering::Equal if started && !release.phase().is_final() => "now",
            _ => "",
        };
        let until = status.step.as_ref().and_then(|step| step.until).filter(|_| word == "now");
        let left = until.map_or_else(String::new, |until| format!(", {} left", Age::between(now, until)));
        let _ = writeln!(text, "  {word:<5}{:>3}  {}{left}", index + 1, StepWords(step));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::{canary_paused, now, progressive, release_id};

    #[test]
    fn steps_weights_tracks_and_verdicts_are_all_said() {
        let world = canary_paused();
        let id = release_id("production", "production-v1-8-2-cc");
        let release = world.store.release(&id).unwrap();
        let environment =
            world.store.environment_of(&id).and_then(|id| world.store.environment(&id)).unwrap();
        let text = told(release, Some(environment), now());
        for line in [
            "  done   1  weight 10%\n",
            "  now    2  pause 5m, 2m10s left\n",
            "         3  analysis\n",
            "  weight   desired 10% · achievable 10% · observed 10%\n",
            "  track    backend stable    3/3 pods  v1.8.1  90% of the traffic\n",
            "  track    backend canary    1/1 pods  v1.8.2  10% of the traffic\n",
            "  analysis pass    error-rate: canary 0.09% against 0.08%: no worse, 4,210 requests\n",
        ] {
            assert!(text.contains(line), "no {line:?} in\n{text}");
        }
    }

    #[test]
    fn drift_is_said_loudly() {
        let (_, world) = progressive().into_iter().find(|(name, _)| *name == "canary-drift").unwrap();
        let release = world.store.release(&release_id("production", "production-v1-8-2-cc")).unwrap();
        assert!(told(release, None, now()).contains("  DRIFT    backend: HTTPRoute backend sends 50%"));
    }
}
