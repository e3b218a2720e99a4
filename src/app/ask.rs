//! Opening, renewing and answering a confirmation.

use crate::api::release_action::Evidence;
use crate::api::{ActionKind, Environment, Release, ReleaseKey, Tier};
use crate::app::confirm::{Confirm, ConfirmFocus, Intent, Phrase, Reason, Seen};
use crate::app::effect::Effect;
use crate::app::form::ImageChange;
use crate::app::line_editor::LineEditor;
use crate::app::located::{EnvironmentId, ReleaseId};
use crate::app::pending::{Pending, PendingState};
use crate::app::rows::environments::workload;
use crate::app::store::Store;
use crate::app::toast::Level;
use crate::app::ui_state::{MetricPane, Overlay};
use crate::app::{facts, guard};
use crate::domain::intent::{self, Act, Author, IntentError, Words};

/// What is to be confirmed.
pub(super) struct Question<'a> {
    /// The word on the button.
    pub(super) verb: &'a str,
    /// Where.
    pub(super) environment: EnvironmentId,
    /// The release that it acts on.
    pub(super) release: Option<ReleaseId>,
    /// In production the phrase must be typed.
    pub(super) typed: bool,
    /// The server refuses it without a reason.
    pub(super) reason_required: bool,
    /// A reason that was given already.
    pub(super) reason: &'a str,
    /// What is sent.
    pub(super) intent: Intent,
}

/// Opens the question on top of everything, the focus on Cancel.
pub(super) fn open(store: &mut Store, question: Question<'_>) {
    let Some(environment) = store.environment(&question.environment).cloned() else { return };
    let tier = environment.spec.tier;
    let phrase = (tier == Tier::Production && question.typed)
        .then(|| Phrase { expected: confirm_phrase(&environment), editor: LineEditor::default() });
    let mut confirm = Confirm {
        title: title(question.verb, &question.intent, &environment),
        verb: question.verb.to_owned(),
        seen: question.release.as_ref().and_then(|id| store.release(id)).map(|release| Seen::of(release)),
        environment: question.environment.clone(),
        release: question.release,
        tier,
        facts: Vec::new(),
        changes: Vec::new(),
        phrase,
        reason: question
            .reason_required
            .then(|| Reason { editor: LineEditor::with(question.reason), required: true }),
        focus: ConfirmFocus::Cancel,
        changed: Vec::new(),
        lock: None,
        warning: None,
        refusal: None,
        intent: question.intent,
    };
    confirm.changes = changes(store, &confirm);
    renew(store, &mut confirm);
    store.ui.overlays.push(Overlay::Confirm(Box::new(confirm)));
}

/// What a person types to change that environment.
pub(super) fn confirm_phrase(environment: &Environment) -> String {
    let phrase = environment.spec.approval.as_ref().and_then(|approval| approval.confirm_phrase.clone());
    phrase.unwrap_or_else(|| environment.metadata.name.clone().unwrap_or_default())
}

fn title(verb: &str, intent: &Intent, environment: &Environment) -> String {
    let application = &environment.spec.application;
    let name = environment.metadata.name.as_deref().unwrap_or_default();
    match intent {
        Intent::Release(release) => format!("{verb} {application} {} to {name}?", release.spec.version),
        Intent::Rollback(known) => format!("Roll back {application} on {name} to {}?", known.version),
        Intent::Action { release, .. } => format!("{verb} {application} {} on {name}?", release.spec.version),
    }
}

/// Facts, locks and changes as they are now. What has once changed stays changed: the window must be opened anew.
pub(super) fn renew(store: &Store, confirm: &mut Confirm) {
    confirm.lock = guard::lock(store, confirm.environment.cluster)
        .or_else(|| guard::permission(store, &confirm.environment, verb(&confirm.intent)));
    confirm.warning = store
        .cluster(confirm.environment.cluster)
        .and_then(|cluster| guard::controller_warning(cluster, store.now));
    confirm.facts = facts::of(store, confirm);
    if confirm.changed.is_empty() {
        confirm.changed = changed(store, confirm);
    }
}

fn verb(intent: &Intent) -> crate::api::Verb {
    match intent {
        Intent::Release(_) => crate::api::Verb::Deploy,
        Intent::Rollback(_) => crate::api::Verb::Rollback,
        Intent::Action { kind, .. } => kind.verb(),
    }
}

fn changed(store: &Store, confirm: &Confirm) -> Vec<String> {
    let mut changed = Vec::new();
    if let (Some(seen), Some(id)) = (&confirm.seen, &confirm.release) {
        let Some(release) = store.release(id) else { return vec!["the release is gone".to_owned()] };
        let now = Seen::of(release);
        if seen.uid != now.uid {
            changed.push("another release has taken this name".to_owned());
        }
        if seen.phase != now.phase {
            changed.push(format!("phase: {} → {}", seen.phase, now.phase));
        }
        if seen.step != now.step {
            let step = |step: Option<i32>| step.map_or("none".to_owned(), |step| (step + 1).to_string());
            changed.push(format!("step: {} → {}", step(seen.step), step(now.step)));
        }
        if seen.plan_digest != now.plan_digest {
            changed.push("the plan has changed".to_owned());
        }
        if seen.generation != now.generation {
            changed.push("the release was changed".to_owned());
        }
    }
    if confirm.release.is_none() {
        for (old, new) in confirm.changes.iter().zip(changes(store, confirm)) {
            if old.from != new.from {
                let version = |image: &Option<String>| image.clone().unwrap_or_else(|| "unknown".to_owned());
                changed.push(format!(
                    "{} runs {} → {}",
                    old.component,
                    version(&old.from),
                    version(&new.from)
                ));
            }
        }
    }
    changed
}

