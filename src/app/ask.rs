//! Opening, renewing and answering a confirmation.

use crate::api::{Environment, ReleaseKey, Tier};
use crate::app::state::confirm::{Confirm, ConfirmFocus, Intent, Phrase, Reason, Seen};
use crate::app::state::effect::BackgroundEffect;
use crate::app::state::effect::Effect;
use crate::app::state::line_editor::LineEditor;
use crate::app::state::located::{EnvironmentId, ReleaseId};
use crate::app::state::pending::{Pending, PendingState};
use crate::app::state::store::Store;
use crate::app::state::toast::Level;
use crate::app::state::ui_state::Overlay;
use crate::app::state::view::View;
use crate::app::{driving, facts, guard, silences, views};
use crate::domain::action_rule::{self, Confirmation, Demand};

mod build;
mod changes;
mod marks;

use build::Built;
pub(super) use changes::running;

/// What is to be confirmed.
pub(super) struct Question<'a> {
    /// The word on the button.
    pub(super) verb: &'a str,
    /// Where.
    pub(super) environment: EnvironmentId,
    /// The release that it acts on.
    pub(super) release: Option<ReleaseId>,
    /// How far it reaches.
    pub(super) confirmation: Confirmation,
    /// How many characters of a reason the server wants at least; 0 where it asks for none.
    pub(super) reason_least: usize,
    /// A reason that was given already.
    pub(super) reason: &'a str,
    /// What is sent.
    pub(super) intent: Intent,
}

/// Opens the question on top of everything, the focus on Cancel. Where nothing is demanded and nothing is missing, it is sent at once.
pub(super) fn open(store: &mut Store, question: Question<'_>) -> Vec<Effect> {
    let known = store.environment(&question.environment).cloned();
    if known.is_none() && !question.intent.is_stop() {
        store.say(Level::Warning, format!("environment {} is not known", question.environment.key));
        return Vec::new();
    }
    // a stop of a release whose environment is gone is asked for as in production
    let tier = known.as_ref().map_or(Tier::Production, |environment| environment.spec.tier);
    let demand = question.confirmation.demand(tier);
    let phrase = known.as_ref().filter(|_| demand == Demand::Phrase);
    let phrase = phrase
        .map(|environment| Phrase { expected: confirm_phrase(environment), editor: LineEditor::default() });
    let application = known.as_ref().map_or("", |environment| environment.spec.application.as_str());
    let place = (&*question.environment.key.name, application);
    let wants_reason = question.reason_least > 0 || !question.reason.trim().is_empty();
    let mut confirm = Confirm {
        title: build::title(question.verb, &question.intent, place),
        verb: question.verb.to_owned(),
        seen: question.release.as_ref().and_then(|id| store.release(id)).map(|release| Seen::of(release)),
        environment: question.environment.clone(),
        release: question.release,
        tier,
        facts: Vec::new(),
        changes: Vec::new(),
        phrase,
        reason: wants_reason
            .then(|| Reason { editor: LineEditor::with(question.reason), least: question.reason_least }),
        focus: ConfirmFocus::Cancel,
        marks: Vec::new(),
        changed: Vec::new(),
        lock: None,
        warnings: Vec::new(),
        refusal: None,
        intent: question.intent,
    };
    confirm.changes = changes::of(store, &confirm);
    confirm.marks = marks::of(store, &confirm);
    renew(store, &mut confirm);
    if demand == Demand::Nothing
        && confirm.warnings.is_empty()
        && let Some(effects) = accept(store, &mut confirm)
    {
        return effects;
    }
    store.ui.overlays.push(Overlay::Confirm(Box::new(confirm)));
    Vec::new()
}

/// What a person types to change that environment.
pub(in crate::app) fn confirm_phrase(environment: &Environment) -> String {
    action_rule::phrase(environment).to_owned()
}

/// Facts, locks and changes as they are now. What has once changed stays changed: the window must be opened anew.
pub(super) fn renew(store: &Store, confirm: &mut Confirm) {
    let verb = confirm.intent.verb();
    let is_stop = confirm.intent.is_stop();
    confirm.lock = if is_stop {
        verb.and_then(|verb| guard::refusal_to_stop(store, &confirm.environment, verb))
    } else {
        guard::lock(store, confirm.environment.cluster)
            .or_else(|| guard::refusal(store, &confirm.environment, verb?))
    };
    let old = is_stop.then(|| guard::stop_warning(store, &confirm.environment)).flatten();
    let late = store
        .cluster(confirm.environment.cluster)
        .filter(|_| verb.is_some())
        .and_then(|cluster| guard::controller_warning(cluster, store.now));
    let driven = confirm.release.as_ref().and_then(|id| driving::warning(store, id));
    confirm.warnings = old.into_iter().chain(late).chain(driven).collect();
    confirm.facts = facts::of(store, confirm);
    if confirm.changed.is_empty() {
        confirm.changed = changes::since(store, confirm);
    }
}

/// Builds and sends what was confirmed, and closes what led here. Where it cannot be built, the window stays and says why.
pub(super) fn accept(store: &mut Store, confirm: &mut Confirm) -> Option<Vec<Effect>> {
    if !confirm.is_ready() {
        return None;
    }
    if confirm.intent.verb().is_none() {
        return silence(store, confirm);
    }
    let request = store.next_request();
    let nonce = format!("{}-{}", store.session, request.0);
    match build::build(store, confirm, &nonce) {
        Err(error) => {
            confirm.refusal = Some(error.to_string());
            None
        }
        Ok(built) => {
            let cluster = confirm.environment.cluster;
            let (object, creates) = match &built {
                Built::Release(release) => (release.key(), true),
                Built::Action(action) => {
                    let metadata = &action.metadata;
                    let (namespace, name) = (metadata.namespace.as_deref(), metadata.name.as_deref());
                    (ReleaseKey::new(namespace.unwrap_or_default(), name.unwrap_or_default()), false)
                }
            };
            let what = build::what(confirm);
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
            close(store);
            Some(vec![match built {
                Built::Release(release) => Effect::Background(BackgroundEffect::CreateRelease {
                    cluster,
                    release,
                    dry_run: false,
                    request,
                }),
                Built::Action(action) => Effect::Background(BackgroundEffect::CreateAction {
                    cluster,
                    action,
                    dry_run: false,
                    request,
                }),
            }])
        }
    }
}

/// Sends what is about a silence: no object of ours carries it, so that its answer is the end of it.
fn silence(store: &mut Store, confirm: &Confirm) -> Option<Vec<Effect>> {
    let (to, ask) = silences::asked(store, confirm)?;
    let (request, what) = (store.next_request(), build::what(confirm));
    store.say(Level::Info, format!("{what}: sent"));
    store.silencing.insert(request, what);
    Some(vec![Effect::Background(BackgroundEffect::Silence {
        cluster: confirm.environment.cluster,
        to,
        ask,
        request,
    })])
}

/// The form and the view that led to an answer have done their work.
fn close(store: &mut Store) {
    store.ui.overlays.retain(|overlay| !matches!(overlay, Overlay::Form(_) | Overlay::Weight(_)));
    if matches!(store.ui.view(), View::Rollback(_)) {
        views::pop(store);
    }
}
