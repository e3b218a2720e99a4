//! The cockpit in lines, for screen readers and terminals that cannot draw: the state once, then one line per change, and commands read
//! line by line.
//!
//! Owns the sentences and what a line that was read means where the session is. Must not know where lines come from or go to (`tui`).

mod answer;
mod sentences;

use std::collections::BTreeMap;

use crate::app::input;
use crate::app::state::cluster_state::{ClusterState, WatchedKind};
use crate::app::state::effect::Effect;
use crate::app::state::store::Store;
use crate::app::state::text_view::TextBody;
use crate::app::state::ui_state::Overlay;
use crate::app::state::view::View;
use crate::app::update::settle;
use crate::domain::watch_state::WatchState;

/// Words that mean something to lines alone.
const HELP: [&str; 4] = [
    "status: tells everything as it is now",
    "show: tells the open view again; back closes it",
    "a line is a command of the palette with its words, such as: deploy staging v1.9.0",
    "what changes something is asked first: type the phrase, yes, or cancel",
];

/// What was told already.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reported {
    /// Sentences by what they are about.
    facts: BTreeMap<String, String>,
    /// When the newest message was said, and its text.
    toast: Option<(chrono::DateTime<chrono::Utc>, String)>,
    /// What the open question asked, as it was told.
    question: Vec<String>,
    /// The open view, as far as it was told.
    view: Option<View>,
    begun: bool,
}

/// What there is to tell, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct News {
    /// Sentences, sanitised, one a line.
    pub lines: Vec<String>,
    /// The open view is to be told as well.
    pub view: bool,
}

/// Whether the first lists have come, or will not come: nobody waits for a dead cluster.
#[must_use]
pub(crate) fn is_loaded(store: &Store) -> bool {
    store.clusters.iter().all(|cluster| {
        let answered = |feed| !matches!(cluster.feeds.get(&feed), None | Some(WatchState::Connecting));
        let live = cluster.feeds.get(&WatchedKind::Environments).is_some_and(WatchState::is_live);
        answered(WatchedKind::Environments)
            && answered(WatchedKind::Releases)
            && (!live || permitted(cluster))
    })
}

/// What we may do is known for every environment.
fn permitted(cluster: &ClusterState) -> bool {
    cluster.identity.is_some() && cluster.environments.keys().all(|key| cluster.permissions.contains_key(key))
}

/// What is new since the last call; the first call tells everything.
pub(crate) fn news(told: &mut Reported, store: &Store) -> News {
    let mut news = News::default();
    let facts = sentences::facts(store);
    if told.begun {
        let changed = facts.iter().filter(|(about, sentence)| told.facts.get(*about) != Some(*sentence));
        news.lines.extend(changed.map(|(_, sentence)| sentences::stamped(store.now, sentence)));
        let gone = told.facts.iter().filter(|(about, _)| !facts.contains_key(*about));
        let gone = gone.map(|(_, sentence)| sentences::stamped(store.now, &format!("over: {sentence}")));
        news.lines.extend(gone);
    } else {
        news.lines = state(store);
        told.begun = true;
        told.view = Some(View::Home);
    }
    told.facts = facts;
    // keys mean nothing in lines
    let words = |text: &str| text.replace("`?` lists them", "help lists them");
    let toast = store.toasts.back().map(|toast| (toast.at, words(&toast.text)));
    if toast.is_some() && toast != told.toast {
        news.lines.extend(toast.iter().map(|(_, text)| format!("note: {text}")));
        told.toast = toast;
    }
    let question = store.ui.overlay().map_or_else(Vec::new, answer::asked);
    if question != told.question {
        news.lines.extend(question.iter().cloned());
        if question.first() != told.question.first() {
            let facts = store.ui.overlay().map_or_else(Vec::new, answer::facts);
            let at = news.lines.len().saturating_sub(1);
            news.lines.splice(at..at, facts);
        }
        told.question = question;
    }
    if told.view.as_ref() != Some(&opened(store)) {
        let view = opened(store);
        news.view = !matches!(view, View::Home)
            && !matches!(&view, View::Text(text) if text.body == TextBody::Loading);
        told.view = Some(view);
    }
    news.lines = news.lines.iter().map(|line| crate::sanitize::line(line).into_owned()).collect();
    news
}

/// The open view without what changes while it is open: it is told when it is opened, and when its text has come.
fn opened(store: &Store) -> View {
    let mut view = store.ui.view().clone();
    match &mut view {
        View::Rollback(view) => {
            view.preview.clear();
            view.versions.clear();
            view.last_known_good = None;
            view.cursor = crate::app::state::cursor::Cursor::default();
        }
        View::Inbox(view) => view.cursor = crate::app::state::cursor::Cursor::default(),
        View::Alerts(view) => view.cursor = crate::app::state::cursor::Cursor::default(),
        _ => {}
    }
    view
}

/// Everything as it is now, one sentence a line.
#[must_use]
pub(crate) fn state(store: &Store) -> Vec<String> {
    let lines = sentences::state(store);
    lines.iter().map(|line| crate::sanitize::line(line).into_owned()).collect()
}

/// What a line means: an answer where something is asked, else one of our words, else a command. Told is what must be told at once;
/// the second says that the open view is to be told again.
pub(crate) fn line(store: &mut Store, line: &str) -> (Vec<Effect>, News) {
    let line = line.trim();
    let mut news = News::default();
    store.last_key = Some(store.now);
    store.dirty.screen = true;
    let mut effects = settle(store);
    // what was told is read
    while matches!(store.ui.overlay(), Some(Overlay::Message { .. })) {
        store.ui.overlays.pop();
    }
    match (store.ui.overlay(), line) {
        (_, "") => {}
        (Some(Overlay::Confirm(_)), _) => {
            let (answered, said) = answer::confirm(store, line);
            effects.extend(answered);
            news.lines = said;
        }
        (_, "status") => news.lines = state(store),
        (_, "show") => news.view = true,
        (_, "help") => {
            news.lines = HELP.map(str::to_owned).to_vec();
            let commands = crate::app::command::COMMANDS.iter();
            news.lines.extend(commands.map(|command| format!("{}: {}", command.id, command.help)));
        }
        _ => {
            // what was told must not be dropped first, as it is where `esc` means several things
            store.toasts.clear();
            effects.extend(input::run_line(store, line));
            effects.extend(answer::submit(store, &mut news.lines));
        }
    }
    effects.extend(settle(store));
    news.lines = news.lines.iter().map(|line| crate::sanitize::line(line).into_owned()).collect();
    (effects, news)
}

#[cfg(test)]
mod tests;
