//! `controller`: executes releases until it is told to end.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::error::CliError;
use super::exit::Exit;
use super::grammar::Controller;
use super::logging::{self, Otherwise};
use super::session::{allowed, connect, mirrors};
use crate::config::Settings;
use crate::controller::{self, ControllerOptions, Deadlines, LeaseOptions};
use crate::time::Clock;

/// Runs one replica. The one that holds the Lease works; the others wait.
pub(super) async fn control(settings: &Settings, wanted: &Controller) -> Result<Exit, CliError> {
    let _log = logging::start(settings, Otherwise::StandardError)?;
    if let Some(directory) = wanted.audit_export.as_ref().filter(|directory| !directory.is_dir()) {
        let sentence = format!("--audit-export: {} is not a directory", directory.display());
        return Err(CliError::new(Exit::Usage, crate::sanitize::line(&sentence)));
    }
    let cluster = connect(settings, settings.contexts.first()).await?;
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let identity = wanted.identity.clone().or_else(|| variable("POD_NAME"));
    let options = ControllerOptions {
        identity: identity.unwrap_or_else(|| {
            let host = variable("HOSTNAME").unwrap_or_else(|| "controller".to_owned());
            format!("{host}-{}", std::process::id())
        }),
        namespace: variable("POD_NAMESPACE").unwrap_or_else(|| settings.controller_namespace.clone()),
        namespaces: settings.namespaces.clone(),
        clock: Clock::system(),
        lease: LeaseOptions::default(),
        deadlines: Deadlines {
            request: settings.controller_request_timeout.to_std(),
            reconcile: settings.controller_reconcile_timeout.to_std(),
            stop: settings.controller_stop_deadline.to_std(),
            watch: settings.controller_watch_timeout.to_std(),
        },
        http: wanted.listen,
        concurrency: 8,
        mirrors: mirrors(settings)?,
        allowed: allowed(settings, &wanted.allow_host)?,
        audit_export: wanted.audit_export.clone(),
    };
    let shutdown = CancellationToken::new();
    let told = shutdown.clone();
    let waiting = tokio::spawn(async move {
        let heard = until_told().await;
        told.cancel();
        heard
    });
    let ended = controller::run(cluster.watch_client(), options, shutdown).await;
    waiting.abort();
    ended.map_err(|error| CliError::new(Exit::Error, error.to_string()))?;
    Ok(Exit::Ok)
}

/// Waits for SIGINT, SIGTERM or SIGHUP.
pub(super) async fn until_told() -> Result<(), CliError> {
    let (mut interrupt, mut terminate, mut hangup) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
    Ok(())
}
