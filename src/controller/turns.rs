//! Turns: no environment keeps the others waiting, however much is to be done in it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::lock::locked;
use crate::api::names::EnvironmentKey;

/// Environments that are remembered before those without work are forgotten.
const MANY: usize = 512;

/// Lets a few reconciles of each environment wait for one of all the places, which are given in the order of asking: an environment with
/// a thousand reconciles to do gets every other place when one more environment asks, not a thousand before it.
pub(super) struct Turns {
    each: usize,
    all: Arc<Semaphore>,
    own: Mutex<BTreeMap<EnvironmentKey, Arc<Semaphore>>>,
}

/// A place; given up when dropped.
pub(super) struct Turn {
    _own: Option<OwnedSemaphorePermit>,
    _all: Option<OwnedSemaphorePermit>,
}

impl Turns {
    /// `each` reconciles of one environment and `all` in total at once.
    pub(super) fn new(each: usize, all: usize) -> Self {
        Self { each, all: Arc::new(Semaphore::new(all.max(1))), own: Mutex::default() }
    }

    /// Waits for a place.
    pub(super) async fn take(&self, key: &EnvironmentKey) -> Turn {
        let own = self.own(key).acquire_owned().await.ok();
        let all = self.all.clone().acquire_owned().await.ok();
        Turn { _own: own, _all: all }
    }

    fn own(&self, key: &EnvironmentKey) -> Arc<Semaphore> {
        let mut known = locked(&self.own);
        if known.len() > MANY {
            known.retain(|_, own| Arc::strong_count(own) > 1);
        }
        known.entry(key.clone()).or_insert_with(|| Arc::new(Semaphore::new(self.each.max(1)))).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_of_many_waits_for_one_place_only() {
        let turns = Arc::new(Turns::new(1, 1));
        let (busy, calm) = (EnvironmentKey::new("shop", "busy"), EnvironmentKey::new("shop", "calm"));
        let order = Arc::new(Mutex::new(Vec::new()));
        let first = turns.take(&busy).await;
        let mut waiting = Vec::new();
        for key in std::iter::repeat_n(&busy, 50).chain([&calm]) {
            let (turns, order, key) = (turns.clone(), order.clone(), key.clone());
            waiting.push(tokio::spawn(async move {
                let _turn = turns.take(&key).await;
                locked(&order).push(key.name.to_string());
            }));
            tokio::task::yield_now().await;
        }
        drop(first);
        for task in waiting {
            task.await.unwrap();
        }
        let order = locked(&order).clone();
        assert_eq!(order.len(), 51);
        assert!(order.iter().position(|name| name == "calm").unwrap() <= 1, "{order:?}");
    }

    #[tokio::test]
    async fn those_without_work_are_forgotten() {
        let turns = Turns::new(1, 1);
        for number in 0..=MANY + 1 {
            drop(turns.take(&EnvironmentKey::new("shop", format!("e{number}").as_str())).await);
        }
        assert!(locked(&turns.own).len() <= 2);
    }
}