/// What happens to each component.
fn changes(store: &Store, confirm: &Confirm) -> Vec<ImageChange> {
    let images = match &confirm.intent {
        Intent::Release(release) => &release.spec.images,
        Intent::Rollback(known) => &known.images,
        Intent::Action { kind: ActionKind::Abort | ActionKind::Rollback, release } => {
            let before = release.status.as_ref().map(|status| status.before.as_slice()).unwrap_or_default();
            let back = before.iter().map(|record| ImageChange {
                component: record.component.to_string(),
                from: running(store, &confirm.environment, record.component.as_str()),
                to: record.image.clone(),
            });
            return back.collect();
        }
        Intent::Action { release, .. } => &release.spec.images,
    };
    let to = |image: &crate::api::release::ComponentImage| ImageChange {
        component: image.component.to_string(),
        from: running(store, &confirm.environment, image.component.as_str()),
        to: image.image.clone(),
    };
    images.iter().map(to).collect()
}

/// The image that a component runs: by its workload where that is known, else as the controller last saw it.
pub(super) fn running(store: &Store, id: &EnvironmentId, component: &str) -> Option<String> {
    let (cluster, environment) = (store.cluster(id.cluster)?, store.environment(id)?);
    let found = environment.spec.component(component)?;
    let live = workload(cluster, environment, found).and_then(|row| row.image(&found.container));
    let status = environment.status.as_ref();
    let known = status.and_then(|status| status.current.iter().find(|c| c.component.as_str() == component));
    live.map(str::to_owned).or_else(|| known.map(|current| current.image.clone()))
}

/// Builds and sends what was confirmed. Where it cannot be built, the window stays and says why.
pub(super) fn accept(store: &mut Store, confirm: &mut Confirm) -> Option<Vec<Effect>> {
    if !confirm.is_ready() {
        return None;
    }
    let request = store.next_request();
    let nonce = format!("{}-{}", store.session, request.0);
    match build(store, confirm, &nonce) {
        Err(error) => {
            confirm.refusal = Some(error.to_string());
            None
        }
        Ok(built) => {
            let cluster = confirm.environment.cluster;
            let (what, object, creates) = match &built {
                Built::Release(release) => (what(confirm), release.key(), true),
                Built::Action(action) => {
                    let metadata = &action.metadata;
                    let (namespace, name) = (metadata.namespace.as_deref(), metadata.name.as_deref());
                    (
                        what(confirm),
                        ReleaseKey::new(namespace.unwrap_or_default(), name.unwrap_or_default()),
                        false,
                    )
                }
            };
            let release = confirm.release.clone().unwrap_or_else(|| ReleaseId::new(cluster, object.clone()));
            store.say(Level::Info, format!("{what}: sent"));
            store.pending.push(Pending {
                request,
                what,
                environment: confirm.environment.clone(),
                release,
                object,
                creates,
                since: store.now,
                state: PendingState::Sent,
                warned: false,
            });
            store.dirty.releases = true;
            Some(vec![match built {
                Built::Release(release) => {
                    Effect::CreateRelease { cluster, release, dry_run: false, request }
                }
                Built::Action(action) => Effect::CreateAction { cluster, action, dry_run: false, request },
            }])
        }
    }
}

enum Built {
    Release(Box<Release>),
    Action(Box<crate::api::ReleaseAction>),
}

fn build(store: &Store, confirm: &Confirm, nonce: &str) -> Result<Built, IntentError> {
    let identity = store.cluster(confirm.environment.cluster).and_then(|cluster| cluster.identity.clone());
    let identity = identity.unwrap_or_default();
    let author = Author { user: &identity.user, groups: &identity.groups };
    let typed = confirm.reason.as_ref().map(|reason| reason.editor.text().trim());
    let reason = typed.filter(|reason| !reason.is_empty()).map(str::to_owned);
    let Some(environment) = store.environment(&confirm.environment) else {
        return Err(IntentError::NothingToPromote(confirm.environment.key.to_string()));
    };
    match &confirm.intent {
        Intent::Release(release) => Ok(Built::Release(release.clone())),
        Intent::Rollback(known) => {
            let words = Words { reason, ..Words::default() };
            let release = intent::rollback(environment, author, known, &words, nonce)?;
            Ok(Built::Release(Box::new(release)))
        }
        Intent::Action { kind, release } => {
            let act = Act { parameters: None, reason, evidence: Some(evidence(store, &confirm.environment)) };
            let action = intent::action(release, environment, *kind, author, (&act, nonce))?;
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
    let query = (id.key.clone(), MetricPane::Latency.query().into());
    let metric = store.cluster(id.cluster)?.metrics.get(&query)?;
    let curve = metric.series.iter().find(|series| series.label.contains("p99"))?;
    curve.current(store.now, 60.0).map(facts::seconds)
}

/// What was meant, for markers and messages.
fn what(confirm: &Confirm) -> String {
    match &confirm.intent {
        Intent::Release(release) => {
            format!("{} {}", confirm.verb.to_lowercase(), release.spec.version)
        }
        Intent::Rollback(known) => format!("rollback to {}", known.version),
        Intent::Action { kind, .. } => kind.as_str().to_lowercase(),
    }
}
