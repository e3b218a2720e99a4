//! Effects that leave the process: requests to API servers. Each ends in exactly one [`Event::RequestDone`].

use tokio::sync::mpsc;

use crate::api::environment::AlertmanagerRef;
use crate::app::state::effect::{FetchText, RequestId, SilenceAsk, YamlOf};
use crate::app::state::event::{Event, Outcome};
use crate::cluster::{self, Cluster};
use crate::metrics::{Changed, Target};

/// A request to be carried out.
pub(super) enum Request {
    /// Create a release.
    Release { release: Box<crate::api::Release>, dry_run: bool },
    /// Create an action.
    Action { action: Box<crate::api::ReleaseAction>, dry_run: bool },
    /// Make or end a silence.
    Silence { to: AlertmanagerRef, ask: SilenceAsk },
    /// Fetch a text.
    Text(FetchText),
    /// Read an environment as settings.
    Snapshot(crate::api::EnvironmentKey),
}

impl Request {
    /// It changes something: the session does not end before its answer, within reason.
    pub(super) const fn is_mutation(&self) -> bool {
        matches!(
            self,
            Self::Release { dry_run: false, .. } | Self::Action { dry_run: false, .. } | Self::Silence { .. }
        )
    }
}

/// Carries a request out and reports how it ended. Says whether permissions are worth asking for again.
pub(super) async fn perform(
    cluster: Option<Cluster>,
    request: Request,
    id: RequestId,
    events: mpsc::Sender<Event>,
) -> bool {
    let (outcome, denied) = match cluster {
        Some(cluster) => Box::pin(answer(&cluster, request)).await,
        None => (Outcome::Refused("the cluster is not connected yet: nothing was sent".to_owned()), false),
    };
    // The loop is gone: so is whoever wanted to know.
    let _ = events.send(Event::RequestDone { request: id, outcome }).await;
    denied
}

async fn answer(cluster: &Cluster, request: Request) -> (Outcome, bool) {
    let text = match request {
        Request::Release { release, dry_run } => {
            let (release, remarks) = match cluster.pinned(&release).await {
                Ok(pinned) => pinned,
                Err(error) => return (Outcome::Refused(error.to_string()), false),
            };
            let remark = (!remarks.is_empty()).then(|| remarks.join("; "));
            return created(cluster.create_release(&release, dry_run).await, remark);
        }
        Request::Action { action, dry_run } => {
            return created(cluster.create_action(&action, dry_run).await, None);
        }
        Request::Snapshot(environment) => {
            let read = Box::pin(cluster.snapshot(&environment)).await;
            let outcome = read.map_or_else(
                |error| Outcome::Refused(error.to_string()),
                |snapshot| Outcome::Snapshot(Box::new(snapshot)),
            );
            return (outcome, false);
        }
        Request::Silence { to, ask } => return (silenced(cluster, &to, ask).await, false),
        Request::Text(FetchText::Yaml { of: YamlOf::Workload(workload), managed_fields }) => {
            cluster.workload_yaml(&workload, managed_fields).await
        }
        Request::Text(FetchText::Yaml { of: YamlOf::Pod(pod), managed_fields }) => {
            cluster.pod_yaml(&pod, managed_fields).await
        }
        Request::Text(FetchText::Yaml { of: YamlOf::Ours { plural, namespace, name }, managed_fields }) => {
            cluster.object_yaml((plural, &namespace, &name), managed_fields).await
        }
        Request::Text(FetchText::WorkloadsDescribe(workloads)) => {
            cluster.workloads_describe(&workloads).await
        }
        Request::Text(FetchText::PodDescribe(pod)) => cluster.pod_describe(&pod).await,
        Request::Text(FetchText::Objects(environment, component)) => {
            Box::pin(cluster.objects_text(&environment, component.as_deref())).await
        }
        Request::Text(FetchText::WayBack { environment, version }) => {
            cluster.way_back_text(&environment, &version).await
        }
    };
    match text {
        Ok(text) => (Outcome::Text(text), false),
        Err(error) => (Outcome::Refused(error.to_string()), false),
    }
}

async fn silenced(cluster: &Cluster, to: &AlertmanagerRef, ask: SilenceAsk) -> Outcome {
    let opened = Target::of_alertmanager(to).map(|target| target.open_alertmanager(cluster));
    let alertmanager = match opened {
        Some(Ok(alertmanager)) => alertmanager,
        Some(Err(error)) => return Outcome::Refused(error.to_string()),
        None => return Outcome::Refused("neither service nor url of the Alertmanager is given".to_owned()),
    };
    let changed = match ask {
        SilenceAsk::Create(silence) => alertmanager.silence(&silence).await,
        SilenceAsk::Expire(id) => alertmanager.expire(&id).await,
    };
    match changed {
        Changed::Done(name) => Outcome::Accepted { name, remark: None },
        Changed::Refused(reason) => Outcome::Refused(reason),
        Changed::Unknown(reason) => Outcome::Unknown(reason),
    }
}

fn created(outcome: cluster::Outcome, remark: Option<String>) -> (Outcome, bool) {
    match outcome {
        cluster::Outcome::Accepted { name, .. } => (Outcome::Accepted { name, remark }, false),
        cluster::Outcome::WouldPass => (Outcome::WouldPass, false),
        cluster::Outcome::Refused(error) => {
            let denied = match error.kind() {
                cluster::Kind::Denied => true,
                cluster::Kind::Refused { code } => code == "VerbDenied" || code == "SlotDenied",
                _ => false,
            };
            (Outcome::Refused(error.to_string()), denied)
        }
        cluster::Outcome::Unknown(text) => (Outcome::Unknown(text), false),
    }
}
