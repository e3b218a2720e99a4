//! Starting and stopping: leadership, the loops of each scope, metrics and probes.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, Once};

use futures::StreamExt;
use futures::future::select_all;
use kube::Client;
use kube::runtime::events::{Recorder, Reporter};
use kube::runtime::{applier, controller, reflector};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::attempt::Running;
use super::audit_chain::Ledger;
use super::context::{Context, Core, Memory};
use super::counters::Counters;
use super::deadlines::{self, Deadlines};
use super::error::Error;
use super::fault::Faults;
use super::index::Index;
use super::lease::{self, Claim, Leadership, LeaseOptions, Me};
use super::lock::locked;
use super::metrics_http;
use super::notifications::{self, NotificationQueue};
use super::policies::{self, Verdicts};
use super::turns::Turns;
use super::undecodable::Register;
use super::{credentials, environment, feed, reconcile, stopping};
use crate::api::labels::CONTROLLER_FIELD_MANAGER;
use crate::cluster::Cluster;
use crate::cluster::outbound::Outbound;
use crate::cluster::registry::{Mirrors, Registries};
use crate::domain::address::Allowed;
use crate::metrics::Pool;
use crate::notify::Sender;
use crate::time::Clock;

/// How a controller runs.
#[derive(Clone, Debug)]
pub struct ControllerOptions {
    /// Name of this replica, unique among all.
    pub identity: String,
    /// Namespace of the Lease.
    pub namespace: String,
    /// Namespaces that it serves; empty: all of them.
    pub namespaces: Vec<String>,
    /// Where the time comes from.
    pub clock: Clock,
    /// Leadership.
    pub lease: LeaseOptions,
    /// How long it waits for what.
    pub deadlines: Deadlines,
    /// Where `/metrics`, `/healthz` and `/readyz` are served; nowhere when absent.
    pub http: Option<SocketAddr>,
    /// Releases that are worked on at once in each scope.
    pub concurrency: u16,
    /// Other addresses of registries.
    pub mirrors: Mirrors,
    /// Servers that Environments may name besides the rule.
    pub allowed: Allowed,
    /// Where records are exported before retention removes them; absent: nothing is ever removed.
    pub audit_export: Option<PathBuf>,
}

/// Releases of one environment that are looked at at once: one executes, another one waits.
const EACH: usize = 2;
/// Changes that may wait to be looked at.
const QUEUE: usize = 1024;

/// Runs until `shutdown`, then lets go of the Lease. Fails only when it cannot listen.
pub async fn run(
    client: Client,
    options: ControllerOptions,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    run_with(client, options, Faults::default(), shutdown).await
}

/// As [`run`], with places at which a test kills it: it then ends with [`Error::Killed`] and cleans nothing up.
pub async fn run_with(
    client: Client,
    options: ControllerOptions,
    faults: Faults,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let core = Arc::new(core(client, &options, faults));
    let listener = match options.http {
        Some(address) => Some(metrics_http::listen(address).await?),
        None => None,
    };
    let claim = Claim::new(
        core.client.clone(),
        &options.namespace,
        (Me { identity: options.identity.clone(), process: core.process.clone() }, &options.namespaces),
        options.lease,
        options.clock.clone(),
    );
    let served = metrics_http::serve(listener, core.clone());
    let may = core.may.subscribe();
    let asked =
        credentials::keep(&core.client, (&options.namespace, &options.namespaces), &options.clock, &core.may);
    let mut ended = Ok(());
    tokio::select! {
        biased;
        () = core.kill.cancelled() => {
            let place = locked(&core.killed).clone().unwrap_or_default();
            return Err(Error::Killed(place));
        }
        () = shutdown.cancelled() => {}
        twin = claim.pursue(&core.leadership, may) => ended = Err(twin),
        () = asked => {}
        () = lead(&core, &options) => {}
        () = served => {}
    }
    claim.release().await;
    ended
}

fn core(client: Client, options: &ControllerOptions, faults: Faults) -> Core {
    static PROVIDER: Once = Once::new();
    // reqwest panics without one; the program may have installed it already
    PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    let outbound = Outbound::new(options.allowed.clone());
    let reporter = Reporter {
        controller: CONTROLLER_FIELD_MANAGER.to_owned(),
        instance: Some(options.identity.clone()),
    };
    let cluster =
        Cluster::from_client(client.clone(), CONTROLLER_FIELD_MANAGER).with_outbound(outbound.clone());
    let patient_client = client;
    let client = deadlines::bounded(&patient_client, options.deadlines.request);
    Core {
        prometheus: Arc::new(Pool::new(cluster, options.clock.clone())),
        recorder: Recorder::new(client.clone(), reporter),
        client,
        patient_client,
        deadlines: options.deadlines,
        running: Arc::new(Running::default()),
        clock: options.clock.clone(),
        registries: Registries::new(options.mirrors.clone()).with_outbound(outbound.clone()),
        outbound,
        leadership: Leadership::new(),
        process: lease::process(),
        may: watch::Sender::default(),
        faults,
        killed: Mutex::new(None),
        kill: CancellationToken::new(),
        counters: Arc::new(Counters::default()),
        audit_export: options.audit_export.clone(),
    }
}

