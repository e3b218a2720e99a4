//! `deploy`, `promote`, `rollback`: new releases.

use serde_json::json;

use super::act;
use super::choose;
use super::confirm::confirm;
use super::error::CliError;
use super::exit::Exit;
use super::follow;
use super::grammar::{About, Deploy, Format, How, Promote, Rollback};
use super::output;
use super::session::{Session, nonce};
use crate::api::release::{Phase, ReleaseKind};
use crate::api::strategy::StrategyName;
use crate::api::{ActionKind, Environment, Release};
use crate::cluster::Outcome;
use crate::config::Settings;
use crate::domain::action_rule::Confirmation;
use crate::domain::intent::{self, RequestDetails};
use crate::domain::known_version::{KnownVersion, known_versions, last_known_good};
use crate::domain::rollback::{self, Already};
use crate::time::Clock;

/// `deploy`.
pub(super) async fn deploy(settings: &Settings, wanted: &Deploy) -> Result<Exit, CliError> {
    let session = Session::open(settings, &[&wanted.environment]).await?;
    let environment = session.environment(&wanted.environment).await?;
    let nonce = nonce(wanted.how.request_id.as_ref());
    let release =
        intent::deploy(&environment, session.author(), &wanted.version, &words(&wanted.about), &nonce)?;
    submit(&session, &environment, &release, &wanted.how).await
}

/// `promote`.
pub(super) async fn promote(settings: &Settings, wanted: &Promote) -> Result<Exit, CliError> {
    let session =
        Session::open(settings, &[&wanted.environment, wanted.from.as_deref().unwrap_or_default()]).await?;
    let environment = session.environment(&wanted.environment).await?;
    let session = match &environment.spec.promotion {
        Some(promotion) if wanted.from.is_none() => session.looking_into(&promotion.from.namespace),
        _ => session,
    };
    let from = source(&session, &environment, wanted.from.as_deref()).await?;
    let releases = session.cluster.releases().await?;
    let source = intent::source_of(&from, &releases.iter().collect::<Vec<_>>())?;
    if let Some(version) = wanted.version.as_ref().filter(|version| **version != source.version) {
        let sentence = format!("{} runs {}, not {version}; nothing was sent", from.key(), source.version);
        return Err(CliError::new(Exit::Refused, sentence));
    }
    let nonce = nonce(wanted.how.request_id.as_ref());
    let release = intent::promote(&environment, session.author(), &source, &words(&wanted.about), &nonce)?;
    submit(&session, &environment, &release, &wanted.how).await
}

/// `rollback`: joins a rollback that somebody else began, undoes the release under way, or releases an older version.
pub(super) async fn rollback(settings: &Settings, wanted: &Rollback) -> Result<Exit, CliError> {
    let session = Session::open(settings, &[&wanted.environment]).await?;
    let environment = session.environment(&wanted.environment).await?;
    let releases = session.releases().await?;
    let key = environment.key();
    let now = Clock::system().now();
    let already = rollback::already(&releases, &key, wanted.about.emergency, now);
    if let Some(already) = already.filter(|already| means_the_same(*already, wanted.to.as_deref())) {
        return join(&session, already, &wanted.how).await;
    }
    let under_way =
        releases.iter().find(|release| release.environment_key() == key && release.phase().holds_lane());
    let under_way = under_way.filter(|release| release.spec.kind != ReleaseKind::Rollback);
    if let (Some(release), None) = (under_way, &wanted.to) {
        if let Some(next) = rollback::waiting(&releases, &key).first() {
            output::remark(&format!(
                "{} (release {}) still waits and starts after this rollback; cancel it with: release-cockpit abort {}",
                next.spec.version,
                next.key(),
                next.key()
            ));
        }
        let said = intent::Act { reason: wanted.about.reason.clone(), ..intent::Act::default() };
        return act::submit(
            &session,
            (release, Some(&environment)),
            ActionKind::Rollback,
            (said, &wanted.how),
        )
        .await;
    }
    let known = known_versions(&environment, &releases.iter().collect::<Vec<_>>(), now);
    let target = way_back(&environment, &known, wanted.to.as_deref())?;
    if let Some(release) = rollback::waiting(&releases, &key).last() {
        let (name, version) = (release.key(), &release.spec.version);
        if wanted.to.is_none() {
            let sentence = format!(
                "{version} (release {name}) has not started, and a rollback does not cancel it. \
                 To cancel it: release-cockpit abort {name} --reason REASON. \
                 To roll back what runs now: add --to {}",
                target.version
            );
            return Err(CliError::new(Exit::Error, sentence));
        }
        output::remark(&format!(
            "{version} (release {name}) still waits and starts after this rollback; cancel it with: release-cockpit abort {name}"
        ));
    }
    let strategy = wanted.about.strategy.unwrap_or_else(|| environment.spec.default_strategy());
    if strategy != StrategyName::Rolling && !wanted.about.emergency {
        output::remark(&format!(
            "this rollback takes the environment's steps ({strategy}); to replace all pods at once add --strategy rolling"
        ));
    }
    let nonce = nonce(wanted.how.request_id.as_ref());
    let release = intent::rollback(&environment, session.author(), target, &words(&wanted.about), &nonce)?;
    submit(&session, &environment, &release, &wanted.how).await
}

