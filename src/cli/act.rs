//! `approve`, `reject`, `pause`, `resume`, `abort`, `retry`, `withdraw`, `weight`, `promote-step`, `promote-full`: actions on a release.

use serde_json::json;

use super::confirm::confirm;
use super::error::CliError;
use super::exit::Exit;
use super::grammar::{Act, Format, How, Weight};
use super::session::{Session, nonce};
use super::{choose, follow, output};
use crate::api::release_action::Parameters;
use crate::api::{ActionKind, ActionResult, Environment, Release, ReleaseAction};
use crate::cluster::Outcome;
use crate::config::Settings;
use crate::domain::action_rule::{self, Confirmation};
use crate::domain::{intent, resume};
use crate::time::Clock;

/// One action on the release that a person means.
pub(super) async fn act(settings: &Settings, kind: ActionKind, wanted: &Act) -> Result<Exit, CliError> {
    let said = intent::Act { reason: wanted.reason.clone(), ..intent::Act::default() };
    intent::check(kind, &said)?;
    let with = |release: &Release, _: &Environment| {
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
    (with, how): (impl FnOnce(&Release, &Environment) -> Result<intent::Act, CliError>, &How),
) -> Result<Exit, CliError> {
    let session = Session::open(settings, &[target]).await?;
    let (environments, releases) = (session.environments().await?, session.releases().await?);
    let release = choose::release(&environments, &releases, target, choose::fitting(kind))?;
    let key = release.environment_key();
    let environment = environments.iter().find(|environment| environment.key() == key).ok_or_else(|| {
        CliError::new(
            Exit::Error,
            format!("the environment {key} of release {} does not exist", release.key()),
        )
    })?;
    let act = with(release, environment)?;
    submit(&session, (release, environment), kind, (act, how)).await
}

/// Confirms, sends, and tells what became of it.
pub(super) async fn submit(
    session: &Session,
    (release, environment): (&Release, &Environment),
    kind: ActionKind,
    (act, how): (intent::Act, &How),
) -> Result<Exit, CliError> {
    let nonce = nonce(how.request_id.as_ref());
    let action = intent::action(release, environment, kind, session.author(), (&act, &nonce))?;
    let what =
        format!("{kind} release {} ({} into {})", release.key(), release.spec.version, environment.key());
    let confirmation = action_rule::confirmation(kind, act.parameters.as_ref(), Some(release));
    send(session, (environment, confirmation), &action, (&what, how)).await
}

/// Asks for what is demanded, sends, and tells what became of it.
pub(super) async fn send(
    session: &Session,
    (environment, confirmation): (&Environment, Confirmation),
    action: &ReleaseAction,
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
