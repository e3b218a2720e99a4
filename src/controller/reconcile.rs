//! One release, as far as it can go now.

use std::sync::Arc;
use std::time::Duration;

use kube::runtime::controller::Action;
use kube::runtime::reflector::ObjectRef;

use super::act::act;
use super::context::Context;
use super::error::Error;
use super::metadata::namespace;
use super::observe::{Freshness, observe};
use super::{policies, stopping};
use crate::api::Release;
use crate::api::release::{GateState, Phase, ReleaseKind, ReleaseStatus};
use crate::domain::rollout::{self, Decision, Effect, Observed, Requeue};
use crate::domain::{environment_action, lane};
use crate::time::Stopwatch;

/// Decisions that may follow one another at once before somebody else gets a turn.
const ROUNDS: usize = 8;
/// Which of the turns a reconcile takes.
const USUAL: usize = 0;
const ASKED: usize = 1;
/// How long a release waits for an answer that is about to be given to somebody else.
const BREATH: Duration = Duration::from_millis(100);

/// Looks, decides and acts until nothing more can be done at once.
pub(super) async fn reconcile(release: Arc<Release>, context: Arc<Context>) -> Result<Action, Error> {
    in_turn(release, context, USUAL).await
}

/// As [`reconcile`], for whoever somebody has just asked something of; what comes later is left to the usual queue.
pub(super) async fn at_once(release: Arc<Release>, context: Arc<Context>) -> Result<Action, Error> {
    let key = ObjectRef::from_obj(&*release);
    in_turn(release, context.clone(), ASKED).await?;
    let _ = context.wake_release.send(key).await;
    Ok(Action::await_change())
}

/// Reconciles when it is the environment's turn, within the deadline.
async fn in_turn(release: Arc<Release>, context: Arc<Context>, turns: usize) -> Result<Action, Error> {
    context.ready().await;
    let _turn = context.turns[turns].take(&release.environment_key()).await;
    let uid = release.metadata.uid.clone().unwrap_or_default();
    let (core, object) = (context.core.clone(), format!("release {}", release.key()));
    let work = {
        let (release, context) = (release.clone(), context.clone());
        async move { carry_on(&release, &context).await }
    };
    let done = core.running.run(object, core.deadlines.reconcile, work).await;
    core.counters.reconciled(done.is_ok());
    match &done {
        Ok(_) => context.memory.succeeded(&uid),
        Err(Error::Panicked(message)) => stopping::end_after_panic(&release, &context, message).await,
        Err(_) => {}
    }
    done
}

/// What to do after a failure: soon after a lost race, ever later after anything else or after many races.
pub(super) fn after_failure(release: &Release, error: &Error, context: &Context) -> Action {
    let uid = release.metadata.uid.as_deref().unwrap_or_default();
    if error.is_race() {
        context.core.counters.raced();
        return Action::requeue(context.memory.raced(uid));
    }
    tracing::warn!(release = %release.key(), %error, "could not be carried on");
    Action::requeue(context.memory.failed(uid))
}

pub(super) async fn carry_on(release: &Release, context: &Arc<Context>) -> Result<Action, Error> {
    if !wants_attention(release, context) {
        context.memory.forget(release.metadata.uid.as_deref().unwrap_or_default());
        return Ok(Action::await_change());
    }
    let mut foreseen = None;
    if release.phase() == Phase::Pending {
        let Some(observed) = Box::pin(observe(context, release, Freshness::Reported)).await? else {
            return Ok(Action::await_change());
        };
        let mut decision = decide(context, &observed);
        if !needs_certainty(&observed, &decision) {
            if let Some(told) = news_of_the_queue(&observed, &decision)
                && !context.memory.telling.take()
            {
                // told at the next look
                decision.status = told;
            }
            Box::pin(act(context, &observed, &decision)).await?;
            return Ok(action(context, decision.requeue));
        }
        foreseen = depends_on_others(&observed, &decision).then(|| begins(&observed, &decision));
    }
    let lane = context.memory.lane(&release.environment_key());
    // whoever has it ends within the deadline of a reconcile; this one must not miss its own by waiting
    let alone = tokio::time::timeout(context.core.deadlines.reconcile / 2, lane.lock()).await;
    let _alone = alone.map_err(|_| Error::LaneBusy)?;
    for _ in 0..ROUNDS {
        let seen = match foreseen.take() {
            Some(begins) => Box::pin(certain(context, release, begins)).await?,
            None => Box::pin(fresh(context, release)).await?,
        };
        let Some((observed, decision)) = seen else { return Ok(Action::await_change()) };
        if begins(&observed, &decision) && is_being_stopped(&observed, context) {
            return Ok(Action::requeue(BREATH));
        }
        let is_refused = Box::pin(act(context, &observed, &decision)).await?;
        if !is_refused && decision.requeue != Requeue::Now {
            return Ok(action(context, decision.requeue));
        }
    }
    Ok(Action::requeue(Duration::ZERO))
}