/// Whether a rollback that somebody else began does what was asked for: any rollback without a target, else one to that version.
fn means_the_same(already: Already<'_>, to: Option<&str>) -> bool {
    let Some(to) = to else { return true };
    let release = already.release();
    matches!(already, Already::InProgress(_))
        && release.spec.kind == ReleaseKind::Rollback
        && release.spec.version == to
}

/// Sends nothing: reports the rollback that is under way, or was done moments ago, and follows it as far as was asked.
async fn join(session: &Session, already: Already<'_>, how: &How) -> Result<Exit, CliError> {
    let release = already.release();
    let sentence = crate::sanitize::line(&already.sentence()).into_owned();
    if let (Already::InProgress(_), true) = (already, how.wait) {
        output::remark(&sentence);
        let is_undone = release.spec.kind != ReleaseKind::Rollback;
        return if is_undone {
            follow::to_the_undo(&session.cluster, &release.key(), how.timeout, how.output).await
        } else {
            follow::to_the_end(&session.cluster, &release.key(), how.timeout, how.output).await
        };
    }
    let hint = match already {
        Already::InProgress(_) => "nothing was sent: wait for it with --wait",
        Already::JustDone(_) => "nothing was sent: to go further back, name the version with --to",
    };
    match how.output {
        Format::Json => output::json(&session.cluster.release(&release.key()).await?)?,
        Format::Table => output::text(&format!("{sentence}; {hint}\n"))?,
    }
    Ok(Exit::Ok)
}

fn words(about: &About) -> RequestDetails {
    RequestDetails {
        strategy: about.strategy,
        reason: about.reason.clone(),
        changelog: about.changelog.clone(),
        ticket: about.ticket.clone(),
        emergency: about.emergency,
    }
}

/// Where a promotion comes from: `--from`, else what the environment itself says.
async fn source(session: &Session, into: &Environment, from: Option<&str>) -> Result<Environment, CliError> {
    // the source may lie outside of the namespaces in sight
    let all = session.cluster.environments().await?;
    if let Some(given) = from {
        return choose::environment(&all, given).cloned();
    }
    let Some(promotion) = &into.spec.promotion else {
        let sentence = format!("{} names no environment to promote from: add --from ENVIRONMENT", into.key());
        return Err(CliError::new(Exit::Usage, sentence));
    };
    let named = format!("{}/{}", promotion.from.namespace, promotion.from.name);
    choose::environment(&all, &named).cloned()
}

pub(super) fn way_back<'a>(
    environment: &Environment,
    known: &'a [KnownVersion],
    to: Option<&str>,
) -> Result<&'a KnownVersion, CliError> {
    let others: Vec<&str> = known
        .iter()
        .filter(|version| version.is_way_back())
        .map(|version| version.version.as_str())
        .collect();
    let others = if others.is_empty() { "none".to_owned() } else { others.join(", ") };
    let Some(to) = to else {
        return last_known_good(known).ok_or_else(|| {
            let sentence =
                format!("no version is known that was good in {} and does not run now", environment.key());
            CliError::new(Exit::Error, sentence)
        });
    };
    let found = known.iter().find(|version| version.version == to).ok_or_else(|| {
        let sentence = format!("{to} never ran in {}; what one can go back to: {others}", environment.key());
        CliError::new(Exit::Error, sentence)
    })?;
    if found.current {
        return Err(CliError::new(
            Exit::Error,
            format!("{to} is what runs in {} already", environment.key()),
        ));
    }
    Ok(found)
}

