//! How requests end, and when what was asked for is seen to have happened.

use chrono::TimeDelta;

use crate::api::ActionResult;
use crate::app::ask::{self, Question};
use crate::app::state::confirm::Intent;
use crate::app::state::effect::{Effect, RequestId};
use crate::app::state::event::Outcome;
use crate::app::state::form::Form;
use crate::app::state::pending::PendingState;
use crate::app::state::store::Store;
use crate::app::state::text_view::TextBody;
use crate::app::state::toast::Level;
use crate::app::state::ui_state::Overlay;
use crate::app::state::view::View;
use crate::app::{alertmanagers, differences, guard, why};
use crate::domain::action_rule::Confirmation;

/// After this long without a judgement the person is told.
const PATIENCE: TimeDelta = TimeDelta::seconds(10);
/// After this long a marker is dropped: the queue itself says what is true.
const FORGOTTEN: TimeDelta = TimeDelta::minutes(10);

/// Takes the end of a request in. Nothing is sent again by itself. Answers that nobody waits for any more are dropped.
pub(super) fn apply(store: &mut Store, request: RequestId, outcome: Outcome) -> Vec<Effect> {
    if let Outcome::Saved(saved) = outcome {
        match saved {
            Ok(path) => store.say(Level::Done, format!("saved as {path}")),
            Err(reason) => store.say(Level::Error, reason),
        }
    } else if store.pending.iter().any(|pending| pending.request == request) {
        intent_ended(store, request, outcome);
    } else if let Some(what) = store.silencing.remove(&request) {
        return alertmanagers::ended(store, &what, outcome);
    } else if let Some(form) = take_form(store, request) {
        return dry_run_ended(store, form, outcome);
    } else if !why::answered(store, request, &outcome) && !differences::answered(store, request, &outcome) {
        text_came(store, request, outcome);
    }
    Vec::new()
}

fn intent_ended(store: &mut Store, request: RequestId, outcome: Outcome) {
    let Some(index) = store.pending.iter().position(|pending| pending.request == request) else { return };
    store.dirty.releases = true;
    match outcome {
        Outcome::Accepted { remark, .. } => {
            store.pending[index].state = PendingState::Accepted;
            if let Some(remark) = remark {
                store.say(Level::Warning, remark);
            }
        }
        Outcome::WouldPass | Outcome::Text(_) | Outcome::Snapshot(_) | Outcome::Saved(_) => {
            store.pending[index].state = PendingState::Accepted;
        }
        Outcome::Refused(reason) => {
            let pending = store.pending.remove(index);
            store.tell(format!("{} was refused", pending.what), reason);
        }
        Outcome::Unknown(reason) => {
            store.pending[index].state = PendingState::Unknown;
            let what = store.pending[index].what.clone();
            let text = format!(
                "{reason}\n\nIt may or may not have arrived. Look at the queue before you ask again: nothing is sent twice by \
                 itself."
            );
            store.tell(format!("{what}: no answer"), text);
        }
    }
}

fn take_form(store: &mut Store, request: RequestId) -> Option<Box<Form>> {
    let waits = |form: &Form| form.checking.as_ref().is_some_and(|(asked, _)| *asked == request);
    let index =
        store.ui.overlays.iter().position(|overlay| matches!(overlay, Overlay::Form(form) if waits(form)))?;
    match store.ui.overlays.remove(index) {
        Overlay::Form(form) => Some(form),
        _ => None,
    }
}

/// The form stays below the question, so that Cancel leads back to it.
fn dry_run_ended(store: &mut Store, mut form: Box<Form>, outcome: Outcome) -> Vec<Effect> {
    let Some((_, release)) = form.checking.take() else { return Vec::new() };
    let verb = if form.kind == crate::api::ReleaseKind::Promote { "Promote" } else { "Deploy" };
    let environment = form.environment.clone();
    let passed = match outcome {
        Outcome::WouldPass | Outcome::Accepted { .. } => true,
        Outcome::Refused(reason) => {
            form.refusal = Some(reason);
            false
        }
        Outcome::Unknown(reason) => {
            form.refusal = Some(format!("the server did not answer the dry run: {reason}"));
            false
        }
        Outcome::Text(_) | Outcome::Snapshot(_) | Outcome::Saved(_) => false,
    };
    store.ui.overlays.push(Overlay::Form(form));
    if !passed {
        return Vec::new();
    }
    let question = Question {
        verb,
        environment,
        release: None,
        confirmation: Confirmation::of_release(release.spec.kind),
        reason_least: 0,
        reason: "",
        intent: Intent::Release(release),
    };
    ask::open(store, question)
}

fn text_came(store: &mut Store, request: RequestId, outcome: Outcome) {
    let asked = store.ui.views.iter_mut().find_map(|view| match view {
        View::Text(text) if text.request == request => Some(text),
        _ => None,
    });
    let Some(view) = asked else { return };
    view.body = match outcome {
        Outcome::Text(text) => TextBody::Lines(text.lines().map(Into::into).collect()),
        Outcome::Refused(reason) | Outcome::Unknown(reason) => TextBody::Failed(reason),
        Outcome::Accepted { .. } | Outcome::WouldPass | Outcome::Snapshot(_) | Outcome::Saved(_) => {
            TextBody::Failed("the server did not send a text".to_owned())
        }
    };
}

/// Takes off markers whose result the watch has shown, and says how it went; tells whether there were any.
pub(super) fn reconcile(store: &mut Store) -> bool {
    let mut news = Vec::new();
    let mut pending = std::mem::take(&mut store.pending);
    pending.retain_mut(|pending| {
        let cluster = pending.environment.cluster;
        if pending.creates {
            let seen = store.release(&pending.release).and_then(|release| release.status.as_ref());
            if seen.is_some() {
                news.push((Level::Done, format!("{}: in the queue", pending.what)));
            }
            return seen.is_none();
        }
        let Some(action) = store.action(cluster, &pending.object) else { return true };
        let status = action.status.as_ref();
        let message = status.and_then(|status| status.message.as_deref()).unwrap_or_default();
        match status.and_then(|status| status.result) {
            Some(ActionResult::Applied) => news.push((Level::Done, format!("{}: {message}", pending.what))),
            Some(ActionResult::Refused) => {
                news.push((Level::Error, format!("{} was refused: {message}", pending.what)));
            }
            None => {
                pending.state = PendingState::Accepted;
                return true;
            }
        }
        false
    });
    store.pending = pending;
    let any = !news.is_empty();
    for (level, text) in news {
        store.say(level, text);
    }
    any
}

/// Says once, for each intent, that nobody has judged it yet, and why that may be.
pub(super) fn watch_silence(store: &mut Store) {
    let now = store.now;
    let mut news = Vec::new();
    let mut pending = std::mem::take(&mut store.pending);
    let before = pending.len();
    pending.retain(|pending| now - pending.since < FORGOTTEN);
    for intent in &mut pending {
        if intent.warned || intent.state != PendingState::Accepted || now - intent.since <= PATIENCE {
            continue;
        }
        intent.warned = true;
        let silent = store
            .cluster(intent.environment.cluster)
            .and_then(|cluster| guard::controller_silence(cluster, now));
        let why = silent.unwrap_or_else(|| "the controller has not judged it yet".to_owned());
        news.push(format!("{} is queued: {why}", intent.what));
    }
    store.dirty.releases |= before != pending.len();
    store.pending = pending;
    for text in news {
        store.say(Level::Warning, text);
    }
}
