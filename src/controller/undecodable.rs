//! Objects that this controller cannot decode, or only in part: logged, counted and reported as an Event once per change, and kept
//! out of every cache that decides.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::Mutex;

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Resource;
use kube::runtime::events::{Event as Note, EventType};
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher::Event;

use self::register::Key;
pub(super) use self::register::Register;
use super::context::Context;
use super::lock::locked;
use crate::api::Stored;
use crate::api::stored;
use crate::domain::timeline;

mod register;

/// Lets the objects of one watch pass that can be decoded, and reports the others.
pub(super) struct Sieve<'a, K> {
    context: &'a Context,
    scope: Option<&'a str>,
    /// Of the list that is under way.
    listed: Mutex<BTreeSet<Key>>,
    kind: PhantomData<K>,
}

impl<'a, K> Sieve<'a, K>
where
    K: Resource<DynamicType = ()> + Clone + Debug + 'static,
{
    pub(super) fn new(context: &'a Context, scope: Option<&'a str>) -> Self {
        Self { context, scope, listed: Mutex::default(), kind: PhantomData }
    }

    /// The event for those who work with decoded objects. One that can no longer be decoded is gone for them.
    pub(super) async fn pass(&self, event: Event<Stored<K>>, store: &Store<K>) -> Option<Event<K>> {
        match event {
            Event::Init => {
                locked(&self.listed).clear();
                Some(Event::Init)
            }
            Event::InitApply(object) => {
                locked(&self.listed).insert(key(&object));
                self.report(&object).await;
                object.readable().ok().map(Event::InitApply)
            }
            Event::InitDone => {
                let listed = std::mem::take(&mut *locked(&self.listed));
                let kind = K::kind(&());
                self.context.undecodable.keep_listed(&kind, self.scope, &listed);
                self.count();
                Some(Event::InitDone)
            }
            Event::Apply(object) => {
                self.report(&object).await;
                match object.readable() {
                    Ok(object) => Some(Event::Apply(object)),
                    Err(unreadable) => known(unreadable.meta(), store).map(Event::Delete),
                }
            }
            Event::Delete(object) => {
                self.context.undecodable.report(key(&object), None);
                self.count();
                match object.readable() {
                    Ok(object) => Some(Event::Delete(object)),
                    Err(unreadable) => known(unreadable.meta(), store).map(Event::Delete),
                }
            }
        }
    }

    async fn report(&self, object: &Stored<K>) {
        let wrong = match object {
            Stored::Readable(object) => {
                stored::unknown(object).map(|unknown| format!("does not understand {unknown}"))
            }
            Stored::Unreadable(unreadable) => Some(format!("cannot decode it: {}", unreadable.reason)),
        };
        if !self.context.undecodable.report(key(object), wrong.clone()) {
            return;
        }
        self.count();
        let (kind, namespace, name) = key(object);
        let Some(wrong) = wrong else {
            tracing::info!(kind, namespace, name, "understood again");
            return;
        };
        tracing::error!(kind, namespace, name, "this controller {wrong}; every other object goes on");
        let note = Note {
            type_: EventType::Warning,
            reason: "NotUnderstood".to_owned(),
            note: Some(timeline::cut(
                format!("the controller {wrong}. Upgrade the controller or correct the {kind}."),
                1000,
            )),
            action: "Decoding".to_owned(),
            secondary: None,
        };
        let meta = object.meta();
        let about = ObjectReference {
            api_version: Some(K::api_version(&()).into_owned()),
            kind: Some(kind),
            name: meta.name.clone(),
            namespace: meta.namespace.clone(),
            uid: meta.uid.clone(),
            ..ObjectReference::default()
        };
        if let Err(error) = self.context.core.recorder.publish(&note, &about).await {
            tracing::debug!(%error, "an event was not recorded");
        }
    }

    fn count(&self) {
        let kind = K::kind(&());
        self.context.core.counters.undecodable(&kind, self.context.undecodable.count(&kind));
    }
}

fn key<K: Resource<DynamicType = ()>>(object: &Stored<K>) -> Key {
    let meta = object.meta();
    (
        K::kind(&()).into_owned(),
        meta.namespace.clone().unwrap_or_default(),
        meta.name.clone().unwrap_or_default(),
    )
}

/// The object as it was when it could be decoded.
fn known<K>(meta: &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta, store: &Store<K>) -> Option<K>
where
    K: Resource<DynamicType = ()> + Clone + 'static,
{
    let name = meta.name.as_deref().unwrap_or_default();
    let namespace = meta.namespace.as_deref().unwrap_or_default();
    store.get(&ObjectRef::new(name).within(namespace)).map(|known| (*known).clone())
}
