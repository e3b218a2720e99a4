//! `wait`: follow a release.

use super::choose;
use super::error::CliError;
use super::exit::Exit;
use super::follow;
use super::grammar::Wait;
use super::session::{Session, connect};
use crate::api::Release;
use crate::config::Settings;

/// Follows a release until its end, or until the phase that was asked for.
pub(super) async fn wait(settings: &Settings, wanted: &Wait) -> Result<Exit, CliError> {
    let session = Session::open(settings, &[&wanted.target]).await?;
    let (environments, releases) = (session.environments().await?, session.releases().await?);
    let alive = (|release: &Release| !release.phase().is_final(), "is under way or waits");
    let key = choose::release(&environments, &releases, &wanted.target, alive)?.key();
    let cluster = connect(settings, settings.contexts.first()).await?;
    match wanted.phase {
        None => follow::to_the_end(&cluster, &key, wanted.timeout, wanted.output).await,
        Some(phase) => {
            let reached = move |release: &Release| release.phase() == phase;
            let exit = follow::until(&cluster, &key, wanted.timeout, (wanted.output, &reached)).await?;
            // who waits for a failure has got what they waited for
            let release = session.cluster.release(&key).await?;
            Ok(if release.phase() == phase { Exit::Ok } else { exit })
        }
    }
}
