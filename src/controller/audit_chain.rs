//! Sealing: every record gets its place in the chain of its environment, and the head follows.
//!
//! Owns the seals, the head and, in `retention`, what is removed at the beginning of the chain. Must not touch any other field: it writes by
//! server-side apply under a field manager of its own. What the places are is `domain::audit`'s word. A record's seal is written
//! before the head, over the very version of the record that was read; whoever dies in between leaves a chain that the next one
//! carries on. Every record is looked through once; as long as nobody else moves the head, only what was reported since is read anew.

use std::fmt::Debug;
use std::sync::Arc;

use k8s_openapi::NamespaceResourceScope;
use kube::Resource;
use kube::api::{ListParams, Patch, PatchParams};
use kube::runtime::events::{Event, EventType};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::context::Context;
use super::error::{Error, read_failed, write_failed};
use super::metadata::{name, namespace};
use super::requests;
use super::requests::api;
use crate::api::labels::SEAL_FIELD_MANAGER;
use crate::api::names::EnvironmentKey;
use crate::api::release::Phase;
use crate::api::stored;
use crate::api::{ChainHead, Environment, Release, ReleaseAction, Seal, Stored};
use crate::domain::audit::{Record, RecordKind, plan_seals};

pub(super) use self::ledger::Ledger;

mod export;
mod ledger;
mod retention;

/// The head is told to the log and to the cluster's events whenever it passes a multiple of this.
const TOLD_EVERY: i64 = 100;
/// Up to as many releases are read one by one rather than all records in one list.
const FEW: usize = 16;

/// The records of an environment that matter and its head, as the API server has them now.
struct Book {
    environment: Environment,
    releases: Vec<Release>,
    actions: Vec<ReleaseAction>,
}

impl Book {
    fn head(&self) -> ChainHead {
        self.environment.status.as_ref().and_then(|status| status.chain.clone()).unwrap_or_default()
    }

    fn records(&self) -> Vec<Record> {
        let releases = self.releases.iter().map(Record::of_release);
        releases.chain(self.actions.iter().map(Record::of_action)).collect()
    }
}

/// Seals what is ready, then removes what retention lets go.
pub(super) async fn seal(environment: &Environment, context: &Arc<Context>) -> Result<(), Error> {
    if is_due(environment, context)
        && let Some(book) = open(environment, context).await?
    {
        let head = carry_on(context, &book).await?;
        context.ledger.leave(&book.environment, head);
    }
    retention::keep(environment, context).await
}

/// What is to be sealed, as the API server has it now. All records where the chain may hold seals that this process has not seen.
async fn open(environment: &Environment, context: &Context) -> Result<Option<Book>, Error> {
    let Some(found) = fresh(environment, context).await? else { return Ok(None) };
    let sequence = found.status.as_ref().and_then(|status| status.chain.as_ref()).map_or(0, |c| c.sequence);
    let due = due(&found.key(), sequence, context);
    if !context.ledger.take(&found) || due.releases.len() > FEW {
        return everything(found, context).await.map(Some);
    }
    // an action that was judged changes no more: the version that was reported is the one that is stored
    let actions = due.actions.iter().map(|reported| (**reported).clone()).collect();
    let mut releases = Vec::new();
    for reported in &due.releases {
        releases.extend(again(context, &**reported, "read the release").await?);
    }
    Ok(Some(Book { environment: found, releases, actions }))
}

