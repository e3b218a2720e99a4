//! Whether the admission policies are in force. What they attest (who asked, who approved) counts only while they are.
//!
//! Owns the asking: the objects are read, and in each namespace with an Environment the API server is handed, as a dry run, a
//! release and an action in another's name, which the policies must refuse. It is asked whenever a policy or a binding changes, at
//! intervals, and before anything begins. `judge` makes the verdict of it, `probe` the forgeries. The verdict stands as condition
//! `PoliciesEnforced` on every Environment, and is what the decision is handed.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::{FutureExt, StreamExt};
use k8s_openapi::api::admissionregistration::v1::{
    ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
};
use kube::Resource;
use kube::api::Api;
use kube::core::PartialObjectMeta;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{Event, watcher};

pub(super) use self::judge::Verdict;
use self::judge::{Seen, Shipped, judge};
pub(super) use self::verdicts::Verdicts;
use self::verdicts::{Installed, is_settling};
use super::context::Context;
use super::metadata::namespace;
use super::{attempt, events, feed};
use crate::api::Environment;
use crate::api::condition::{Condition, ConditionStatus};
use crate::api::release::Phase;
pub(super) use crate::domain::attested::CONDITION;

mod judge;
mod probe;
mod verdicts;

/// Between two looks while all is well.
const EVERY: Duration = Duration::from_secs(60);
/// Between two looks while it is not, so that a remedy is soon seen.
const SOON: Duration = Duration::from_secs(10);
/// Between two looks while an API server may not have heeded the last change yet.
const SETTLING: Duration = Duration::from_secs(1);
/// How often it is looked so shortly after each change.
const LOOKS_AFTER_A_CHANGE: u32 = 3;

/// Sets the condition to the verdict, for a decision or for the status: an older one found in the object proves nothing.
pub(super) fn stamp(environment: &mut Environment, verdict: Option<Verdict>, now: DateTime<Utc>) {
    let verdict = verdict.unwrap_or_else(Verdict::not_asked_yet);
    let generation = environment.metadata.generation;
    let conditions = &mut environment.status.get_or_insert_default().conditions;
    let new = condition(conditions, &verdict, generation, now);
    conditions.retain(|condition| condition.type_ != CONDITION);
    conditions.push(new);
}

/// The verdict as a condition beside those that there are.
pub(super) fn condition(
    conditions: &[Condition],
    verdict: &Verdict,
    generation: Option<i64>,
    now: DateTime<Utc>,
) -> Condition {
    let was = conditions.iter().find(|old| old.type_ == CONDITION);
    Condition {
        type_: CONDITION.to_owned(),
        status: verdict.status,
        reason: verdict.reason.to_owned(),
        message: crate::domain::timeline::cut(verdict.message.clone(), 1000),
        last_transition_time: since(was, verdict, now),
        observed_generation: generation,
    }
}

/// Since when it is so. In force they have been since they were last changed, whenever somebody looked; after they were seen not to be
/// in force, only from when they were first seen to be. However often it is told, and beside whatever old condition, it is the same instant.
fn since(was: Option<&Condition>, verdict: &Verdict, now: DateTime<Utc>) -> DateTime<Utc> {
    let now = verdict.seen.unwrap_or(now);
    match (was, verdict.since) {
        (Some(was), Some(since)) if was.status == verdict.status => since.max(was.last_transition_time),
        (Some(was), None) if was.status == verdict.status => was.last_transition_time,
        (Some(was), _) if was.status == ConditionStatus::False => now,
        (_, Some(since)) => since,
        (_, None) => now,
    }
}

/// What this version installs.
static SHIPPED: LazyLock<Shipped> = LazyLock::new(Shipped::read);

/// Asks, again and again, and tells everybody whom the answer concerns. Ends never.
pub(super) async fn watch(context: &Arc<Context>) {
    context.ready().await;
    tokio::join!(
        ask_again(context),
        follow::<ValidatingAdmissionPolicy>(context),
        follow::<ValidatingAdmissionPolicyBinding>(context),
    );
}

async fn ask_again(context: &Context) {
    let mut soon = 0;
    loop {
        let asked = AssertUnwindSafe(ask_everywhere(context)).catch_unwind().await;
        let wait = match asked {
            Ok(SOON) if soon > 0 => SETTLING,
            Ok(wait) => wait,
            Err(panic) => {
                tracing::error!(error = attempt::words(&*panic), "the policies were not looked at");
                SOON
            }
        };
        tokio::select! {
            biased;
            () = tokio::time::sleep(context.core.clock.wall(wait)) => soon -= soon.min(1),
            // what has just changed takes a moment to be heeded
            () = context.policies.wanted.notified() => soon = LOOKS_AFTER_A_CHANGE,
        }
    }
}

