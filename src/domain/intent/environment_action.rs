//! Actions on an environment, and what any action must be done with.

use super::name::{object_name, short_hash};
use super::{Act, Author, IntentError, check_reason};
use crate::api::release_action::{Parameters, ReleaseActionSpec};
use crate::api::{ActionKind, Environment, ReleaseAction};
use crate::domain::gate::force;

/// An action on an environment: it names no release.
pub(crate) fn environment_action(
    environment: &Environment,
    kind: ActionKind,
    author: Author<'_>,
    (act, nonce): (&Act, &str),
) -> Result<ReleaseAction, IntentError> {
    check(kind, act)?;
    let name = environment.metadata.name.clone().unwrap_or_default();
    let with = serde_json::to_string(&act.parameters).unwrap_or_default();
    let hash = short_hash(&[&environment.key().to_string(), kind.as_str(), &with, author.user, nonce]);
    let mut action = ReleaseAction::new(
        &object_name(&name, &kind.as_str().to_ascii_lowercase(), &hash),
        ReleaseActionSpec {
            environment: name,
            release: None,
            action: kind,
            parameters: act.sent_parameters(),
            expected: None,
            actor: author.user.to_owned(),
            slots: None,
            reason: act.reason.clone(),
            evidence: act.evidence.clone(),
        },
    );
    action.metadata.namespace.clone_from(&environment.metadata.namespace);
    Ok(action)
}

/// Whether what is said suffices for this kind of action, whatever it is meant for.
pub(crate) fn check(kind: ActionKind, act: &Act) -> Result<(), IntentError> {
    check_reason(kind, act.reason.as_deref())?;
    check_parameters(kind, act.parameters.as_ref())
}

/// Whether everything is given that the API server demands of this kind of action.
fn check_parameters(kind: ActionKind, given: Option<&Parameters>) -> Result<(), IntentError> {
    let nothing = Parameters::default();
    let given = given.unwrap_or(&nothing);
    let missing = match kind {
        ActionKind::SetWeight if given.weight.is_none() => "a weight",
        ActionKind::Check if given.item.is_none() => "an item of the checklist",
        ActionKind::Deny | ActionKind::Allow if !given.digest.as_deref().is_some_and(is_digest) => {
            "a digest: sha256: and 64 hexadecimal digits"
        }
        ActionKind::Scale | ActionKind::Restart if given.component.is_none() => "a component",
        ActionKind::Override if given.gate.is_none() => "a gate",
        ActionKind::Override if !given.gate.as_deref().is_some_and(force::may_be_forced) => {
            return Err(IntentError::NeverForced(given.gate.clone().unwrap_or_default()));
        }
        ActionKind::Override if given.incident.is_none() => "an incident",
        ActionKind::Override | ActionKind::Drive if given.until.is_none() => "a time at which it ends",
        ActionKind::Review if given.debt.is_none() => "a debt",
        _ => return Ok(()),
    };
    Err(IntentError::ParameterMissing { action: kind.as_str().to_ascii_lowercase(), parameter: missing })
}

/// `sha256:` and 64 hexadecimal digits in lower case.
#[must_use]
pub(crate) fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|hex| {
        hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::environment::InFlight;

    fn environment() -> Environment {
        serde_json::from_value(serde_json::json!({
            "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Environment",
            "metadata": {"name": "production", "namespace": "shop"},
            "spec": {"application": "shop", "tier": "production", "components": []}
        }))
        .unwrap()
    }

    fn built(
        kind: ActionKind,
        parameters: Option<Parameters>,
        reason: &str,
    ) -> Result<ReleaseAction, IntentError> {
        let act = Act { parameters, reason: Some(reason.to_owned()), evidence: None };
        environment_action(&environment(), kind, Author { user: "alice", groups: &[] }, (&act, "1"))
    }

    #[test]
    fn it_names_the_environment_and_no_release() {
        let until = chrono::DateTime::from_timestamp_millis(5_750);
        let parameters = Parameters { in_flight: Some(InFlight::Hold), until, ..Parameters::default() };
        let action = built(ActionKind::Freeze, Some(parameters), "INC-1").unwrap();
        let spec = &action.spec;
        assert_eq!(spec.parameters.as_ref().unwrap().until, chrono::DateTime::from_timestamp(5, 0));
        assert_eq!((spec.environment.as_str(), spec.actor.as_str()), ("production", "alice"));
        assert_eq!((spec.release.is_none(), spec.expected.is_none()), (true, true));
        assert_eq!(action.metadata.namespace.as_deref(), Some("shop"));
        assert!(action.metadata.name.as_deref().unwrap().starts_with("production-freeze-"));
        let other = built(ActionKind::Freeze, None, "INC-1").unwrap();
        assert_ne!(action.metadata.name, other.metadata.name, "another intent has another name");
    }

    #[test]
    fn what_is_missing_is_named() {
        let with = |change: fn(&mut Parameters)| {
            let mut parameters = Parameters::default();
            change(&mut parameters);
            Some(parameters)
        };
        let good = format!("sha256:{}", "0a".repeat(32));
        for (kind, parameters, reason, expected) in [
            (ActionKind::Freeze, None, "x", "freeze needs a reason of at least 3 characters"),
            (ActionKind::AbortAll, None, "  ", "stop everything needs a reason of at least 3 characters"),
            (ActionKind::Scale, None, "", "scale needs a component"),
            (ActionKind::Review, None, "looked", "review needs a debt"),
            (
                ActionKind::Deny,
                with(|p| p.digest = Some("sha256:abc".into())),
                "bad",
                "deny needs a digest: sha256: and 64 hexadecimal digits",
            ),
        ] {
            assert_eq!(built(kind, parameters, reason).unwrap_err().to_string(), expected);
        }
        let parameters = Parameters { digest: Some(good), ..Parameters::default() };
        assert!(built(ActionKind::Deny, Some(parameters), "loses data").is_ok());
        for (change, missing) in [
            ((|_| {}) as fn(&mut Parameters), "a gate"),
            (|p: &mut Parameters| p.gate = Some("approval".into()), "an incident"),
        ] {
            let error = check_parameters(ActionKind::Override, with(change).as_ref()).unwrap_err();
            assert_eq!(error.to_string(), format!("override needs {missing}"));
        }
        for (gate, forced) in [("windows", true), ("lane", false), ("policies", false)] {
            let given = Parameters {
                gate: Some(gate.into()),
                incident: Some("INC-1".into()),
                until: Some(chrono::DateTime::UNIX_EPOCH),
                ..Parameters::default()
            };
            let checked = check_parameters(ActionKind::Override, Some(&given));
            let never = IntentError::NeverForced(gate.to_owned());
            assert_eq!(checked, if forced { Ok(()) } else { Err(never) });
        }
    }
}
