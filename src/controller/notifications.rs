//! Telling people what happened, through the channels of their environment, without anybody waiting for it.
//!
//! Each piece of news is told **at least once**: it is told first, and remembered in `status.notified` afterwards. A controller that dies
//! in between tells it again, with the same keys, by which receivers recognise it. What cannot be told after every try is remembered
//! as failed, and is an Event and a number; it never holds a release. A full queue loses nothing: the next look finds the same news.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::join_all;
use futures::{FutureExt, StreamExt};
use k8s_openapi::NamespaceResourceScope;
use kube::Resource;
use kube::api::{Patch, PatchParams};
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::sync::mpsc;

use super::context::Context;
use super::error::{Error, write_failed};
use super::lock::locked;
use super::metadata::{name, namespace};
use super::requests::{api, get};
use super::{attempt, events};
use crate::api::environment::Notify;
use crate::api::labels::NOTIFY_FIELD_MANAGER;
use crate::api::names::EnvironmentKey;
use crate::api::release::Phase;
use crate::api::stored;
use crate::api::{Environment, Notified, Release, Stored};
use crate::domain::notice::{self, Notice, wants};
use crate::notify;

pub(super) use self::queue::NotificationQueue;
use self::queue::{About, Job};

mod queue;

/// Waits between the tries of one channel.
const WAITS: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(20), Duration::from_secs(60)];
/// The longest that a channel may ask to be left alone.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// Tries to write down what was told.
const WRITES: usize = 8;

/// Looks for news of an environment and its releases.
pub(super) fn look(context: &Context, environment: &Environment, releases: &[Arc<Release>]) {
    if environment.spec.notify.is_empty() {
        return;
    }
    let (notifications, now) = (&context.notifications, context.core.clock.now());
    let environment = Arc::new(environment.clone());
    for release in releases {
        let told = release.status.as_ref().map_or(&[][..], |status| status.notified.as_slice());
        let uid = release.metadata.uid.as_deref().unwrap_or_default();
        let news = notifications.take(uid, told, notice::of_release(&environment, release, now));
        notifications.enqueue(About::Release(release.clone()), &environment, news);
    }
    let told = environment.status.as_ref().map_or(&[][..], |status| status.notified.as_slice());
    let uid = environment.metadata.uid.as_deref().unwrap_or_default();
    let news = notifications.take(uid, told, notice::of_environment(&environment, now));
    notifications.enqueue(About::Environment(environment.clone()), &environment, news);
}

/// Tells whatever comes; ends never.
pub(super) async fn work(context: &Context, mut jobs: mpsc::UnboundedReceiver<Job>) {
    let jobs = futures::stream::poll_fn(move |task| jobs.poll_recv(task));
    let told = |job: Job| async move {
        let key = job.environment.key();
        if let Err(panic) = AssertUnwindSafe(carry_out(context, &job)).catch_unwind().await {
            tracing::error!(environment = %key, error = attempt::words(&*panic), "news was not told");
        }
        context.notifications.end(&key);
    };
    jobs.for_each_concurrent(None, told).await;
}

/// Tells every channel its news in their order; no channel waits for another one.
async fn carry_out(context: &Context, job: &Job) {
    let pending = Mutex::new(Pending::of(job));
    let channels = job.environment.spec.notify.iter().map(|notify| async {
        for (index, notice) in
            job.notices.iter().enumerate().filter(|(_, notice)| wants(notify, notice.event))
        {
            let told = patiently(context, (notify, &job.environment.key()), notice).await;
            let channel = notify.channel.clone();
            context.core.counters.told(&channel, told.is_ok());
            if let Err(error) = &told {
                let sentence = format!("{channel} was not told of {}: {error}", notice.event);
                complain(context, &job.about, &sentence).await;
            }
            let done = locked(&pending).told(index, channel, told.is_ok());
            write_down(context, job, done).await;
        }
    });
    // news that no channel wants is remembered as well
    for index in 0..job.notices.len() {
        let done = locked(&pending).unless_awaited(index);
        write_down(context, job, done).await;
    }
    join_all(channels).await;
}

