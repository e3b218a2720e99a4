//! Whether the Secrets that an environment names permit how it uses them: a condition, and an Event when it becomes false.

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::join_all;

use super::super::context::Context;
use super::super::metadata::namespace;
use super::super::secret_cache::Answer;
use crate::api::Environment;
use crate::api::condition::{Condition, ConditionStatus};
use crate::api::environment::EnvironmentStatus;
use crate::cluster::secret::{SecretError, inspect};
use crate::domain::secret_use::{CONDITION, SecretUse};
use crate::domain::timeline;
use crate::{gate, notify};

/// How long the API server may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Brings the condition up to date. What an Event should say, where it has just become false or means something else.
pub(super) async fn judge(
    environment: &Environment,
    context: &Context,
    status: &mut EnvironmentStatus,
) -> Option<String> {
    let uses: std::collections::BTreeSet<SecretUse> =
        notify::secret_uses(environment).chain(gate::secret_uses(environment)).collect();
    let before = status.conditions.iter().position(|condition| condition.type_ == CONDITION);
    let before = before.map(|at| status.conditions.remove(at));
    if uses.is_empty() {
        return None;
    }
    let answers = join_all(uses.into_iter().map(|wanted| ask(environment, context, wanted))).await;
    if answers.iter().any(|answer| answer.as_ref().is_err_and(SecretError::is_transient)) {
        // nothing new is known
        status.conditions.extend(before);
        return None;
    }
    let condition = condition(&answers, before.as_ref(), (environment, context.core.clock.now()));
    let is_news = condition.status == ConditionStatus::False
        && before.is_none_or(|before| before.message != condition.message);
    let news = is_news.then(|| condition.message.clone());
    status.conditions.push(condition);
    news
}

async fn ask(environment: &Environment, context: &Context, wanted: SecretUse) -> Answer {
    let (namespace, now) = (namespace(environment), context.core.clock.now());
    if let Some(answer) = context.memory.secrets.get(namespace, &wanted, now) {
        return answer;
    }
    let secret = &wanted.secret;
    let asked = inspect(&context.core.client, namespace, &wanted);
    let late = |_| Err(SecretError::Unanswered { name: secret.clone(), why: "no answer in time".to_owned() });
    let answer = tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(late);
    context.memory.secrets.keep(namespace, wanted, now, answer.clone());
    answer
}

fn condition(
    answers: &[Answer],
    before: Option<&Condition>,
    (environment, now): (&Environment, DateTime<Utc>),
) -> Condition {
    let wrong: Vec<&SecretError> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
    let (status, reason, message) = match wrong.first() {
        None => (ConditionStatus::True, "Permitted", "every Secret permits how it is used".to_owned()),
        Some(first) => {
            let reason = match first {
                SecretError::Unmarked(_) => "NotMarked",
                _ => "NotReadable",
            };
            let sentences: Vec<String> = wrong.iter().map(ToString::to_string).collect();
            (ConditionStatus::False, reason, timeline::cut(sentences.join("; "), 1024))
        }
    };
    let same = before.filter(|before| before.status == status);
    Condition {
        type_: CONDITION.to_owned(),
        status,
        reason: reason.to_owned(),
        message,
        last_transition_time: same.map_or(now, |before| before.last_transition_time),
        observed_generation: environment.metadata.generation,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::{at, environment};
    use crate::domain::secret_use::permit;
    use std::collections::BTreeMap;

    #[test]
    fn the_condition_gives_the_command_and_keeps_its_time() {
        let wanted = SecretUse {
            secret: "channels".into(),
            kind: "pagerduty".into(),
            host: Some("events.pagerduty.com".into()),
        };
        let unmarked = permit("prod", &BTreeMap::new(), &wanted).unwrap_err();
        let wrong = condition(&[Ok(()), Err(unmarked.into())], None, (&environment(), at(0)));
        assert_eq!((wrong.status, wrong.reason.as_str()), (ConditionStatus::False, "NotMarked"));
        assert!(
            wrong.message.contains(
                "kubectl -n prod annotate --overwrite secret channels release-cockpit.dev/use=pagerduty \
                 release-cockpit.dev/host=events.pagerduty.com"
            ),
            "{}",
            wrong.message
        );
        let later =
            condition(&[Err(SecretError::Missing("x".into()))], Some(&wrong), (&environment(), at(9)));
        assert_eq!((later.reason.as_str(), later.last_transition_time), ("NotReadable", at(0)));
        let well = condition(&[Ok(())], Some(&wrong), (&environment(), at(9)));
        assert_eq!((well.status, well.last_transition_time), (ConditionStatus::True, at(9)));
    }
}
