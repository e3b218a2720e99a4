//! Environments, releases and actions: read them, follow one, create them exactly once.
//!
//! A creation is sent once. When its answer is lost, the object is looked up by the name that we gave it; it is never sent
//! again by itself.

use std::fmt::Debug;
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::core::NamespaceResourceScope;
use kube::{Api, Resource, ResourceExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Cluster;
use super::client::READ_TIMEOUT;
use super::error::{Error, Kind};
use crate::api::labels::CLIENT_FIELD_MANAGER;
use crate::api::release::ReleaseSpec;
use crate::api::{Environment, EnvironmentKey, GROUP, Release, ReleaseAction, ReleaseKey, Stored, VERSION};

/// How long a creation waits for its answer; longer than the read timeout, so that the better sentence wins.
const CREATE_TIMEOUT: Duration = Duration::from_secs(20);
/// Objects per page of a list.
pub(crate) const PAGE: u32 = 500;

/// How a creation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The server stored it.
    Accepted {
        /// Name of the object.
        name: String,
        /// An object of that name and meaning was there before this request, or before its last attempt.
        existed: bool,
    },
    /// A dry run passed.
    WouldPass,
    /// It was refused, and nothing was stored.
    Refused(Error),
    /// It may or may not have been stored; the text says what to look at.
    Unknown(String),
}

/// A kind of ours, with what is needed to send it.
pub(crate) trait Ours:
    Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + Clone
    + Debug
    + DeserializeOwned
    + Serialize
    + 'static
{
    /// Whether two objects mean the same; status and metadata do not count.
    fn same_intent(&self, other: &Self) -> bool;
}

impl Ours for Environment {
    fn same_intent(&self, other: &Self) -> bool {
        self.spec == other.spec
    }
}

impl Ours for Release {
    fn same_intent(&self, other: &Self) -> bool {
        let images = other.spec.images.clone();
        super::pin::same_images(self, other) && ReleaseSpec { images, ..self.spec.clone() } == other.spec
    }
}

impl Ours for ReleaseAction {
    fn same_intent(&self, other: &Self) -> bool {
        self.spec == other.spec
    }
}

/// `releases.release-cockpit.dev` and the like, as sentences name it.
pub(crate) fn what<K: Ours>() -> String {
    format!("{}.{GROUP}", K::plural(&()))
}

impl Cluster {
    /// All environments that we may see.
    pub async fn environments(&self) -> Result<Vec<Environment>, Error> {
        self.list().await
    }

    /// All releases that we may see.
    pub async fn releases(&self) -> Result<Vec<Release>, Error> {
        self.list().await
    }

    /// All actions that we may see.
    pub async fn actions(&self) -> Result<Vec<ReleaseAction>, Error> {
        self.list().await
    }

    /// One environment.
    pub async fn environment(&self, key: &EnvironmentKey) -> Result<Environment, Error> {
        self.get(&key.namespace, &key.name).await
    }

    /// One release.
    pub async fn release(&self, key: &ReleaseKey) -> Result<Release, Error> {
        self.get(&key.namespace, &key.name).await
    }

    /// One action.
    pub async fn action(&self, key: &ReleaseKey) -> Result<ReleaseAction, Error> {
        self.get(&key.namespace, &key.name).await
    }

    /// Creates a release in its namespace under its own name; with `dry_run` only asks whether it would pass.
    pub async fn create_release(&self, release: &Release, dry_run: bool) -> Outcome {
        self.create(release, dry_run).await
    }

    /// Creates an action in its namespace under its own name; with `dry_run` only asks whether it would pass.
    pub async fn create_action(&self, action: &ReleaseAction, dry_run: bool) -> Outcome {
        self.create(action, dry_run).await
    }

    /// The release now and after every change, until it is deleted or the stream is dropped. Transient errors are yielded and
    /// the stream goes on; after any other error it ends.
    pub fn watch_release(
        &self,
        key: &ReleaseKey,
    ) -> impl Stream<Item = Result<Release, Error>> + Send + use<> {
        self.follow_one(&key.namespace, &key.name)
    }

    /// As [`Self::watch_release`], for an action.
    pub fn watch_action(
        &self,
        key: &ReleaseKey,
    ) -> impl Stream<Item = Result<ReleaseAction, Error>> + Send + use<> {
        self.follow_one(&key.namespace, &key.name)
    }

