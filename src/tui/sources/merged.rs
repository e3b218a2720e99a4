//! Several watches of one kind as one feed: the pods of three namespaces are one pane.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::app::state::event::Delta;
use crate::cluster::watch::{Update, WatchMessage};
use crate::domain::undecodable::Undecodable;
use crate::domain::watch_state::WatchState;

/// The scopes of a feed, each with what it holds and how fresh it is.
#[derive(Debug)]
pub(super) struct Merged<K> {
    scopes: BTreeMap<Box<str>, Scope<K>>,
    told: Option<WatchState>,
    /// What cannot be decoded, as told last.
    told_undecodable: Vec<Undecodable>,
}

#[derive(Debug)]
struct Scope<K> {
    keys: BTreeSet<K>,
    /// What came so far of a list that comes in parts.
    listed: BTreeSet<K>,
    state: Option<WatchState>,
    undecodable: Vec<Undecodable>,
}

impl<K> Default for Merged<K> {
    fn default() -> Self {
        Self { scopes: BTreeMap::new(), told: None, told_undecodable: Vec::new() }
    }
}

impl<K> Default for Scope<K> {
    fn default() -> Self {
        Self { keys: BTreeSet::new(), listed: BTreeSet::new(), state: None, undecodable: Vec::new() }
    }
}

impl<K: Clone + Ord> Merged<K> {
    /// Takes part of the feed from now on.
    pub(super) fn add(&mut self, scope: Box<str>) {
        self.scopes.entry(scope).or_default();
    }

    /// Whether that scope takes part.
    pub(super) fn has(&self, scope: &str) -> bool {
        self.scopes.contains_key(scope)
    }

    /// The scopes that take part.
    pub(super) fn scopes(&self) -> impl Iterator<Item = &str> {
        self.scopes.keys().map(|scope| &**scope)
    }

    /// Takes no part any more: what only it held is gone.
    pub(super) fn remove<V>(&mut self, scope: &str) -> Vec<Delta<K, V>> {
        let gone = self.scopes.remove(scope).map(|scope| scope.keys).unwrap_or_default();
        gone.into_iter().map(Delta::Deleted).collect()
    }

    /// What an update means for the feed as a whole. Updates of scopes that take no part are late, and mean nothing.
    pub(super) fn take<V>(&mut self, heard: WatchMessage<K, V>) -> Vec<Delta<K, V>> {
        let alone = self.scopes.len() == 1;
        let Some(scope) = self.scopes.get_mut(&heard.scope) else { return Vec::new() };
        match heard.update {
            Update::State(state) => {
                scope.state = Some(state);
                Vec::new()
            }
            Update::Undecodable(all) => {
                scope.undecodable = all;
                Vec::new()
            }
            Update::Applied(key, row) => {
                scope.keys.insert(key.clone());
                vec![Delta::Applied(key, row)]
            }
            Update::Deleted(key) => {
                scope.keys.remove(&key);
                vec![Delta::Deleted(key)]
            }
            Update::Reset(rows) if alone => {
                scope.keys = rows.iter().map(|(key, _)| key.clone()).collect();
                vec![Delta::Reset(rows)]
            }
            Update::Reset(rows) => {
                scope.listed.clear();
                scope.list(rows, true)
            }
            Update::Part { first, rows } => {
                if first {
                    scope.listed.clear();
                }
                scope.list(rows, false)
            }
            Update::Rest(rows) => scope.list(rows, true),
        }
    }

    /// The state of the feed as a whole, if it differs from what was told last.
    pub(super) fn news(&mut self) -> Option<WatchState> {
        let state = self.state()?;
        if self.told.as_ref() == Some(&state) {
            return None;
        }
        self.told = Some(state.clone());
        Some(state)
    }

    /// Every object that cannot be decoded, or only in part, if that differs from what was told last.
    pub(super) fn undecodable(&mut self) -> Option<Vec<Undecodable>> {
        let all: Vec<Undecodable> =
            self.scopes.values().flat_map(|scope| &scope.undecodable).cloned().collect();
        if all == self.told_undecodable {
            return None;
        }
        self.told_undecodable.clone_from(&all);
        Some(all)
    }

    /// A scope that is stale makes the feed stale; one that may not be read matters only where no other can be.
    fn state(&self) -> Option<WatchState> {
        let states = || self.scopes.values().filter_map(|scope| scope.state.as_ref());
        let stale = states().find(|state| matches!(state, WatchState::Stale { .. }));
        stale.cloned().or_else(|| oldest_live(states())).or_else(|| states().next().cloned())
    }
}