/// What has been told of each piece of news so far, and how many channels are still to come.
struct Pending(Vec<(Notified, usize)>);

impl Pending {
    fn of(job: &Job) -> Self {
        let entry = |notice: &Notice| {
            let channels =
                job.environment.spec.notify.iter().filter(|notify| wants(notify, notice.event)).count();
            (Notified { key: notice.key.clone(), ..Notified::default() }, channels)
        };
        Self(job.notices.iter().map(entry).collect())
    }

    /// A channel is done; the whole record where it was the last one.
    fn told(&mut self, index: usize, channel: String, well: bool) -> Option<Notified> {
        let (entry, left) = self.0.get_mut(index)?;
        if well {
            entry.told.push(channel);
        } else {
            entry.failed.push(channel);
        }
        *left = left.saturating_sub(1);
        (*left == 0).then(|| entry.clone())
    }

    fn unless_awaited(&self, index: usize) -> Option<Notified> {
        self.0.get(index).filter(|(_, left)| *left == 0).map(|(entry, _)| entry.clone())
    }
}

async fn write_down(context: &Context, job: &Job, entry: Option<Notified>) {
    let Some(mut entry) = entry else { return };
    entry.at = context.core.clock.now();
    let written = match &job.about {
        About::Release(release) => remember(context, &**release, &entry).await,
        About::Environment(environment) => remember(context, &**environment, &entry).await,
    };
    if let Err(error) = written {
        tracing::warn!(key = entry.key, %error, "what was told is not written down");
    }
}

/// Tells one channel, again where it may help.
async fn patiently(
    context: &Context,
    (notify, key): (&Notify, &EnvironmentKey),
    notice: &Notice,
) -> Result<(), notify::Error> {
    let mut waits = WAITS.iter();
    loop {
        let turn = context.notifications.turns.take(key).await;
        let told = notify::tell(&context.notifications.sender, notify, notice).await;
        drop(turn);
        let Err(error) = told else { return Ok(()) };
        let Some(wait) = waits.next().filter(|_| error.is_transient()) else { return Err(error) };
        tracing::debug!(channel = notify.channel, key = notice.key, %error, "is told again later");
        let wait = error.wait().map_or(*wait, |asked| asked.clamp(*wait, LONGEST_WAIT));
        tokio::time::sleep(context.core.clock.wall(wait)).await;
    }
}

async fn complain(context: &Context, about: &About, sentence: &str) {
    let sentence = crate::sanitize::line(sentence);
    tracing::warn!("{sentence}");
    match about {
        About::Release(release) => events::emit(context, &**release, "NotifyFailed", &sentence, true).await,
        About::Environment(environment) => {
            events::emit(context, &**environment, "NotifyFailed", &sentence, true).await;
        }
    }
}

/// What an object remembers as told.
trait Remembers {
    fn told(&self) -> &[Notified];
}

impl Remembers for Release {
    fn told(&self) -> &[Notified] {
        self.status.as_ref().map_or(&[], |status| &status.notified)
    }
}

impl Remembers for Environment {
    fn told(&self) -> &[Notified] {
        self.status.as_ref().map_or(&[], |status| &status.notified)
    }
}

