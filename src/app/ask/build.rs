//! What a confirmed question sends, and how it is called.

use crate::api::release_action::Evidence;
use crate::api::{ActionKind, Release, ReleaseAction};
use crate::app::facts;
use crate::app::state::confirm::{Confirm, Intent};
use crate::app::state::located::EnvironmentId;
use crate::app::state::store::Store;
use crate::domain::intent::{self, Act, Author, IntentError, RequestDetails};
use crate::domain::pane::LATENCY;

/// What is sent.
pub(super) enum Built {
    /// A new release.
    Release(Box<Release>),
    /// An action.
    Action(Box<ReleaseAction>),
}

/// Builds what was confirmed.
pub(super) fn build(store: &Store, confirm: &Confirm, nonce: &str) -> Result<Built, IntentError> {
    let identity = store.cluster(confirm.environment.cluster).and_then(|cluster| cluster.identity.clone());
    let identity = identity.unwrap_or_default();
    let author = Author { user: &identity.user, groups: &identity.groups };
    let typed = confirm.reason.as_ref().map(|reason| reason.editor.text().trim());
    let reason = typed.filter(|reason| !reason.is_empty()).map(str::to_owned);
    let known = store.environment(&confirm.environment);
    let environment = || known.ok_or_else(|| IntentError::NoEnvironment(confirm.environment.key.to_string()));
    let act = |parameters: &Option<Box<_>>, reason| Act {
        parameters: parameters.as_deref().cloned(),
        reason,
        evidence: Some(evidence(store, &confirm.environment)),
    };
    match &confirm.intent {
        Intent::Silence { .. } | Intent::Expire { .. } => {
            Err(IntentError::NothingToPromote(confirm.environment.key.to_string()))
        }
        Intent::Release(release) => Ok(Built::Release(release.clone())),
        Intent::Rollback { known, emergency } => {
            let words = RequestDetails { reason, emergency: *emergency, ..RequestDetails::default() };
            let release = intent::rollback(environment()?, author, known, &words, nonce)?;
            Ok(Built::Release(Box::new(release)))
        }
        Intent::Action { kind, release, parameters } => {
            let action = intent::action(
                release,
                known.map(|known| &**known),
                *kind,
                author,
                (&act(parameters, reason), nonce),
            )?;
            Ok(Built::Action(Box::new(action)))
        }
        Intent::EnvironmentAction { kind, parameters } => {
            let action =
                intent::environment_action(environment()?, *kind, author, (&act(parameters, reason), nonce))?;
            Ok(Built::Action(Box::new(action)))
        }
    }
}

/// What the author's screen shows, for the record.
fn evidence(store: &Store, id: &EnvironmentId) -> Evidence {
    let row = store.rows.environments.iter().find(|row| row.id == *id);
    let error_rate = row.and_then(|row| row.error_rate.value).map(facts::percent);
    let weight = row.and_then(|row| row.active.as_ref()).and_then(|active| active.weight);
    Evidence { weight, error_rate, p99: p99(store, id), samples: None, at: Some(store.now) }
}

fn p99(store: &Store, id: &EnvironmentId) -> Option<String> {
    let query = (id.key.clone(), LATENCY.into());
    let metric = store.cluster(id.cluster)?.metrics.get(&query)?;
    let curve = metric.series.iter().find(|series| series.percentile == Some(99))?;
    curve.current(store.now, 60.0).map(facts::seconds)
}

/// The question.
pub(super) fn title(verb: &str, intent: &Intent, (name, application): (&str, &str)) -> String {
    match intent {
        Intent::Release(release) => format!("{verb} {application} {} to {name}?", release.spec.version),
        Intent::Rollback { known, emergency } => {
            let emergency = if *emergency { "EMERGENCY: roll" } else { "Roll" };
            format!("{emergency} back {application} on {name} to {}?", known.version)
        }
        Intent::Silence { .. } => format!("{verb} alerts of {application} on {name}?"),
        Intent::Expire { silence, .. } => {
            format!("{verb} that {} made for {application} on {name}?", silence.by)
        }
        Intent::Action { release, .. } => format!("{verb} {application} {} on {name}?", release.spec.version),
        Intent::EnvironmentAction { kind, parameters } => {
            let component = parameters.as_ref().and_then(|with| with.component.as_deref());
            match (kind, component) {
                (ActionKind::AbortAll, _) => format!("STOP everything of {application} on {name}?"),
                (_, Some(component)) => format!("{verb} {component} of {application} on {name}?"),
                _ => format!("{verb} {application} on {name}?"),
            }
        }
    }
}

/// What was meant, for markers and messages.
pub(super) fn what(confirm: &Confirm) -> String {
    match &confirm.intent {
        Intent::Release(release) => {
            format!("{} {}", confirm.verb.to_lowercase(), release.spec.version)
        }
        Intent::Rollback { known, emergency: false } => format!("rollback to {}", known.version),
        Intent::Rollback { known, emergency: true } => format!("emergency rollback to {}", known.version),
        Intent::Action { kind, .. } => match kind {
            ActionKind::SetWeight => "weight".to_owned(),
            ActionKind::Promote => "next step".to_owned(),
            ActionKind::PromoteFull => "promote fully".to_owned(),
            kind => kind.as_str().to_lowercase(),
        },
        Intent::Silence { .. } => "silence".to_owned(),
        Intent::Expire { .. } => "end of silence".to_owned(),
        Intent::EnvironmentAction { kind, .. } => {
            let verb = if *kind == ActionKind::AbortAll { "stop" } else { &confirm.verb };
            format!("{} {}", verb.to_lowercase(), confirm.environment.key.name)
        }
    }
}
