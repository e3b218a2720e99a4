//! The controller in this very process, with the rights of its ServiceAccount.

use std::time::Duration;

use kube::Client;
use release_cockpit::cluster::registry::Mirrors;
use release_cockpit::controller::{ControllerOptions, Deadlines, Error, Faults, LeaseOptions, run_with};
use release_cockpit::time::Clock;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::space::Space;

/// A replica; it ends when this is dropped, as if its machine had lost power.
pub struct Controller {
    task: JoinHandle<Result<(), Error>>,
    shutdown: CancellationToken,
}

/// The lease of a replica that is to die: short, so that nobody waits long for the next one. A busy machine may miss it.
pub const LEASE: LeaseOptions =
    LeaseOptions { duration: Duration::from_secs(4), renew: Duration::from_secs(1) };

impl Controller {
    /// A replica that serves these spaces and takes its lease in the first one.
    pub async fn start(spaces: &[&Space], identity: &str) -> Self {
        Self::begin(spaces, identity, LeaseOptions::default(), Faults::default()).await
    }

    /// As [`Controller::start`], with a short lease, and killed where the faults say so.
    pub async fn start_with(spaces: &[&Space], identity: &str, faults: Faults) -> Self {
        Self::begin(spaces, identity, LEASE, faults).await
    }

    /// As [`Controller::start`], which asks by that client and keeps these deadlines.
    pub fn start_by(client: Client, spaces: &[&Space], identity: &str, deadlines: Deadlines) -> Self {
        let options = ControllerOptions { deadlines, ..options(spaces, identity, LEASE) };
        Self::run(client, options, Faults::default())
    }

    async fn begin(spaces: &[&Space], identity: &str, lease: LeaseOptions, faults: Faults) -> Self {
        let client = spaces[0].world.client("controller").await;
        Self::run(client, options(spaces, identity, lease), faults)
    }

    fn run(client: Client, options: ControllerOptions, faults: Faults) -> Self {
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(run_with(client, options, faults, shutdown.clone()));
        Self { task, shutdown }
    }

    /// Waits until it ends by itself, and says how.
    pub async fn ended(mut self) -> Result<(), Error> {
        let ended = tokio::time::timeout(Duration::from_secs(120), &mut self.task).await.expect("an end");
        ended.expect("no panic")
    }

    /// Waits until a fault has killed it, and says where.
    pub async fn killed(mut self) -> String {
        let ended =
            tokio::time::timeout(Duration::from_secs(120), &mut self.task).await.expect("to be killed");
        match ended.expect("no panic") {
            Err(Error::Killed(place)) => place,
            other => panic!("it was not killed: {other:?}"),
        }
    }

    /// Ends in order, letting go of the lease.
    pub async fn stop(mut self) {
        self.shutdown.cancel();
        let ended = tokio::time::timeout(Duration::from_secs(20), &mut self.task).await.expect("an end");
        ended.expect("no panic").expect("an orderly end");
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn options(spaces: &[&Space], identity: &str, lease: LeaseOptions) -> ControllerOptions {
    ControllerOptions {
        identity: identity.to_owned(),
        namespace: spaces[0].namespace.clone(),
        namespaces: spaces.iter().map(|space| space.namespace.clone()).collect(),
        clock: Clock::system(),
        lease,
        deadlines: Deadlines::default(),
        http: None,
        concurrency: 4,
        mirrors: Mirrors::default(),
        allowed: release_cockpit::domain::address::Allowed::parse(&["127.0.0.1"]).unwrap(),
        audit_export: None,
    }
}