/// What is decided on what the API server says now of the release itself, and of everybody else where that matters.
async fn fresh(context: &Context, release: &Release) -> Result<Option<(Observed, Decision)>, Error> {
    let Some(observed) = Box::pin(observe(context, release, Freshness::Fresh)).await? else {
        return Ok(None);
    };
    let decision = decide(context, &observed);
    if depends_on_others(&observed, &decision) {
        return Box::pin(certain(context, release, begins(&observed, &decision))).await;
    }
    Ok(Some((observed, decision)))
}

/// What is decided on what the API server says now of everybody. Nothing begins before the policies have been looked at, except a
/// rollback, which asks for nobody's consent.
async fn certain(
    context: &Context,
    release: &Release,
    expects_to_begin: bool,
) -> Result<Option<(Observed, Decision)>, Error> {
    let mut has_looked = release.spec.kind == ReleaseKind::Rollback;
    if expects_to_begin && !has_looked {
        policies::look(context, namespace(release)).await;
        has_looked = true;
    }
    loop {
        let Some(observed) = Box::pin(observe(context, release, Freshness::Certain)).await? else {
            return Ok(None);
        };
        let decision = decide(context, &observed);
        if has_looked || !begins(&observed, &decision) {
            return Ok(Some((observed, decision)));
        }
        policies::look(context, namespace(release)).await;
        has_looked = true;
    }
}

/// The stored status, where the decision tells nothing new but who has the lane, of a release that waits for something else as well:
/// whenever the lane changes hands, that is so of everybody who waits.
fn news_of_the_queue(observed: &Observed, decision: &Decision) -> Option<ReleaseStatus> {
    let stored = observed.release.status.as_ref()?;
    let untold = |status: &ReleaseStatus| {
        let mut status = status.clone();
        status.message.clear();
        status.gates.retain(|gate| gate.name != lane::GATE);
        status
    };
    let (before, after) = (untold(stored), untold(&decision.status));
    let waits_for_more = after.gates.iter().any(|gate| gate.state != GateState::Pass);
    (waits_for_more && *stored != decision.status && before == after).then(|| stored.clone())
}

/// Whether this decision ends the waiting.
fn begins(observed: &Observed, decision: &Decision) -> bool {
    observed.release.phase() == Phase::Pending && decision.status.phase.holds_lane()
}

/// Whether what the other releases do may have decided: whoever leaves the queue, unless a person takes it out. Only then is every record
/// of the environment worth reading anew; an approval or a rejection need not wait for that.
fn depends_on_others(observed: &Observed, decision: &Decision) -> bool {
    let (before, after) = (observed.release.phase(), decision.status.phase);
    !before.holds_lane() && before != after && !matches!(after, Phase::Rejected | Phase::Aborted)
}

/// Whether somebody has asked to stop this environment and has not been answered yet: nothing begins meanwhile.
fn is_being_stopped(observed: &Observed, context: &Context) -> bool {
    let open = context.actions_in(&observed.release.environment_key());
    open.iter().any(|action| !action.is_judged() && environment_action::only_stops(action.spec.action))
}

/// Whether anything can still happen to this release: it goes on, or somebody acted on it.
fn wants_attention(release: &Release, context: &Context) -> bool {
    if !release.phase().is_final() {
        return true;
    }
    context.actions_of(&release.key()).iter().any(|action| !action.is_judged())
}

fn decide(context: &Context, observed: &Observed) -> Decision {
    let started = Stopwatch::start();
    let decision = rollout::next(observed, context.core.clock.now());
    context.core.counters.decided(started.elapsed());
    decision
}

/// Whether more than waiting follows, so that it must be decided on what the API server says now.
fn needs_certainty(observed: &Observed, decision: &Decision) -> bool {
    let acts = |effect: &Effect| !matches!(effect, Effect::Ask { .. });
    observed.release.phase() != decision.status.phase || decision.effects.iter().any(acts)
}

fn action(context: &Context, requeue: Requeue) -> Action {
    match requeue {
        Requeue::Now => Action::requeue(Duration::ZERO),
        Requeue::OnChange => Action::await_change(),
        Requeue::After(span) => {
            let span = span.to_std().unwrap_or(Duration::ZERO);
            Action::requeue(context.core.clock.wall(span))
        }
    }
}
