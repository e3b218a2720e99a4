//! The inbox: what waits for us and what a key does with it.

use crate::api::ActionKind;
use crate::api::release_action::Parameters;
use crate::app::act::{self, With};
use crate::app::selection::{follow, put, select};
use crate::app::state::effect::Effect;
use crate::app::state::inbox::InboxKey;
use crate::app::state::store::Store;
use crate::app::state::target::{Availability, Target};
use crate::app::state::view::{Focus, InboxView, View};
use crate::app::state::view_row::{Enter, PlaceRow, ViewRow};
use crate::app::{environment_act, views};

/// The view.
pub(super) static VIEW: ViewRow = ViewRow {
    name: "inbox",
    is: |view| matches!(view, View::Inbox(_)),
    panes: &[Focus::Inbox],
    environment: |store| store.selected_item().map(|row| row.environment.clone()),
    target: |store| match store.selected_item() {
        Some(row) => Target {
            environment: Some(row.environment.clone()),
            release: row.key.release().cloned(),
            pod: None,
        },
        None => Target::default(),
    },
    go: |store, step, height| {
        let Store { ui, rows, .. } = store;
        if let Some(View::Inbox(view)) = ui.views.last_mut() {
            select(&mut view.cursor, &rows.inbox, step, height, |row| row.key.clone());
            store.dirty.cursors = true;
        }
    },
    click: |store, pane, line| {
        let height = store.ui.height(pane);
        let Store { ui, rows, .. } = store;
        if let Some(View::Inbox(view)) = ui.views.last_mut() {
            put(&mut view.cursor, &rows.inbox, line, height, |row| &row.key);
        }
    },
    enter: Some(Enter {
        availability: |store, _| match store.selected_item() {
            Some(_) => Availability::Ready,
            None => Availability::Unavailable("nothing waits for you".to_owned()),
        },
        run: |store, invocation| {
            if invocation.target.release.is_none() {
                return act(store, "");
            }
            views::open_subject(store, &invocation.target);
            Vec::new()
        },
    }),
    // what is chosen in it is no place
    place: Some(PlaceRow {
        environment: |store| store.ui.environments.selected.clone(),
        go: |store, _| {
            views::push(store, View::Inbox(InboxView::default()));
            Some(())
        },
        ..PlaceRow::ROW
    }),
    ..ViewRow::ROW
};

/// Opens the inbox, once.
pub(super) fn open(store: &mut Store) {
    if !matches!(store.ui.view(), View::Inbox(_)) {
        views::push(store, View::Inbox(InboxView::default()));
        renew(store);
    }
}

/// Keeps the choice on the same item while others come and go.
pub(super) fn renew(store: &mut Store) {
    let height = store.ui.height(Focus::Inbox);
    let Store { ui, rows, .. } = store;
    if let Some(View::Inbox(view)) = ui.views.last_mut() {
        follow(&mut view.cursor, &rows.inbox, |row| &row.key, height);
    }
}

/// Whether the chosen item can be done by the key that approves; absent where that key means what it always means.
pub(super) fn availability(store: &Store) -> Option<Availability> {
    if !matches!(store.ui.view(), View::Inbox(_)) {
        return None;
    }
    let row = store.selected_item();
    Some(match row.map(|row| &row.key) {
        None => Availability::Unavailable("nothing waits for you".to_owned()),
        Some(InboxKey::Decide(_)) => {
            Availability::Unavailable("a held release is decided: retry, abort or roll back".to_owned())
        }
        Some(InboxKey::Approve(id)) => of(act::why_not(store, id, ActionKind::Approve)),
        Some(InboxKey::Check(id)) => of(act::why_not(store, id, ActionKind::Check)),
        Some(InboxKey::Resume(id)) => of(act::why_not(store, id, ActionKind::Resume)),
        Some(InboxKey::Review(id, _)) => {
            let target = Target { environment: Some(id.clone()), ..Target::default() };
            environment_act::availability(store, &target, ActionKind::Review)
        }
    })
}

fn of(why_not: Option<String>) -> Availability {
    why_not.map_or(Availability::Ready, Availability::Unavailable)
}

/// Does with the chosen item what it asks for, after the usual question.
pub(super) fn act(store: &mut Store, reason: &str) -> Vec<Effect> {
    let Some((key, open)) = store.selected_item().map(|row| (row.key.clone(), row.open.clone())) else {
        return Vec::new();
    };
    let with = |parameters| With { parameters, reason: reason.to_owned() };
    match key {
        InboxKey::Approve(id) => act::open(store, &id, ActionKind::Approve, with(None)),
        InboxKey::Resume(id) => act::open(store, &id, ActionKind::Resume, with(None)),
        // one after the other: whoever ticks an item says that this one is true
        InboxKey::Check(id) => {
            let item = open.first().map(ToString::to_string);
            let parameters = Parameters { item, ..Parameters::default() };
            act::open(store, &id, ActionKind::Check, with(Some(Box::new(parameters))))
        }
        InboxKey::Review(id, debt) => {
            let parameters = Parameters { debt: Some(debt.into()), ..Parameters::default() };
            let with = with(Some(Box::new(parameters)));
            environment_act::ask(store, &id, ActionKind::Review, with)
        }
        InboxKey::Decide(_) => Vec::new(),
    }
}
