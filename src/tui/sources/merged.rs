//! Several watches of one kind as one feed: the pods of three namespaces are one pane.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::app::cluster_state::FeedState;
use crate::app::event::Delta;
use crate::cluster::watch::{Heard, State, Update};

/// The scopes of a feed, each with what it holds and how fresh it is.
#[derive(Debug)]
pub(super) struct Merged<K> {
    scopes: BTreeMap<Box<str>, Scope<K>>,
    told: Option<FeedState>,
}

#[derive(Debug)]
struct Scope<K> {
    keys: BTreeSet<K>,
    state: Option<State>,
}

impl<K> Default for Merged<K> {
    fn default() -> Self {
        Self { scopes: BTreeMap::new(), told: None }
    }
}

impl<K> Default for Scope<K> {
    fn default() -> Self {
        Self { keys: BTreeSet::new(), state: None }
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
    pub(super) fn take<V>(&mut self, heard: Heard<K, V>) -> Vec<Delta<K, V>> {
        let alone = self.scopes.len() == 1;
        let Some(scope) = self.scopes.get_mut(&heard.scope) else { return Vec::new() };
        match heard.update {
            Update::State(state) => {
                scope.state = Some(state);
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
            Update::Reset(rows) => {
                let keys: BTreeSet<K> = rows.iter().map(|(key, _)| key.clone()).collect();
                let before = std::mem::replace(&mut scope.keys, keys);
                if alone {
                    return vec![Delta::Reset(rows)];
                }
                let gone = before.difference(&scope.keys).cloned().map(Delta::Deleted);
                let applied = rows.into_iter().map(|(key, row)| Delta::Applied(key, row));
                gone.chain(applied).collect()
            }
        }
    }

    /// The state of the feed as a whole, if it differs from what was told last.
    pub(super) fn news(&mut self) -> Option<FeedState> {
        let state = self.state()?;
        if self.told.as_ref() == Some(&state) {
            return None;
        }
        self.told = Some(state.clone());
        Some(state)
    }

    /// A scope that is stale makes the feed stale; one that may not be read matters only where no other can be.
    fn state(&self) -> Option<FeedState> {
        let states = || self.scopes.values().filter_map(|scope| scope.state.as_ref());
        let stale = states().find(|state| matches!(state, State::Stale { .. }));
        let chosen = stale.cloned().or_else(|| oldest_live(states())).or_else(|| states().next().cloned())?;
        Some(feed_state(chosen))
    }
}

fn oldest_live<'a>(states: impl Iterator<Item = &'a State>) -> Option<State> {
    let heard: Option<DateTime<Utc>> = states
        .filter_map(|state| match state {
            State::Live { heard } => Some(*heard),
            _ => None,
        })
        .min();
    heard.map(|heard| State::Live { heard })
}

fn feed_state(state: State) -> FeedState {
    match state {
        State::Live { heard } => FeedState::Live { heard },
        State::Stale { since, reason, retry_at } => FeedState::Stale { since, reason, retry_at },
        State::Denied { reason } => FeedState::Denied { reason },
        State::Missing { reason } => FeedState::Missing { reason },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(scope: &str, update: Update<u8, char>) -> Heard<u8, char> {
        Heard { scope: scope.into(), update }
    }

    fn live(second: i64) -> Update<u8, char> {
        Update::State(State::Live { heard: DateTime::from_timestamp(second, 0).unwrap() })
    }

    fn denied(reason: &str) -> Update<u8, char> {
        Update::State(State::Denied { reason: reason.into() })
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
    fn the_worst_that_matters_is_told_once() {
        let mut merged = Merged::<u8>::default();
        assert_eq!(merged.news(), None);
        merged.add("a".into());
        merged.add("b".into());
        merged.take(heard("a", denied("no")));
        assert_eq!(merged.news(), Some(FeedState::Denied { reason: "no".into() }));
        merged.take(heard("b", live(7)));
        assert!(merged.news().unwrap().is_live(), "what can be read is shown");
        merged.take(heard("b", live(7)));
        assert_eq!(merged.news(), None);
        let stale = State::Stale { since: None, reason: "gone".into(), retry_at: None };
        merged.take(heard("b", Update::State(stale)));
        assert!(matches!(merged.news(), Some(FeedState::Stale { .. })));
    }
}