/// Every change is a reason to ask at once. Where the server lets this controller see none, the intervals remain.
async fn follow<K>(context: &Context)
where
    K: Resource<DynamicType = ()> + Clone + std::fmt::Debug + serde::de::DeserializeOwned + Send + 'static,
{
    let api: Api<PartialObjectMeta<K>> = Api::all(context.core.client.clone());
    let mut events = std::pin::pin!(watcher(api, context.core.deadlines.watcher()).default_backoff());
    let mut is_interrupted = false;
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Apply(_) | Event::Delete(_) | Event::InitDone) => {
                is_interrupted = false;
                context.policies.wanted.notify_one();
            }
            Err(error) if !is_interrupted => {
                is_interrupted = true;
                tracing::warn!(kind = %K::kind(&()), %error, "changes of policies are seen at intervals only");
            }
            Ok(Event::Init | Event::InitApply(_)) | Err(_) => {}
        }
    }
}

/// Asks in one namespace at once: before something begins there that only what they attest permits.
pub(super) async fn look(context: &Context, space: &str) {
    let looks = context.policies.looks(space);
    looks.get(async || Box::pin(look_once(context, space)).await).await;
}

async fn look_once(context: &Context, space: &str) {
    let environments = spaces(context).remove(space).unwrap_or_default();
    let installed = context.policies.installed(&context.core.client).await;
    let before = context.policies.of(space);
    ask_in(context, space, &environments, &installed).await;
    if context.policies.of(space) != before {
        // it is the same for everybody else
        context.policies.wanted.notify_one();
    }
}

/// The environments that are not about to go, by namespace.
fn spaces(context: &Context) -> BTreeMap<String, Vec<Arc<Environment>>> {
    let mut spaces: BTreeMap<String, Vec<Arc<Environment>>> = BTreeMap::new();
    for environment in context.environments.state() {
        if environment.metadata.deletion_timestamp.is_none() {
            spaces.entry(namespace(&*environment).to_owned()).or_default().push(environment);
        }
    }
    for environments in spaces.values_mut() {
        environments.sort_by(|one, other| one.metadata.name.cmp(&other.metadata.name));
    }
    spaces
}

/// Asks in every namespace; when to ask again.
async fn ask_everywhere(context: &Context) -> Duration {
    let spaces = spaces(context);
    context.policies.forget_all_but(&spaces.keys().cloned().collect());
    let mut enforced = BTreeMap::new();
    let mut again = EVERY;
    if !spaces.is_empty() {
        let installed = context.policies.installed(&context.core.client).await;
        for (space, environments) in &spaces {
            let wait = ask_in(context, space, environments, &installed).await;
            let stands = context.policies.of(space);
            enforced.insert(space.clone(), stands.is_some_and(|stands| stands.is_enforced()));
            again = again.min(wait);
        }
    }
    context.core.counters.policies_enforced(enforced);
    again
}

/// Asks in one namespace; when to ask there again, which is [`EVERY`] where all is well.
async fn ask_in(
    context: &Context,
    space: &str,
    environments: &[Arc<Environment>],
    installed: &Installed,
) -> Duration {
    let Some(environment) = environments.first() else { return SOON };
    let probes = probe::ask(&context.core.client, environment).await;
    let Installed { policies, bindings } = installed;
    let account = context.policies.account(&context.core.client).await;
    let seen = Seen { policies, bindings, probes: &probes, namespace: space, account: &account };
    let verdict = judge(&SHIPPED, &seen);
    let now = context.core.clock.now();
    let is_settling = is_settling(&verdict, now);
    let is_news = context.policies.keep(space, verdict, now);
    let stands = context.policies.of(space).unwrap_or_else(Verdict::not_asked_yet);
    if is_news {
        tell(context, space, environments, &stands).await;
    }
    match (stands.is_enforced(), is_settling) {
        (true, _) => EVERY,
        (false, true) => SETTLING,
        (false, false) => SOON,
    }
}