/// The object as the API server has it now; nothing when it is gone.
async fn again<K>(context: &Context, reported: &K, what: &'static str) -> Result<Option<K>, Error>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + Debug
        + DeserializeOwned
        + 'static,
{
    let found: Option<K> = requests::get(context, namespace(reported), name(reported), what).await?;
    Ok(found.filter(|found| found.meta().uid == reported.meta().uid))
}

/// Whether anything was reported that has no place yet, or a place that the head does not count.
fn is_due(environment: &Environment, context: &Context) -> bool {
    let head = environment.status.as_ref().and_then(|status| status.chain.as_ref());
    let due = due(&environment.key(), head.map_or(0, |head| head.sequence), context);
    !due.releases.is_empty() || !due.actions.is_empty()
}

/// Records as they were reported.
struct Due {
    releases: Vec<Arc<Release>>,
    actions: Vec<Arc<ReleaseAction>>,
}

/// What was reported that has no place yet, or one behind that of the head.
fn due(key: &EnvironmentKey, sequence: i64, context: &Context) -> Due {
    let is_behind = |seal: &Seal| seal.sequence > sequence;
    let mut releases = context.releases_of(key);
    releases.retain(|release| {
        release.status.as_ref().is_some_and(|status| status.seal.as_ref().is_none_or(is_behind))
    });
    let mut actions = context.actions_by_environment.of(&key.namespace, &key.name);
    actions.retain(|action| {
        let seal = action.status.as_ref().and_then(|status| status.seal.as_ref());
        seal.map_or(action.is_judged(), is_behind)
    });
    Due { releases, actions }
}

fn is_of(action: &ReleaseAction, environment: &Environment) -> bool {
    action.spec.environment == name(environment)
        && action.metadata.namespace == environment.metadata.namespace
}

/// Everything anew.
async fn read(environment: &Environment, context: &Context) -> Result<Option<Book>, Error> {
    match fresh(environment, context).await? {
        Some(found) => everything(found, context).await.map(Some),
        None => Ok(None),
    }
}

/// The environment as the API server has it now; nothing when it is gone or another one bears its name.
async fn fresh(environment: &Environment, context: &Context) -> Result<Option<Environment>, Error> {
    again(context, environment, "read the environment").await
}

async fn everything(environment: Environment, context: &Context) -> Result<Book, Error> {
    let mut releases: Vec<Release> = list(context, &environment, "read the releases").await?;
    releases.retain(|release| release.environment_key() == environment.key());
    let mut actions: Vec<ReleaseAction> = list(context, &environment, "read the actions").await?;
    actions.retain(|action| is_of(action, &environment));
    Ok(Book { environment, releases, actions })
}

async fn list<K>(context: &Context, environment: &Environment, what: &'static str) -> Result<Vec<K>, Error>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + Debug
        + DeserializeOwned
        + 'static,
{
    let api = api::<Stored<K>>(context, namespace(environment));
    let params = ListParams::default().fields(&format!("spec.environment={}", name(environment)));
    let all = match requests::list(&api, &params).await {
        // servers before 1.31 may not know fields of custom resources
        Err(kube::Error::Api(status)) if status.code == 400 => {
            requests::list(&api, &ListParams::default()).await
        }
        answer => answer,
    };
    all.map_err(read_failed(what))
}

/// Writes the next seals, each over the version that was read, then the head, which it returns.
async fn carry_on(context: &Context, book: &Book) -> Result<ChainHead, Error> {
    let head = book.head();
    let plan = plan_seals(&head, &book.records());
    for (key, seal) in &plan.seals {
        context.core.permit(&key.name, Phase::Pending, "seal")?;
        let status = json!({"seal": seal});
        let release = book.releases.iter().find(|release| name(*release) == key.name);
        let action = book.actions.iter().find(|action| name(*action) == key.name);
        match (key.kind, release, action) {
            (RecordKind::Release, Some(release), _) => {
                apply(context, release, &status, "the release").await?;
            }
            (RecordKind::ReleaseAction, _, Some(action)) => {
                apply(context, action, &status, "the action").await?;
            }
            _ => {}
        }
    }
    if plan.head == head {
        return Ok(head);
    }
    context.core.permit(name(&book.environment), Phase::Pending, "chain")?;
    apply(context, &book.environment, &json!({"chain": plan.head}), "the environment").await?;
    if plan.head.sequence / TOLD_EVERY != head.sequence / TOLD_EVERY {
        let sentence = format!("record {} has the hash {}", plan.head.sequence, plan.head.hash);
        tracing::info!(environment = %book.environment.key(), "{sentence}");
        tell(context, &book.environment, "ChainHead", &sentence, false).await;
    }
    Ok(plan.head)
}

/// Writes the head that the records tell of an environment that was created again.
pub(super) async fn restore(
    context: &Context,
    environment: &Environment,
    head: &ChainHead,
) -> Result<Environment, Error> {
    apply(context, environment, &json!({"chain": head}), "the environment").await
}

/// Applies a part of a status under the sealer's own name. Nothing is written when the object is no longer the one that was read.
async fn apply<K>(context: &Context, object: &K, status: &Value, what: &'static str) -> Result<K, Error>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + Debug
        + DeserializeOwned
        + 'static,
{
    let meta = object.meta();
    let mut status = status.clone();
    stored::add_newer_fields(object, &mut status, false);
    let body = json!({
        "apiVersion": K::api_version(&()),
        "kind": K::kind(&()),
        "metadata": {
            "name": meta.name, "namespace": meta.namespace, "uid": meta.uid, "resourceVersion": meta.resource_version,
        },
        "status": status,
    });
    let params = PatchParams::apply(SEAL_FIELD_MANAGER).force();
    let written = api::<Stored<K>>(context, namespace(object))
        .patch_status(name(object), &params, &Patch::Apply(&body))
        .await
        .map_err(|error| write_failed(what, error))?;
    written.readable().map_err(|unreadable| Error::Unreadable { what, reason: unreadable.reason })
}

/// Events are a courtesy: a failure is logged and forgotten.
async fn tell(context: &Context, environment: &Environment, reason: &str, sentence: &str, is_warning: bool) {
    let event = Event {
        type_: if is_warning { EventType::Warning } else { EventType::Normal },
        reason: reason.to_owned(),
        note: Some(crate::domain::timeline::cut(sentence.to_owned(), 1000)),
        action: "Recording".to_owned(),
        secondary: None,
    };
    if let Err(error) = context.core.recorder.publish(&event, &environment.object_ref(&())).await {
        tracing::debug!(%error, "an event was not recorded");
    }
}
