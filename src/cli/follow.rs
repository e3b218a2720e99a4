//! Following a release or an action until it is decided, never longer than was asked.

use std::time::Duration as Span;

use futures::{Stream, StreamExt as _};
use tokio::time::timeout;

use super::error::CliError;
use super::exit::Exit;
use super::grammar::{Format, How};
use super::output;
use crate::api::strategy::StrategyName;
use crate::api::{Duration, Phase, Release, ReleaseAction, ReleaseKey};
use crate::app::steps;
use crate::cluster::{self, Cluster};
use crate::domain::outcome;
use crate::sanitize;

/// How long the controller's verdict is awaited when nobody asked to wait.
const A_MOMENT: Span = Span::from_secs(5);

/// Follows a release to its end and prints it.
pub(super) async fn to_the_end(
    cluster: &Cluster,
    key: &ReleaseKey,
    limit: Duration,
    format: Format,
) -> Result<Exit, CliError> {
    until(cluster, key, limit, (format, &is_decided)).await
}

/// Follows a release that is being rolled back until what ran before runs again, and prints it.
pub(super) async fn to_the_undo(
    cluster: &Cluster,
    key: &ReleaseKey,
    limit: Duration,
    format: Format,
) -> Result<Exit, CliError> {
    let exit = to_the_end(cluster, key, limit, format).await?;
    let phase = cluster.release(key).await?.phase();
    Ok(if exit == Exit::ReleaseFailed && phase == Phase::RolledBack { Exit::Ok } else { exit })
}

/// Follows a release until `enough`, and prints it. Meanwhile each change is told on a terminal.
pub(super) async fn until(
    cluster: &Cluster,
    key: &ReleaseKey,
    limit: Duration,
    (format, enough): (Format, &(dyn Fn(&Release) -> bool + Sync)),
) -> Result<Exit, CliError> {
    let mut last = None;
    let mut told = String::new();
    let mut watched = Box::pin(cluster.watch_release(key));
    let ended = timeout(limit.to_std(), async {
        while let Some(release) = next(&mut watched).await? {
            let line = line(&release);
            if line != told {
                output::progress(&line);
                told = line;
            }
            let stop = enough(&release) || is_decided(&release);
            last = Some(release);
            if stop {
                return Ok(true);
            }
        }
        Ok::<_, CliError>(false)
    })
    .await;
    let exit = match ended {
        Ok(Ok(true)) => {
            let release = last.as_ref();
            if release.is_some_and(|release| enough(release) && !failed(release.phase())) {
                Exit::Ok
            } else {
                Exit::ReleaseFailed
            }
        }
        Ok(Ok(false)) => return Err(CliError::new(Exit::Error, format!("release {key} is gone"))),
        Ok(Err(error)) => return Err(error),
        Err(_) => Exit::TimedOut,
    };
    print(last.as_ref(), key, exit, format)?;
    if exit == Exit::TimedOut {
        let state = last
            .as_ref()
            .map_or(String::new(), |release| format!(" ({})", sanitize::line(&self::line(release))));
        let sentence = format!("release {key} has not ended within {limit}{state}; it continues");
        return Err(CliError::new(exit, sentence));
    }
    Ok(exit)
}

/// Follows an action until the controller has judged it; the action as last seen, and how the program ends.
pub(super) async fn to_the_verdict(
    cluster: &Cluster,
    sent: &ReleaseAction,
    how: &How,
) -> Result<(Option<ReleaseAction>, Exit), CliError> {
    let name = sent.metadata.name.as_deref().unwrap_or_default();
    let key = ReleaseKey::new(sent.metadata.namespace.as_deref().unwrap_or_default(), name);
    let limit = if how.wait { how.timeout.to_std() } else { A_MOMENT };
    let mut last = None;
    let mut watched = Box::pin(cluster.watch_action(&key));
    let ended = timeout(limit, async {
        while let Some(action) = next(&mut watched).await? {
            let judged = action.is_judged();
            last = Some(action);
            if judged {
                break;
            }
        }
        Ok::<_, CliError>(())
    })
    .await;
    match ended {
        Ok(Err(error)) => Err(error),
        Err(_) if how.wait => Err(CliError::new(
            Exit::TimedOut,
            format!("the controller has not judged {key} within {}; is it running?", how.timeout),
        )),
        Ok(Ok(())) | Err(_) => {
            let result = last.as_ref().and_then(|action| action.status.as_ref()?.result);
            let exit = match result {
                Some(crate::api::ActionResult::Refused) => Exit::Refused,
                _ => Exit::Ok,
            };
            Ok((last, exit))
        }
    }
}

/// The next state; what passes by itself is told and waited out.
async fn next<T>(
    watched: &mut (impl Stream<Item = Result<T, cluster::Error>> + Unpin),
) -> Result<Option<T>, CliError> {
    loop {
        match watched.next().await {
            None => return Ok(None),
            Some(Ok(object)) => return Ok(Some(object)),
            Some(Err(error)) if error.is_transient() => output::progress(&format!("{error}; trying again")),
            Some(Err(error)) => return Err(error.into()),
        }
    }
}

/// Nothing will happen any more, or nothing without a person.
fn is_decided(release: &Release) -> bool {
    release.phase().is_final() || release.phase() == Phase::Held
}

const fn failed(phase: Phase) -> bool {
    (phase.is_final() && !matches!(phase, Phase::Succeeded)) || matches!(phase, Phase::Held)
}

/// A release in one line.
pub(super) fn line(release: &Release) -> String {
    let phase = release.phase();
    let Some(status) = &release.status else { return format!("{phase}: the controller has not seen it yet") };
    let step = status.step.as_ref().and_then(|_| steps::present(release));
    let step = step.map_or_else(String::new, |(step, all)| format!(" {step}/{all}"));
    let sided = status.plan.as_ref().is_some_and(|plan| plan.strategy != StrategyName::Rolling);
    let weight = status.weight.as_ref().filter(|_| sided && phase.holds_lane());
    let weight = weight.map_or_else(String::new, |weight| format!(" {}%", weight.desired));
    match &*outcome::message(release) {
        "" => format!("{phase}{step}{weight}"),
        message => format!("{phase}{step}{weight}: {message}"),
    }
}

fn print(release: Option<&Release>, key: &ReleaseKey, exit: Exit, format: Format) -> Result<(), CliError> {
    match (release, format) {
        (Some(release), Format::Json) => output::json(release),
        (Some(release), Format::Table) if exit != Exit::TimedOut => {
            output::text(&format!("release {key}: {}\n", crate::sanitize::line(&line(release))))
        }
        _ => Ok(()),
    }
}