/// Writes down what was told, under a field manager of its own, over the version that was just read.
async fn remember<K>(context: &Context, object: &K, entry: &Notified) -> Result<(), Error>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + std::fmt::Debug
        + DeserializeOwned
        + Remembers
        + 'static,
{
    let _alone = context.notifications.writing.lock().await;
    let api = api::<Stored<K>>(context, namespace(object));
    let mut last = Error::Changed("what was told");
    for _ in 0..WRITES {
        let found: Option<K> = get(context, namespace(object), name(object), "read what was told").await?;
        let Some(found) = found.filter(|found| found.meta().uid == object.meta().uid) else { return Ok(()) };
        context.core.permit(name(object), Phase::Pending, "notified")?;
        let mut status = json!({"notified": notice::remember(found.told(), entry.clone())});
        stored::add_newer_fields(&found, &mut status, false);
        let body = json!({
            "apiVersion": K::api_version(&()),
            "kind": K::kind(&()),
            "metadata": {"name": name(object), "resourceVersion": found.meta().resource_version},
            "status": status,
        });
        let params = PatchParams::apply(NOTIFY_FIELD_MANAGER).force();
        match api.patch_status(name(object), &params, &Patch::Apply(&body)).await {
            Ok(_) => return Ok(()),
            Err(error) => last = write_failed("what was told", error),
        }
        if !last.is_race() {
            break;
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::queue::QUEUE;
    use super::*;
    use crate::cluster::outbound::Outbound;
    use crate::domain::fixtures::{at, environment};
    use crate::notify::Sender;

    fn notifications() -> (NotificationQueue, mpsc::UnboundedReceiver<Job>) {
        let pair =
            tower_test::mock::pair::<http::Request<kube::client::Body>, http::Response<kube::client::Body>>();
        let client = kube::Client::new(pair.0, "planera");
        let clock = crate::time::Clock::manual(at(0));
        NotificationQueue::new(Sender {
            client,
            outbound: Outbound::default(),
            clock,
            patience: Duration::from_secs(1),
        })
    }

    fn news() -> Vec<Notice> {
        vec![notice::trial(&environment(), "bob", at(0))]
    }

    #[tokio::test]
    async fn news_is_taken_once_until_its_memory_is_reported() {
        let (notifications, _jobs) = notifications();
        assert_eq!(notifications.take("a", &[], news()).len(), 1);
        assert!(notifications.take("a", &[], news()).is_empty());
        assert_eq!(notifications.take("b", &[], news()).len(), 1);
        let told = Notified { key: news()[0].key.clone(), ..Notified::default() };
        assert!(notifications.take("a", &[told], Vec::new()).is_empty());
        assert!(!locked(&notifications.taken).contains_key("a"));
        notifications.forget("b");
        assert_eq!(notifications.take("b", &[], news()).len(), 1);
    }

    #[tokio::test]
    async fn what_finds_no_place_in_the_queue_is_found_again() {
        let (notifications, _jobs) = notifications();
        let environment = Arc::new(environment());
        for number in 0..=QUEUE {
            let uid = format!("uid-{number}");
            let mut about = (*environment).clone();
            about.metadata.uid = Some(uid.clone());
            let taken = notifications.take(&uid, &[], news());
            notifications.enqueue(About::Environment(Arc::new(about)), &environment, taken);
        }
        assert!(notifications.take("uid-0", &[], news()).is_empty());
        assert_eq!(notifications.take(&format!("uid-{QUEUE}"), &[], news()).len(), 1);
        // another tenant has a queue of its own, and a place is free again once something was told
        let mut other = (*environment).clone();
        other.metadata.name = Some("other".into());
        assert!(notifications.begin(&other.key()) && !notifications.begin(&environment.key()));
        notifications.end(&environment.key());
        assert!(notifications.begin(&environment.key()));
    }

    #[test]
    fn news_is_written_down_once_its_last_channel_is_done() {
        let mut environment = environment();
        let notify = |channel: &str| -> Notify {
            let secret = json!({"name": "channels", "key": channel});
            serde_json::from_value(json!({"channel": channel, "secret": secret, "events": [news()[0].event]}))
                .unwrap()
        };
        environment.spec.notify = vec![notify("slack"), notify("webhook")];
        let environment = Arc::new(environment);
        let notices = news();
        let job = Job { about: About::Environment(environment.clone()), environment, notices };
        let mut pending = Pending::of(&job);
        assert!(pending.unless_awaited(0).is_none());
        assert!(pending.told(0, "slack".into(), false).is_none());
        let entry = pending.told(0, "webhook".into(), true).unwrap();
        assert_eq!((entry.told, entry.failed), (vec!["webhook".to_owned()], vec!["slack".to_owned()]));
    }
}