/// Works whenever this replica leads; everything is dropped when it no longer does.
async fn lead(core: &Arc<Core>, options: &ControllerOptions) {
    loop {
        core.leadership.gained().await;
        core.counters.leads(true);
        tracing::info!(identity = %options.identity, "leads");
        let scopes: Vec<Option<String>> = if options.namespaces.is_empty() {
            vec![None]
        } else {
            options.namespaces.iter().cloned().map(Some).collect()
        };
        let work = scopes.into_iter().map(|scope| Box::pin(work(core.clone(), scope, options.concurrency)));
        tokio::select! {
            biased;
            () = core.leadership.lost() => {}
            _ = select_all(work) => {}
        }
        core.counters.leads(false);
        core.running.clear();
        tracing::info!(identity = %options.identity, "no longer leads");
    }
}

/// One scope: feeds and loops, until it is dropped.
#[expect(clippy::too_many_lines, reason = "every loop of a scope starts here, in one place")]
async fn work(core: Arc<Core>, scope: Option<String>, concurrency: u16) {
    let (releases, release_writer) = reflector::store();
    let (environments, environment_writer) = reflector::store();
    let (actions, action_writer) = reflector::store();
    let (wake_release, release_queue) = mpsc::channel(QUEUE);
    let (wake_at_once, urgent_queue) = mpsc::channel(QUEUE);
    let (wake_environment, environment_queue) = mpsc::channel(QUEUE);
    let (wake_to_stop, stop_queue) = mpsc::channel(QUEUE);
    let (wake_stops, stop_turns) = mpsc::channel(QUEUE);
    let (notifications, tellings) =
        NotificationQueue::new(Sender::new(core.client.clone(), core.clock.clone(), core.outbound.clone()));
    let over = CancellationToken::new();
    let _ends_questions = over.clone().drop_guard();
    let context = Arc::new(Context {
        core: core.clone(),
        releases: releases.clone(),
        environments: environments.clone(),
        releases_by_environment: Index::new(releases.clone(), |release| Some(&release.spec.environment)),
        actions_by_environment: Index::new(actions.clone(), |action| Some(&action.spec.environment)),
        actions_by_release: Index::new(actions.clone(), |action| {
            action.spec.release.as_ref().map(|release| release.name.as_str())
        }),
        actions,
        wake_release,
        wake_at_once,
        wake_environment,
        wake_to_stop,
        wake_stops,
        turns: [(EACH, concurrency), (1, concurrency), (1, concurrency)]
            .map(|(each, all)| Turns::new(each, usize::from(all))),
        memory: Memory::default(),
        policies: Verdicts::default(),
        ledger: Ledger::default(),
        notifications,
        undecodable: Register::default(),
        over,
    });
    // a reconcile waits for its turn by itself, so that no environment fills the places of all
    let config = controller::Config::default;
    let releasing = applier(
        |release, context| Box::pin(reconcile::reconcile(release, context)),
        |release, error, context| reconcile::after_failure(&release, error, &context),
        context.clone(),
        releases.clone(),
        feed::queue(release_queue),
        config(),
    );
    // what people ask of a release does not stand in line behind all the others; both queues take turns in its lane
    let obeying = applier(
        |release, context| Box::pin(reconcile::at_once(release, context)),
        |release, error, context| reconcile::after_failure(&release, error, &context),
        context.clone(),
        releases.clone(),
        feed::queue(urgent_queue),
        config(),
    );
    let describing = applier(
        |environment, context| Box::pin(environment::reconcile(environment, context)),
        |environment, error, context| environment::after_failure(&environment, error, &context),
        context.clone(),
        environments.clone(),
        feed::queue(environment_queue),
        config(),
    );
    let stopping_releases = applier(
        |release, context| Box::pin(stopping::release(release, context)),
        |_, error, _| stopping::after_failure(error),
        context.clone(),
        releases,
        feed::queue(stop_queue),
        config(),
    );
    let stopping_environments = applier(
        |environment, context| Box::pin(stopping::environment(environment, context)),
        |_, error, _| stopping::after_failure(error),
        context.clone(),
        environments,
        feed::queue(stop_turns),
        config(),
    );
    let (client, namespace) = (&core.client, scope.as_deref());
    tokio::join!(
        feed::keep(&context, namespace, release_writer, |event| { feed::release_changed(event, &context) }),
        feed::keep(&context, namespace, environment_writer, |event| {
            feed::environment_changed(event, &context)
        }),
        feed::keep(&context, namespace, action_writer, |event| { feed::action_changed(event, &context) }),
        feed::follow_workloads(client, namespace, &context),
        policies::watch(&context),
        notifications::work(&context, tellings),
        releasing.for_each(|_| std::future::ready(())),
        obeying.for_each(|_| std::future::ready(())),
        describing.for_each(|_| std::future::ready(())),
        stopping_releases.for_each(|_| std::future::ready(())),
        stopping_environments.for_each(|_| std::future::ready(())),
    );
}
