//! `approve`, `reject`, `pause`, `resume`, `abort`, `retry`, `withdraw`, `weight`, `promote-step`, `promote-full`: actions on a release.

use serde_json::json;

use super::confirm::confirm;
use super::error::CliError;
use super::exit::Exit;
use super::grammar::{Act, Format, How, Weight};
use super::session::{Session, nonce};
use super::{choose, follow, foresee, output};
use crate::api::release::ReleaseStatus;
use crate::api::release_action::Parameters;
use crate::api::{ActionKind, ActionResult, Environment, Release, ReleaseAction};
use crate::cluster::Outcome;
use crate::config::Settings;
use crate::domain::action_rule::{self, Confirmation, rule};
use crate::domain::{action_already, intent, resume};
use crate::time::Clock;

/// One action on the release that a person means.
pub(super) async fn act(settings: &Settings, kind: ActionKind, wanted: &Act) -> Result<Exit, CliError> {
    let said = intent::Act { reason: wanted.reason.clone(), ..intent::Act::default() };
    intent::check(kind, &said)?;
    let with = |release: &Release, _: Option<&Environment>| {
        if let Some(status) = release.status.as_ref().filter(|_| kind == ActionKind::Resume) {
            let next = resume::after_resume(status, Clock::system().now());
            output::remark(&format!("once resumed, the release {}", crate::sanitize::line(&next)));
        }
        Ok(said)
    };
    on_release(settings, kind, &wanted.target, (with, &wanted.how)).await
}

/// `weight`.
pub(super) async fn weight(settings: &Settings, wanted: &Weight) -> Result<Exit, CliError> {
    let parameters = Some(Parameters { weight: Some(wanted.percent), ..Parameters::default() });
    let said = intent::Act { parameters, reason: wanted.reason.clone(), evidence: None };
    on_release(settings, ActionKind::SetWeight, &wanted.target, (|_, _| Ok(said), &wanted.how)).await
}

/// One action on the release that a person means, with what `with` makes of the release and its environment.
pub(super) async fn on_release(
    settings: &Settings,
    kind: ActionKind,
    target: &str,
    (with, how): (impl FnOnce(&Release, Option<&Environment>) -> Result<intent::Act, CliError>, &How),
) -> Result<Exit, CliError> {
    let session = Session::open(settings, &[target]).await?;
    let environments = environments(&session, kind).await?;
    let releases = session.releases().await?;
    let release = choose::addressed(&environments, &releases, target, kind)?;
    let key = release.environment_key();
    let environment = environments.iter().find(|environment| environment.key() == key);
    let approved = environment
        .filter(|_| kind == ActionKind::Approve)
        .and_then(|environment| action_already::approved(release, environment, session.author()));
    if let Some(done) =
        approved.or_else(|| action_already::done(kind, &release.spec.version, &status(release)))
    {
        return report_done(release, &done, how);
    }
    if environment.is_none() && !rule(kind).is_stop() {
        return Err(no_environment(release));
    }
    let act = with(release, environment)?;
    submit(&session, (release, environment), kind, (act, how)).await
}

/// Readable environments. Stopping a release does not require read access to them.
async fn environments(session: &Session, kind: ActionKind) -> Result<Vec<Environment>, CliError> {
    match session.environments().await {
        Err(error) if rule(kind).is_stop() && error.exit() != Exit::Unreachable => {
            output::remark(&format!("environments cannot be read: {error}"));
            Ok(Vec::new())
        }
        found => found,
    }
}

fn status(release: &Release) -> ReleaseStatus {
    release.status.clone().unwrap_or_default()
}

/// Error for an action that needs the missing environment of a release.
pub(super) fn no_environment(release: &Release) -> CliError {
    let (key, environment) = (release.key(), release.environment_key());
    let sentence = format!("environment {environment} of release {key} does not exist, or cannot be decoded");
    CliError::new(Exit::Error, sentence)
}

/// Reports that the release is already in the requested state.
fn report_done(release: &Release, done: &str, how: &How) -> Result<Exit, CliError> {
    match how.output {
        Format::Json => output::json(release)?,
        Format::Table => {
            let done = crate::sanitize::line(done);
            output::text(&format!("release {}: {done}; nothing was sent\n", release.key()))?;
        }
    }
    Ok(Exit::Ok)
}