    /// Everything of a kind: the whole cluster, or where that is denied every namespace that we know of.
    async fn list<K: Ours>(&self) -> Result<Vec<K>, Error> {
        let denied = match self.list_in::<K>(None).await {
            Err(error) if error.kind() == &Kind::Denied => error,
            answer => return answer,
        };
        let mut all = Vec::new();
        let mut seen = false;
        for namespace in self.candidate_namespaces().await {
            match self.list_in::<K>(Some(&namespace)).await {
                Ok(mut found) => {
                    seen = true;
                    all.append(&mut found);
                }
                Err(error) if error.kind() == &Kind::Denied => {}
                Err(error) => return Err(error),
            }
        }
        if seen { Ok(all) } else { Err(denied) }
    }

    /// One object that cannot be decoded is left out, and never fails the list.
    async fn list_in<K: Ours>(&self, namespace: Option<&str>) -> Result<Vec<K>, Error> {
        let api: Api<Stored<K>> = namespace.map_or_else(
            || Api::all(self.clients.requests.clone()),
            |namespace| Api::namespaced(self.clients.requests.clone(), namespace),
        );
        let mut all = Vec::new();
        let mut params = ListParams::default().limit(PAGE);
        loop {
            let page = self.bounded(api.list(&params), &what::<K>()).await?;
            for item in page.items {
                match item.readable() {
                    Ok(object) => all.push(object),
                    Err(unreadable) => {
                        let name = unreadable.meta().name.as_deref().unwrap_or_default();
                        tracing::error!(
                            what = what::<K>(),
                            name,
                            reason = unreadable.reason,
                            "an object cannot be decoded"
                        );
                    }
                }
            }
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params = params.continue_token(&token),
                None => return Ok(all),
            }
        }
    }

    async fn get<K: Ours>(&self, namespace: &str, name: &str) -> Result<K, Error> {
        let api: Api<Stored<K>> = Api::namespaced(self.clients.requests.clone(), namespace);
        readable(self.bounded(api.get(name), &what::<K>()).await?)
    }

    async fn create<K: Ours>(&self, object: &K, dry_run: bool) -> Outcome {
        let name = object.name_any();
        match self.post(object, dry_run).await {
            Ok(()) if dry_run => Outcome::WouldPass,
            Ok(()) => Outcome::Accepted { name, existed: false },
            Err(error) if dry_run => Outcome::Refused(error),
            Err(error) if error.may_have_arrived() || error.kind() == &Kind::AlreadyExists => {
                self.look_up(object, error).await
            }
            Err(error) => Outcome::Refused(error),
        }
    }

    /// Whether an object whose creation ended in doubt is there.
    async fn look_up<K: Ours>(&self, object: &K, doubt: Error) -> Outcome {
        let name = object.name_any();
        let namespace = object.namespace().unwrap_or_default();
        let doubtful = |look: String| {
            Outcome::Unknown(format!(
                "{doubt}; it may have been stored, {look}: look for {} {name} in namespace {namespace} before trying again",
                K::plural(&())
            ))
        };
        match self.get::<K>(&namespace, &name).await {
            Ok(found) if found.same_intent(object) => {
                Outcome::Accepted { name, existed: doubt.kind() == &Kind::AlreadyExists }
            }
            Ok(_) if doubt.kind() == &Kind::AlreadyExists => Outcome::Refused(doubt),
            Ok(_) => doubtful("and another object bears its name".to_owned()),
            // The server has answered and does not have it; a request that broke on the way may still be in flight.
            Err(error) if error.kind() == &Kind::NotFound && doubt.kind() == &Kind::Server => {
                Outcome::Refused(doubt)
            }
            Err(error) if error.kind() == &Kind::NotFound => {
                doubtful("though the server does not show it yet".to_owned())
            }
            Err(error) => doubtful(format!("and looking it up failed too ({error})")),
        }
    }

    async fn post<K: Ours>(&self, object: &K, dry_run: bool) -> Result<(), Error> {
        let what = what::<K>();
        let invalid = |error: &dyn std::fmt::Display| {
            Error::new(Kind::Invalid, format!("{what} cannot be sent: {error}"))
        };
        let namespace = object.namespace().unwrap_or_default();
        let body = serde_json::to_vec(object).map_err(|error| invalid(&error))?;
        let dry = if dry_run { "&dryRun=All" } else { "" };
        // Strict: a field that the server does not know is refused instead of dropped.
        let path = format!(
            "/apis/{GROUP}/{VERSION}/namespaces/{namespace}/{}?fieldManager={CLIENT_FIELD_MANAGER}&fieldValidation=Strict{dry}",
            K::plural(&())
        );
        let request = http::Request::post(path)
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(body)
            .map_err(|error| invalid(&error))?;
        let sent = self.clients.requests.request::<Stored<K>>(request);
        match tokio::time::timeout(CREATE_TIMEOUT, sent).await {
            Ok(answer) => answer.map(drop).map_err(|error| Error::of(error, &what)),
            Err(_) => Err(Error::timeout(CREATE_TIMEOUT.as_secs())),
        }
    }

    fn follow_one<K: Ours + Send + 'static>(
        &self,
        namespace: &str,
        name: &str,
    ) -> impl Stream<Item = Result<K, Error>> + Send + use<K> {
        let cluster = self.clone();
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        let (sender, receiver) = tokio::sync::mpsc::channel(16);
        tokio::spawn(async move {
            tokio::select! {
                () = sender.closed() => {}
                () = follow_one(&cluster, (&namespace, &name), &sender) => {}
            }
        });
        futures::stream::unfold(receiver, |mut receiver| async {
            receiver.recv().await.map(|item| (item, receiver))
        })
    }

    /// Bounds a request in time and translates its failure.
    pub(crate) async fn bounded<T>(
        &self,
        request: impl Future<Output = kube::Result<T>>,
        what: &str,
    ) -> Result<T, Error> {
        match tokio::time::timeout(READ_TIMEOUT, request).await {
            Ok(answer) => answer.map_err(|error| Error::of(error, what)),
            Err(_) => Err(Error::timeout(READ_TIMEOUT.as_secs())),
        }
    }
}

