//! What texts and logs have in common: scrolling, filter, search, saving.

use std::fmt::Write as _;

use crate::app::state::effect::BackgroundEffect;
use crate::app::state::effect::Effect;
use crate::app::state::movement::Move;
use crate::app::state::pattern::Pattern;
use crate::app::state::store::Store;
use crate::app::state::text_scroll::TextScroll;
use crate::app::state::toast::Level;
use crate::app::state::view::{Focus, View};
use crate::app::state::view_row::ViewRow;

/// The view of a text.
pub(super) static VIEW: ViewRow = ViewRow {
    name: "text",
    is: |view| matches!(view, View::Text(_)),
    panes: &[Focus::Text],
    go: |store, step, _| scroll(store, step),
    returns_to: Some(Focus::Pods),
    ..ViewRow::ROW
};

/// The place of the eye in the visible text or log.
pub(super) fn look(store: &mut Store) -> Option<&mut TextScroll> {
    match store.ui.views.last_mut() {
        Some(View::Text(view)) => Some(&mut view.look),
        Some(View::Logs(view)) => Some(&mut view.look),
        _ => None,
    }
}

/// What the visible text or log is filtered by.
#[must_use]
pub(super) fn filter(store: &Store) -> Option<&Pattern> {
    match store.ui.view() {
        View::Text(view) => view.filter.as_ref(),
        View::Logs(view) => view.filter.as_ref(),
        _ => None,
    }
}

/// What is searched for in the visible text or log.
#[must_use]
pub(super) fn search(store: &Store) -> Option<&Pattern> {
    match store.ui.view() {
        View::Text(view) => view.look.search.as_ref(),
        View::Logs(view) => view.look.search.as_ref(),
        _ => None,
    }
}

/// Shows only what that lets through.
pub(super) fn set_filter(store: &mut Store, filter: Option<Pattern>) {
    match store.ui.views.last_mut() {
        Some(View::Text(view)) => {
            view.filter = filter;
            (view.look.offset, view.look.found) = (0, None);
        }
        Some(View::Logs(view)) => {
            view.ring.filter(|line| filter.as_ref().is_none_or(|filter| filter.matches(line)));
            view.filter = filter;
            (view.look.offset, view.look.found, view.at_end) = (0, None, true);
        }
        _ => {}
    }
    store.dirty.screen = true;
}

/// Searches for that.
pub(super) fn set_search(store: &mut Store, search: Option<Pattern>) {
    if let Some(look) = look(store) {
        look.found = None;
        look.search = search;
    }
    store.dirty.screen = true;
}

/// Goes to the next line that is searched for, or to the one before. Beyond the end it goes on at the other one, and says so.
pub(super) fn step(store: &mut Store, forward: bool) {
    let height = page(store);
    let at_end = matches!(store.ui.view(), View::Logs(view) if view.at_end);
    let Some(look) = look(store) else { return };
    let Some(search) = look.search.clone() else {
        store.say(Level::Warning, "nothing is searched for: press s first");
        return;
    };
    let found = look.found;
    let hits: Vec<usize> = match store.ui.view() {
        View::Text(view) => hits(view.shown(), &search),
        View::Logs(view) => hits(view.ring.shown().map(|entry| &*entry.text), &search),
        _ => return,
    };
    let from = found.unwrap_or_else(|| match store.ui.view() {
        View::Logs(view) if at_end => view.ring.shown_len(),
        View::Logs(view) => view.first(height),
        View::Text(view) => view.look.offset,
        _ => 0,
    });
    let (next, wrapped) = if forward {
        let ahead = hits.iter().find(|line| **line > from || (found.is_none() && **line == from));
        (ahead.or(hits.first()), ahead.is_none())
    } else {
        let behind = hits.iter().rev().find(|line| **line < from);
        (behind.or(hits.last()), behind.is_none())
    };
    let Some(next) = next.copied() else {
        store.say(Level::Warning, format!("nothing matches {}", search.text()));
        return;
    };
    if wrapped && found.is_some() {
        let whence = if forward { "beginning" } else { "end" };
        store.say(Level::Info, format!("the search goes on from the {whence}"));
    }
    if let Some(View::Logs(view)) = store.ui.views.last_mut() {
        view.look.offset = view.first(height);
        view.at_end = false;
    }
    if let Some(look) = self::look(store) {
        look.stand_on(next, height);
    }
    store.dirty.screen = true;
}

fn hits<'a>(lines: impl Iterator<Item = &'a str>, search: &Pattern) -> Vec<usize> {
    lines.enumerate().filter(|(_, line)| search.matches(line)).map(|(at, _)| at).collect()
}

/// Scrolls the visible text or log.
pub(super) fn scroll(store: &mut Store, step: Move) {
    let height = page(store);
    match store.ui.views.last_mut() {
        Some(View::Text(view)) => {
            let len = view.shown().count();
            let page = if view.look.wrap { 1 } else { height };
            view.look.offset = step.scroll_by(view.look.offset, len, (page, height));
        }
        Some(View::Logs(view)) => {
            let len = view.ring.shown_len();
            let page = if view.look.wrap { 1 } else { height };
            let from = view.first(height);
            view.look.offset = step.scroll_by(from, len, (page, height));
            let down = matches!(step, Move::Down | Move::PageDown | Move::Bottom);
            view.at_end = down && (view.at_end || view.look.offset >= len.saturating_sub(page));
        }
        _ => {}
    }
}

/// Rows of a page.
fn page(store: &Store) -> usize {
    store.ui.height(Focus::Text)
}

/// The visible text or log as it is copied and saved, with its name; none where there is none.
pub(super) fn whole(store: &Store) -> Option<(String, String)> {
    match store.ui.view() {
        View::Text(view) => {
            let name = view.title.rsplit(" · ").next().unwrap_or_default().to_owned();
            let text = view.shown().fold(String::new(), |mut text, line| {
                let _ = writeln!(text, "{line}");
                text
            });
            Some((name, text))
        }
        View::Logs(view) => Some((view.subject.words().replace("all pods of ", ""), view.text())),
        _ => None,
    }
}

/// Saves the visible text or log in a file: the one that is named, else one in the working directory that bears its name and the
/// present instant. A file that exists is never written over.
pub(super) fn save(store: &mut Store, path: Option<&str>) -> Vec<Effect> {
    let Some((name, text)) = whole(store) else { return Vec::new() };
    if text.is_empty() {
        store.say(Level::Warning, "there is nothing to save yet");
        return Vec::new();
    }
    let kind = if matches!(store.ui.view(), View::Logs(_)) { "log" } else { "txt" };
    let path = path.map_or_else(
        || {
            let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '.') { c } else { '-' };
            let name: String = name.chars().map(plain).collect();
            format!("{name}-{}.{kind}", store.now.format("%Y%m%dT%H%M%SZ"))
        },
        str::to_owned,
    );
    vec![Effect::Background(BackgroundEffect::Save { path, text })]
}