/// Waits until the second of the last stop is over: a release requested within it would be aborted.
async fn wait_out_the_stop(environment: &Environment) {
    let Some(stop) = environment.status.as_ref().and_then(|status| status.stop.as_ref()) else { return };
    let over = stop.at.timestamp().saturating_add(1).saturating_mul(1_000);
    let left = over.saturating_sub(Clock::system().now().timestamp_millis());
    // clocks differ: never longer than the second itself
    if let Ok(left) = u64::try_from(left)
        && left > 0
    {
        tokio::time::sleep(std::time::Duration::from_millis(left.min(1_000))).await;
    }
}

/// Refuses a request id that was used for a different release.
async fn refuse_reuse(session: &Session, release: &Release, id: &str) -> Result<(), CliError> {
    let (key, name) = (release.environment_key(), release.key());
    let releases = session.releases().await?;
    let earlier = releases.iter().find(|other| {
        other.environment_key() == key
            && other.key() != name
            && intent::was_made_with(other, session.author(), id)
    });
    let Some(earlier) = earlier else { return Ok(()) };
    let sentence = format!(
        "request id `{}` belongs to release {} ({:?} {}). Use another id for {:?} {}; nothing was sent",
        crate::sanitize::line(id),
        earlier.key(),
        earlier.spec.kind,
        earlier.spec.version,
        release.spec.kind,
        release.spec.version
    );
    Err(CliError::new(Exit::Usage, crate::sanitize::line(&sentence)))
}

/// Confirms, sends, and follows as far as was asked.
async fn submit(
    session: &Session,
    environment: &Environment,
    release: &Release,
    how: &How,
) -> Result<Exit, CliError> {
    if let Some(id) = &how.request_id {
        refuse_reuse(session, release, id).await?;
    }
    let key = release.key();
    let what = format!("{:?} {} into {}", release.spec.kind, release.spec.version, environment.key());
    confirm(Some(environment), Confirmation::of_release(release.spec.kind), how, &what)?;
    let (release, remarks) = session.cluster.pinned(release).await?;
    let release = &release;
    for remark in remarks {
        output::remark(&remark);
    }
    if !how.dry_run && release.spec.kind != ReleaseKind::Rollback {
        wait_out_the_stop(environment).await;
    }
    match session.cluster.create_release(release, how.dry_run).await {
        Outcome::Refused(error) if how.dry_run && how.output == Format::Json => {
            output::json(&json!({"verdict": "Refused", "message": error.to_string(), "object": release}))?;
            Ok(CliError::from(error).exit())
        }
        Outcome::Refused(error) => Err(error.into()),
        Outcome::Unknown(sentence) => Err(CliError::new(Exit::Unreachable, sentence)),
        Outcome::WouldPass => {
            match how.output {
                Format::Json => output::json(&json!({"verdict": "WouldPass", "object": release}))?,
                Format::Table => {
                    output::text(&format!("{what}: the server would accept it; nothing was changed\n"))?;
                }
            }
            Ok(Exit::Ok)
        }
        Outcome::Accepted { existed, .. } if how.wait => {
            let arrival = if existed { "exists already" } else { "created" };
            output::progress(&format!("release {key} {arrival}; waiting for its end"));
            follow::to_the_end(&session.cluster, &key, how.timeout, how.output).await
        }
        Outcome::Accepted { existed, .. } => {
            let found = session.cluster.release(&key).await?;
            let (phase, is_over) = (found.phase(), found.phase().is_final());
            match how.output {
                Format::Json => output::json(&found)?,
                // an earlier attempt with the same request id has made it
                Format::Table if is_over => {
                    output::text(&format!(
                        "release {key} exists already and has ended: {phase}; nothing was sent\n"
                    ))?;
                }
                Format::Table if existed => {
                    output::text(&format!("release {key} exists already ({phase}); nothing was sent\n"))?;
                }
                Format::Table => output::text(&format!("release {key} created: {what}\n"))?,
            }
            Ok(if is_over && phase != Phase::Succeeded { Exit::ReleaseFailed } else { Exit::Ok })
        }
    }
}
