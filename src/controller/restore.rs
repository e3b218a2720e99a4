//! What an Environment that was created again has lost, and whether another one owns its workloads: for every decision, and in its
//! status.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::context::Context;
use super::error::Error;
use super::{audit_chain, events, status};
use crate::api::release::Phase;
use crate::api::{Environment, stored};
use crate::domain::environment_action::{self, Restored};
use crate::domain::shared_workload;

/// Puts both into an environment that a decision is about to be made on, before any status tells them.
pub(super) fn stamp(environment: &mut Environment, context: &Context, now: DateTime<Utc>) {
    if let Some(restored) = of(environment, context, now) {
        environment.status = Some(restored.status);
    }
    shared_workload::stamp(environment, rival(environment, context), now);
}

/// Which workload an older Environment owns.
pub(super) fn rival(environment: &Environment, context: &Context) -> Option<String> {
    let all = context.environments.state();
    shared_workload::rival(environment, all.iter().map(|other| &**other))
}

/// What the records restore.
fn of(environment: &Environment, context: &Context, now: DateTime<Utc>) -> Option<Restored> {
    let chain = environment.status.as_ref().and_then(|status| status.chain.as_ref());
    // what cannot be read is not lost
    if chain.is_some_and(|chain| chain.sequence > 0) || !stored::is_status_understood(environment) {
        return None;
    }
    let key = environment.key();
    let releases = context.releases_of(&key);
    let actions = context.actions_by_environment.of(&key.namespace, &key.name);
    environment_action::restored(environment, &releases, &actions, now)
}

/// Writes down what the records restore: the environment as it is stored then. Nothing where nothing was lost.
pub(super) async fn carry_out(
    environment: &Environment,
    context: &Arc<Context>,
) -> Result<Option<Environment>, Error> {
    let Some(restored) = of(environment, context, context.core.clock.now()) else { return Ok(None) };
    let name = super::metadata::name(environment);
    context.core.permit(name, Phase::Pending, "restore")?;
    let stored = status::store(context, environment, &restored.status, "the environment").await?;
    // the head comes last: as long as it is not there, the next look restores again
    let stored = match &restored.status.chain {
        Some(head) => audit_chain::restore(context, &stored, head).await?,
        None => stored,
    };
    if restored.is_created_again {
        tracing::warn!(environment = %environment.key(), "{}", restored.sentence);
        events::emit(context, &stored, "Restored", &restored.sentence, true).await;
    }
    Ok(Some(stored))
}