impl<K: Clone + Ord> Scope<K> {
    /// Takes in what is listed; at the list's end what was in none of its parts is gone.
    fn list<V>(&mut self, rows: Vec<(K, V)>, end: bool) -> Vec<Delta<K, V>> {
        self.listed.extend(rows.iter().map(|(key, _)| key.clone()));
        let gone: Vec<K> = if end {
            let before = std::mem::replace(&mut self.keys, std::mem::take(&mut self.listed));
            before.difference(&self.keys).cloned().collect()
        } else {
            self.keys.extend(rows.iter().map(|(key, _)| key.clone()));
            Vec::new()
        };
        let applied = rows.into_iter().map(|(key, row)| Delta::Applied(key, row));
        gone.into_iter().map(Delta::Deleted).chain(applied).collect()
    }
}

fn oldest_live<'a>(states: impl Iterator<Item = &'a WatchState>) -> Option<WatchState> {
    let heard: Option<DateTime<Utc>> = states
        .filter_map(|state| match state {
            WatchState::Live { heard } => Some(*heard),
            _ => None,
        })
        .min();
    heard.map(|heard| WatchState::Live { heard })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(scope: &str, update: Update<u8, char>) -> WatchMessage<u8, char> {
        WatchMessage { scope: scope.into(), update }
    }

    fn live(second: i64) -> Update<u8, char> {
        Update::State(WatchState::Live { heard: DateTime::from_timestamp(second, 0).unwrap() })
    }

    fn denied(reason: &str) -> Update<u8, char> {
        Update::State(WatchState::Denied { reason: reason.into() })
    }

    #[test]
    fn one_scope_is_passed_through() {
        let mut merged = Merged::default();
        merged.add("".into());
        let rows = vec![(1, 'a')];
        assert_eq!(merged.take(heard("", Update::Reset(rows.clone()))), [Delta::Reset(rows)]);
        assert_eq!(merged.take(heard("", Update::Applied(2, 'b'))), [Delta::Applied(2, 'b')]);
        assert_eq!(merged.remove::<char>(""), [Delta::Deleted(1), Delta::Deleted(2)]);
        assert_eq!(merged.take(heard("", Update::Applied(3, 'c'))), [], "it came too late");
    }

    #[test]
    fn a_list_of_one_namespace_leaves_the_others_alone() {
        let mut merged = Merged::default();
        merged.add("a".into());
        merged.add("b".into());
        merged.take(heard("a", Update::Reset(vec![(1, 'a'), (2, 'a')])));
        merged.take(heard("b", Update::Reset(vec![(9, 'b')])));
        let deltas = merged.take(heard("a", Update::Reset(vec![(2, 'x')])));
        assert_eq!(deltas, [Delta::Deleted(1), Delta::Applied(2, 'x')]);
    }

    #[test]
    fn a_list_in_parts_shows_what_came_and_forgets_what_did_not_at_its_end() {
        let part = |first, rows: &[(u8, char)]| Update::Part { first, rows: rows.to_vec() };
        let mut merged = Merged::default();
        merged.add("".into());
        assert_eq!(merged.take(heard("", part(true, &[(1, 'a')]))), [Delta::Applied(1, 'a')]);
        assert_eq!(merged.take(heard("", part(false, &[(2, 'a')]))), [Delta::Applied(2, 'a')]);
        assert_eq!(merged.take(heard("", Update::Rest(vec![(3, 'a')]))), [Delta::Applied(3, 'a')]);
        // one that breaks off counts no more: 1 was only in that one
        merged.take(heard("", part(true, &[(1, 'b')])));
        assert_eq!(merged.take(heard("", part(true, &[(2, 'b'), (4, 'b')]))).len(), 2);
        let end = merged.take(heard("", Update::Rest(vec![(5, 'b')])));
        assert_eq!(end, [Delta::Deleted(1), Delta::Deleted(3), Delta::Applied(5, 'b')]);
        // nor does it before a whole list
        merged.take(heard("", part(true, &[(2, 'c')])));
        assert_eq!(merged.take(heard("", Update::Reset(vec![(9, 'c')]))), [Delta::Reset(vec![(9, 'c')])]);
        assert_eq!(merged.remove::<char>(""), [Delta::Deleted(9)]);
    }

    #[test]
    fn the_worst_that_matters_is_told_once() {
        let mut merged = Merged::<u8>::default();
        assert_eq!(merged.news(), None);
        merged.add("a".into());
        merged.add("b".into());
        merged.take(heard("a", denied("no")));
        assert_eq!(merged.news(), Some(WatchState::Denied { reason: "no".into() }));
        merged.take(heard("b", live(7)));
        assert!(merged.news().unwrap().is_live(), "what can be read is shown");
        merged.take(heard("b", live(7)));
        assert_eq!(merged.news(), None);
        let stale = WatchState::Stale { since: None, reason: "gone".into(), retry_at: None };
        merged.take(heard("b", Update::State(stale)));
        assert!(matches!(merged.news(), Some(WatchState::Stale { .. })));
    }
}