/// Log, Event, and everybody whose decision depends on it.
async fn tell(context: &Context, space: &str, environments: &[Arc<Environment>], verdict: &Verdict) {
    match verdict.status {
        ConditionStatus::True => tracing::info!(namespace = space, "{}", verdict.message),
        ConditionStatus::False => {
            tracing::error!(namespace = space, reason = verdict.reason, "{}", verdict.message);
        }
        ConditionStatus::Unknown => {
            tracing::warn!(namespace = space, reason = verdict.reason, "{}", verdict.message);
        }
    }
    for environment in environments {
        feed::wake_environment(context, environment).await;
        feed::wake_releases(context, &environment.key(), |phase: Phase| !phase.is_final()).await;
        let is_enforced = verdict.is_enforced();
        let reason = if is_enforced { CONDITION } else { verdict.reason };
        events::emit(context, &**environment, reason, &verdict.message, !is_enforced).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::{at, environment};

    fn verdict(status: ConditionStatus, is_passing: bool) -> Verdict {
        Verdict { status, reason: "X", message: "x".into(), is_passing, since: None, seen: None }
    }

    #[test]
    fn a_verdict_stands_for_a_while_when_the_server_cannot_be_asked() {
        let verdicts = Verdicts::default();
        let (good, lost) = (verdict(ConditionStatus::True, false), verdict(ConditionStatus::Unknown, true));
        assert!(verdicts.keep("a", good.clone(), at(0)));
        assert!(!verdicts.keep("a", good.clone(), at(60)));
        assert!(!verdicts.keep("a", lost.clone(), at(200)));
        assert_eq!(verdicts.of("a"), Some(Verdict { seen: Some(at(0)), ..good }));
        assert!(verdicts.keep("a", lost.clone(), at(300)));
        assert_eq!(verdicts.of("a"), Some(Verdict { seen: Some(at(300)), ..lost.clone() }));
        assert!(verdicts.keep("b", lost.clone(), at(300)), "nothing stands where nothing was known");
        assert_eq!(verdicts.of("c"), None);
        let bad = verdict(ConditionStatus::False, false);
        assert!(verdicts.keep("b", bad.clone(), at(300)));
        assert!(!verdicts.keep("b", lost.clone(), at(9000)), "what was missing is not forgotten");
    }

    #[test]
    fn nothing_comes_into_force_while_an_api_server_may_not_have_heeded_it() {
        use ConditionStatus::{False, True};
        let verdicts = Verdicts::default();
        let good = Verdict { since: Some(at(12)), ..verdict(True, false) };
        let status = || verdicts.of("a").map(|verdict| (verdict.status, verdict.seen));
        assert!(!verdicts.keep("a", good.clone(), at(11)));
        assert_eq!(status(), None, "nobody has been told anything");
        assert!(verdicts.keep("a", good.clone(), at(13)));
        assert_eq!(status(), Some((True, Some(at(13)))));
        // while they stand, a change of them takes nothing out of force
        let changed = Verdict { since: Some(at(22)), ..verdict(True, false) };
        assert!(verdicts.keep("a", changed, at(21)));
        assert_eq!(status(), Some((True, Some(at(13)))));
        assert!(verdicts.keep("a", verdict(False, false), at(30)));
        let back = Verdict { since: Some(at(32)), ..verdict(True, false) };
        assert!(!verdicts.keep("a", back.clone(), at(31)));
        assert_eq!(status(), Some((False, Some(at(30)))));
        assert!(verdicts.keep("a", back.clone(), at(33)));
        // told twice beside a condition that is not yet renewed: the same instant
        let stands = verdicts.of("a").unwrap();
        let old = [condition(&[], &verdict(False, false), None, at(30))];
        for now in [33, 34] {
            assert_eq!(condition(&old, &stands, None, at(now)).last_transition_time, at(33));
        }
    }

    #[test]
    fn they_attest_what_was_written_since_they_were_last_changed() {
        use ConditionStatus::{False, True, Unknown};
        for (was, status, changed, expected) in [
            (None, True, Some(5), 5),
            (None, True, None, 100),
            (Some((True, 30)), True, Some(5), 30),
            (Some((True, 30)), True, Some(50), 50),
            (Some((True, 30)), True, None, 30),
            (Some((Unknown, 30)), True, Some(5), 5),
            (Some((False, 30)), True, Some(5), 100),
            (Some((True, 30)), False, None, 100),
            (Some((False, 30)), False, None, 30),
        ] {
            let told = |(status, secs)| condition(&[], &verdict(status, false), None, at(secs));
            let was: Vec<_> = was.map(told).into_iter().collect();
            let new = Verdict { since: changed.map(at), ..verdict(status, false) };
            let found = condition(&was, &new, None, at(100)).last_transition_time;
            assert_eq!(found, at(expected), "{was:?} {status:?} {changed:?}");
        }
    }

    #[test]
    fn what_an_object_says_of_an_earlier_time_is_overwritten() {
        let mut environment = environment();
        environment.status = None;
        stamp(&mut environment, Some(verdict(ConditionStatus::True, false)), at(5));
        let told = |environment: &Environment| {
            let conditions = &environment.status.as_ref().unwrap().conditions;
            assert_eq!(conditions.len(), 1);
            (conditions[0].status, conditions[0].last_transition_time)
        };
        assert_eq!(told(&environment), (ConditionStatus::True, at(5)));
        stamp(&mut environment, Some(verdict(ConditionStatus::True, false)), at(9));
        assert_eq!(told(&environment), (ConditionStatus::True, at(5)));
        stamp(&mut environment, None, at(10));
        assert_eq!(told(&environment), (ConditionStatus::Unknown, at(10)));
    }
}