/// The object, or the sentence that it cannot be decoded.
fn readable<K: Ours>(object: Stored<K>) -> Result<K, Error> {
    object.readable().map_err(|unreadable| {
        let name = unreadable.meta().name.clone().unwrap_or_default();
        let sentence = format!("{} {name} cannot be decoded: {}", what::<K>(), unreadable.reason);
        Error::new(Kind::Protocol, sentence)
    })
}

type Sender<K> = tokio::sync::mpsc::Sender<Result<K, Error>>;

/// Reads an object and follows it by name, until it is deleted, the receiver is gone, or an error is final.
async fn follow_one<K: Ours + Send + 'static>(cluster: &Cluster, key: (&str, &str), sender: &Sender<K>) {
    let mut backoff = super::watch::Backoff::default();
    loop {
        let ended = follow_once(cluster, key, sender).await;
        let error = match ended {
            Ok(Ended::Gone) => return,
            Ok(Ended::Again) => {
                backoff.reset();
                continue;
            }
            Err(error) => error,
        };
        let last = !error.is_transient();
        if sender.send(Err(error)).await.is_err() || last {
            return;
        }
        tokio::time::sleep(backoff.next_delay()).await;
    }
}

enum Ended {
    /// The object was deleted, or nobody listens.
    Gone,
    /// The server closed the watch as it does every few minutes.
    Again,
}

async fn follow_once<K: Ours + Send + 'static>(
    cluster: &Cluster,
    (namespace, name): (&str, &str),
    sender: &Sender<K>,
) -> Result<Ended, Error> {
    let object: K = cluster.get(namespace, name).await?;
    let version = object.resource_version().unwrap_or_default();
    if sender.send(Ok(object)).await.is_err() {
        return Ok(Ended::Gone);
    }
    let api: Api<Stored<K>> = Api::namespaced(cluster.clients.watches.clone(), namespace);
    let params = WatchParams::default().fields(&format!("metadata.name={name}"));
    let events = cluster.bounded(api.watch(&params, &version), &what::<K>()).await?;
    let mut events = std::pin::pin!(events);
    while let Ok(Some(event)) = tokio::time::timeout(super::watch::IDLE_LIMIT, events.next()).await {
        match event.map_err(|error| Error::of(error, &what::<K>()))? {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                if sender.send(Ok(readable(object)?)).await.is_err() {
                    return Ok(Ended::Gone);
                }
            }
            WatchEvent::Deleted(_) => return Ok(Ended::Gone),
            WatchEvent::Bookmark(_) => {}
            WatchEvent::Error(status) if status.code == 410 => return Ok(Ended::Again),
            WatchEvent::Error(status) => return Err(Error::of_status(&status, &what::<K>())),
        }
    }
    Ok(Ended::Again)
}