/// Confirms, sends, and tells what became of it.
pub(super) async fn submit(
    session: &Session,
    (release, environment): (&Release, Option<&Environment>),
    kind: ActionKind,
    (act, how): (intent::Act, &How),
) -> Result<Exit, CliError> {
    let nonce = nonce(how.request_id.as_ref());
    let action = intent::action(release, environment, kind, session.author(), (&act, &nonce))?;
    let what = format!(
        "{kind} release {} ({} into {})",
        release.key(),
        release.spec.version,
        release.environment_key()
    );
    let confirmation = action_rule::confirmation(kind, act.parameters.as_ref(), Some(release));
    let foreseen = if how.dry_run {
        let others = session.releases().await?;
        foresee::refusal(release, environment, &others, (&action, Clock::system().now()))
    } else {
        None
    };
    send(session, (environment, confirmation), (&action, foreseen), (&what, how)).await
}

/// Asks for confirmation, sends the action and reports the result. `foreseen` is the refusal predicted for a dry run.
pub(super) async fn send(
    session: &Session,
    (environment, confirmation): (Option<&Environment>, Confirmation),
    (action, foreseen): (&ReleaseAction, Option<String>),
    (what, how): (&str, &How),
) -> Result<Exit, CliError> {
    confirm(environment, confirmation, how, what)?;
    match session.cluster.create_action(action, how.dry_run).await {
        Outcome::Refused(error) if how.dry_run && how.output == Format::Json => {
            output::json(&json!({"verdict": "Refused", "message": error.to_string(), "object": action}))?;
            Ok(CliError::from(error).exit())
        }
        Outcome::Refused(error) => Err(error.into()),
        Outcome::Unknown(sentence) => Err(CliError::new(Exit::Unreachable, sentence)),
        Outcome::WouldPass => {
            if let Some(why) = foreseen {
                return would_be_refused(action, &why, (what, how));
            }
            match how.output {
                Format::Json => output::json(&json!({"verdict": "WouldPass", "object": action}))?,
                Format::Table => {
                    output::text(&format!("{what}: the server would accept it; nothing was changed\n"))?;
                }
            }
            Ok(Exit::Ok)
        }
        Outcome::Accepted { .. } => tell(session, action, how, what).await,
    }
}

/// Reports a dry run that the API server accepts and the controller would refuse.
fn would_be_refused(action: &ReleaseAction, why: &str, (what, how): (&str, &How)) -> Result<Exit, CliError> {
    let why = crate::sanitize::line(why);
    if how.output == Format::Json {
        let message = format!("the controller would refuse it: {why}");
        output::json(&json!({"verdict": "Refused", "message": message, "object": action}))?;
        return Ok(Exit::Refused);
    }
    Err(CliError::new(
        Exit::Refused,
        format!("{what}: the controller would refuse it: {why}; nothing was changed"),
    ))
}

/// The controller's verdict: for a moment in any case, until the end of the time with `--wait`.
async fn tell(session: &Session, sent: &ReleaseAction, how: &How, what: &str) -> Result<Exit, CliError> {
    let (judged, exit) = follow::to_the_verdict(&session.cluster, sent, how).await?;
    let status = judged.as_ref().and_then(|action| action.status.clone()).unwrap_or_default();
    let message = status.message.unwrap_or_default();
    if how.output == Format::Json {
        output::json(judged.as_ref().unwrap_or(sent))?;
        return Ok(exit);
    }
    let name = sent.metadata.name.as_deref().unwrap_or_default();
    match status.result {
        Some(ActionResult::Applied) => {
            output::text(&format!("{what}: {}\n", crate::sanitize::line(&message)))?;
        }
        Some(ActionResult::Refused) => {
            return Err(CliError::new(
                Exit::Refused,
                format!("the controller refused: {}", crate::sanitize::line(&message)),
            ));
        }
        None => output::text(&format!(
            "{what}: asked for as {name}; the controller has not judged it yet (is it running?)\n"
        ))?,
    }
    Ok(exit)
}
