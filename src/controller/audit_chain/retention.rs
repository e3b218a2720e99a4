//! Retention: what is old enough is exported, then counted as removed, then deleted; in this order, so that nothing is lost at any line.

use std::sync::Arc;

use chrono::TimeDelta;
use kube::Resource;
use kube::api::{DeleteParams, Preconditions};

use super::super::context::Context;
use super::super::error::{Error, write_failed};
use super::super::lock::locked;
use super::super::metadata::{name, namespace};
use super::super::requests::api;
use super::{Book, apply, export, is_of, read, tell};
use crate::api::release::Phase;
use crate::api::{Environment, Release, ReleaseAction, Stored};
use crate::domain::audit::{Removal, plan_removal};

/// How often an environment's records are looked through at most.
const EVERY: TimeDelta = TimeDelta::seconds(60);

/// Removes what `spec.retention` lets go: never without an export, and never from a chain that is broken.
pub(super) async fn keep(environment: &Environment, context: &Arc<Context>) -> Result<(), Error> {
    if environment.spec.retention.is_none() {
        return Ok(());
    }
    let Some(directory) = context.core.audit_export.clone() else {
        let sentence = "spec.retention is not carried out: the controller has no --audit-export, and without an \
                        export no record is removed";
        warn_once(environment, context, "RetentionWithoutExport", sentence).await;
        return Ok(());
    };
    if !is_time(environment, context) || matches!(reported(environment, context), Removal::Nothing) {
        return Ok(());
    }
    let Some(book) = read(environment, context).await? else { return Ok(()) };
    let releases: Vec<&Release> = book.releases.iter().collect();
    let actions: Vec<&ReleaseAction> = book.actions.iter().collect();
    match plan_removal(&book.environment, &releases, &actions, context.core.clock.now()) {
        Removal::Nothing => Ok(()),
        Removal::Stopped(why) => {
            let sentence =
                format!("spec.retention is not carried out, since the chain of records is broken: {why}");
            warn_once(environment, context, "RetentionStopped", &sentence).await;
            Ok(())
        }
        Removal::Records { uids, removed, removed_hash } => {
            let book = Arc::new(book);
            export_all(context, &book, &uids, directory).await?;
            let mut head = book.head();
            if removed > head.removed {
                (head.removed, head.removed_hash) = (removed, removed_hash);
                context.core.permit(name(&book.environment), Phase::Pending, "removal")?;
                apply(context, &book.environment, &serde_json::json!({"chain": head}), "the environment")
                    .await?;
            }
            for uid in &uids {
                remove(context, &book, uid).await?;
            }
            tracing::info!(environment = %environment.key(), records = uids.len(), up_to = removed, "old records removed");
            Ok(())
        }
    }
}

fn is_time(environment: &Environment, context: &Context) -> bool {
    let uid = environment.metadata.uid.clone().unwrap_or_default();
    let now = context.core.clock.now();
    let mut looked = locked(&context.ledger.looked);
    if looked.get(&uid).is_some_and(|before| now - *before < EVERY) {
        return false;
    }
    looked.insert(uid, now);
    true
}

/// What would be removed by what the watches last reported: good enough to know that there is nothing to do.
fn reported(environment: &Environment, context: &Context) -> Removal {
    let releases = context.releases_of(&environment.key());
    let actions: Vec<_> =
        context.actions.state().into_iter().filter(|action| is_of(action, environment)).collect();
    let releases: Vec<&Release> = releases.iter().map(|release| &**release).collect();
    let actions: Vec<&ReleaseAction> = actions.iter().map(|action| &**action).collect();
    plan_removal(environment, &releases, &actions, context.core.clock.now())
}

async fn warn_once(environment: &Environment, context: &Context, reason: &str, sentence: &str) {
    if context.ledger.is_first(environment, sentence) {
        tracing::warn!(environment = %environment.key(), "{sentence}");
        tell(context, environment, reason, sentence, true).await;
    }
}

/// Appends those records that this process has not exported yet.
async fn export_all(
    context: &Context,
    book: &Arc<Book>,
    uids: &[String],
    directory: std::path::PathBuf,
) -> Result<(), Error> {
    let new: Vec<String> = {
        let exported = locked(&context.ledger.exported);
        uids.iter().filter(|uid| !exported.contains(*uid)).cloned().collect()
    };
    if new.is_empty() {
        return Ok(());
    }
    context.core.permit(name(&book.environment), Phase::Pending, "export")?;
    let lines = export::lines(&book.releases, &book.actions, &new);
    let (key, month) = (book.environment.key(), context.core.clock.now().format("%Y-%m").to_string());
    let path = export::path(&directory, &key, &month);
    let file = path.clone();
    let written = tokio::task::spawn_blocking(move || export::append(&file, &lines)).await;
    let written = written.unwrap_or_else(|panicked| Err(std::io::Error::other(panicked)));
    written.map_err(|source| Error::Export { path, source })?;
    locked(&context.ledger.exported).extend(new);
    Ok(())
}

async fn remove(context: &Context, book: &Book, uid: &String) -> Result<(), Error> {
    if let Some(release) = book.releases.iter().find(|release| release.metadata.uid.as_ref() == Some(uid)) {
        context.core.permit(name(release), Phase::Pending, "delete")?;
        let api = api::<Stored<Release>>(context, namespace(release));
        gone(api.delete(name(release), &exactly(release)).await.map(drop), "remove the release")?;
    }
    if let Some(action) = book.actions.iter().find(|action| action.metadata.uid.as_ref() == Some(uid)) {
        context.core.permit(name(action), Phase::Pending, "delete")?;
        let api = api::<Stored<ReleaseAction>>(context, namespace(action));
        gone(api.delete(name(action), &exactly(action)).await.map(drop), "remove the action")?;
    }
    Ok(())
}

/// Only this object, and only in the version that was exported.
fn exactly(object: &impl Resource) -> DeleteParams {
    let meta = object.meta();
    let preconditions =
        Preconditions { uid: meta.uid.clone(), resource_version: meta.resource_version.clone() };
    DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() }
}

fn gone(outcome: Result<(), kube::Error>, what: &'static str) -> Result<(), Error> {
    match outcome {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        outcome => outcome.map_err(|error| write_failed(what, error)),
    }
}
