use super::*;

/// Everything as it must be.
struct World {
    policies: Listed<ValidatingAdmissionPolicy>,
    bindings: Listed<ValidatingAdmissionPolicyBinding>,
    probes: Vec<Probe>,
    account: &'static str,
}

fn refused(by: &str, code: &str) -> Answer {
    Answer::Refused { policy: by.into(), code: code.into() }
}

impl World {
    fn new() -> Self {
        let shipped = Shipped::read();
        let probe = |policy, what| Probe { policy, what, answer: refused(policy, "IdentityMismatch") };
        Self {
            policies: Listed::Found(shipped.policies),
            bindings: Listed::Found(shipped.bindings),
            probes: vec![
                probe("release-cockpit-release", "a release"),
                probe("release-cockpit-action", "an action"),
            ],
            account: CONTROLLER_USER,
        }
    }

    fn policy(&mut self, name: &str) -> &mut ValidatingAdmissionPolicySpec {
        let Listed::Found(found) = &mut self.policies else { unreachable!() };
        let found = found.iter_mut().find(|policy| policy.metadata.name.as_deref() == Some(name));
        found.unwrap().spec.as_mut().unwrap()
    }

    fn binding(&mut self, name: &str) -> &mut ValidatingAdmissionPolicyBindingSpec {
        let Listed::Found(found) = &mut self.bindings else { unreachable!() };
        let found = found.iter_mut().find(|binding| binding.metadata.name.as_deref() == Some(name));
        &mut found.unwrap().spec
    }

    /// Puts another ServiceAccount in the place of the controller's, in every policy.
    fn exempt(&mut self, account: &str) {
        let Listed::Found(found) = &mut self.policies else { unreachable!() };
        let other = format!("'system:serviceaccount:{account}'");
        for spec in found.iter_mut().filter_map(|policy| policy.spec.as_mut()) {
            let conditions = spec.match_conditions.iter_mut().flatten().map(|one| &mut one.expression);
            let validations = spec.validations.iter_mut().flatten().map(|one| &mut one.expression);
            for expression in conditions.chain(validations) {
                *expression = expression.replace(&format!("'{CONTROLLER_USER}'"), &other);
            }
        }
    }

    fn verdict(&self) -> Verdict {
        let (policies, bindings) = (&self.policies, &self.bindings);
        let seen =
            Seen { policies, bindings, probes: &self.probes, namespace: "shop", account: self.account };
        judge(&Shipped::read(), &seen)
    }
}

#[test]
fn they_count_from_the_last_change_of_any_of_them() {
    use crate::domain::fixtures::at;
    let mut world = World::new();
    assert_eq!(world.verdict().since, None);
    let time = |secs| Some(crate::api::time::to_time(at(secs)));
    let Listed::Found(policies) = &mut world.policies else { unreachable!() };
    policies[0].metadata.creation_timestamp = time(10);
    let entry = |time, subresource: Option<&str>| {
        k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry {
            time,
            subresource: subresource.map(Into::into),
            ..Default::default()
        }
    };
    policies[1].metadata.managed_fields = Some(vec![entry(time(20), None), entry(time(90), Some("status"))]);
    assert_eq!(world.verdict().since, Some(at(20) + HEEDED_WITHIN));
    let Listed::Found(bindings) = &mut world.bindings else { unreachable!() };
    bindings[0].metadata.creation_timestamp = time(30);
    assert_eq!(world.verdict().since, Some(at(30) + HEEDED_WITHIN));
    world.bindings = Listed::Closed("forbidden");
    assert_eq!(world.verdict().since, None);
}

#[test]
fn the_manifest_is_understood_in_whole() {
    let shipped = Shipped::read();
    let names: Vec<_> =
        shipped.policies.iter().filter_map(|policy| policy.metadata.name.as_deref()).collect();
    assert_eq!(names.len(), MANIFEST.matches("\nkind: ValidatingAdmissionPolicy\n").count());
    assert_eq!(shipped.bindings.len(), names.len());
    for name in [
        "release",
        "action",
        "release-environment",
        "action-environment",
        "environment-exists",
        "action-environment-exists",
        "status",
        "records",
    ] {
        assert!(names.contains(&format!("release-cockpit-{name}").as_str()), "{name}: {names:?}");
    }
}

/// What is done to a world in which everything is as it must be, and what must be said of it then.
type Case = (&'static str, fn(&mut World), ConditionStatus, &'static str, &'static str);

#[test]
#[allow(clippy::too_many_lines, reason = "one table")]
fn whatever_is_wrong_is_named_with_its_remedy() {
    use ConditionStatus::{False, True, Unknown};
    let cases: &[Case] = &[
        ("all is well", |_| {}, True, "Enforced", "refused"),
        (
            "installed into another namespace",
            |world| {
                world.exempt("tools:controller");
                world.account = "system:serviceaccount:tools:controller";
            },
            True,
            "Enforced",
            "",
        ),
        (
            "another controller's account is exempt",
            |world| world.exempt("tools:controller"),
            False,
            "NotEnforced",
            "release-cockpit-",
        ),
        (
            "an account that only begins like the controller's is exempt",
            |world| world.exempt("release-cockpit:controller-2"),
            False,
            "NotEnforced",
            "release-cockpit-",
        ),
        (
            "nothing is installed",
            |world| world.policies = Listed::Found(vec![]),
            False,
            "PoliciesMissing",
            "release-cockpit-records",
        ),
        (
            "one policy is missing",
            |world| {
                let Listed::Found(found) = &mut world.policies else { unreachable!() };
                found.retain(|policy| policy.metadata.name.as_deref() != Some("release-cockpit-status"));
            },
            False,
            "PoliciesMissing",
            "not installed: ValidatingAdmissionPolicy release-cockpit-status:",
        ),
        (
            "one is not bound",
            |world| world.binding("release-cockpit-action").policy_name = "other".into(),
            False,
            "PoliciesMissing",
            "not bound: ValidatingAdmissionPolicy release-cockpit-action:",
        ),
        (
            "one only warns",
            |world| world.binding("release-cockpit-release").validation_actions = vec!["Warn".into()],
            False,
            "NotDenying",
            "release-cockpit-release",
        ),
        (
            "one binds in chosen namespaces only",
            |world| {
                let labels = [("a".to_owned(), "b".to_owned())].into();
                let selector = LabelSelector { match_labels: Some(labels), ..LabelSelector::default() };
                let narrowed =
                    MatchResources { namespace_selector: Some(selector), ..MatchResources::default() };
                world.binding("release-cockpit-records").match_resources = Some(narrowed);
            },
            False,
            "NotDenying",
            "release-cockpit-records",
        ),
        (
            "one lets pass where there is no Environment",
            |world| {
                let binding = world.binding("release-cockpit-environment-exists");
                binding.param_ref.as_mut().unwrap().parameter_not_found_action = Some("Allow".into());
            },
            False,
            "NotDenying",
            "environment-exists",
        ),
        (
            "one ignores its own failures",
            |world| world.policy("release-cockpit-records").failure_policy = Some("Ignore".into()),
            False,
            "NotEnforced",
            "release-cockpit-records",
        ),
        (
            "one lost its validation",
            |world| {
                let spec = world.policy("release-cockpit-status");
                spec.validations.as_mut().unwrap()[0].expression = "true".into();
            },
            False,
            "NotEnforced",
            "release-cockpit-status",
        ),
        (
            "one got an exception",
            |world| {
                let spec = world.policy("release-cockpit-release");
                let condition =
                    serde_json::json!({"name": "x", "expression": "request.userInfo.username != 'eve'"});
                spec.match_conditions
                    .get_or_insert_default()
                    .push(serde_json::from_value(condition).unwrap());
            },
            False,
            "NotEnforced",
            "release-cockpit-release",
        ),
        (
            "a forged release is taken",
            |world| world.probes[0].answer = Answer::Accepted,
            False,
            "NotEnforced",
            "a release in another's name",
        ),
        (
            "a forged action is taken",
            |world| world.probes[1].answer = Answer::Accepted,
            False,
            "NotEnforced",
            "an action in another's name",
        ),
        (
            "another policy of ours refuses first",
            |world| world.probes[0].answer = refused("release-cockpit-release-environment", "VersionRefused"),
            True,
            "Enforced",
            "",
        ),
        (
            "a stranger's policy refuses first",
            |world| world.probes[0].answer = refused("strict", ""),
            Unknown,
            "NotJudged",
            "not by the policies",
        ),
        (
            "the objects cannot be read",
            |world| world.policies = Listed::Closed("forbidden"),
            True,
            "Enforced",
            "cannot be read here (forbidden)",
        ),
        (
            "the objects cannot be read, and another policy refuses first",
            |world| {
                world.policies = Listed::Closed("forbidden");
                world.probes[0].answer = refused("release-cockpit-release-environment", "VersionRefused");
            },
            Unknown,
            "NotJudged",
            "",
        ),
        (
            "no permission to try",
            |world| world.probes[1].answer = Answer::Stopped("may not".into()),
            Unknown,
            "NotJudged",
            "manifests rbac",
        ),
        (
            "the server is away",
            |world| world.probes[1].answer = Answer::Lost("refused".into()),
            Unknown,
            "NotAnswered",
            "could not be asked",
        ),
        (
            "the list is cut off",
            |world| world.bindings = Listed::Failed("reset".into()),
            Unknown,
            "NotAnswered",
            "could not be read",
        ),
        ("nothing could be tried", |world| world.probes.clear(), Unknown, "NotJudged", ""),
    ];
    for (name, change, status, reason, words) in cases {
        let mut world = World::new();
        change(&mut world);
        let verdict = world.verdict();
        assert_eq!((verdict.status, verdict.reason), (*status, *reason), "{name}: {}", verdict.message);
        assert!(verdict.message.contains(words), "{name}: {}", verdict.message);
        assert_eq!(verdict.message.contains(REMEDY), verdict.status == False, "{name}: {}", verdict.message);
        assert_eq!(verdict.is_passing, verdict.reason == "NotAnswered", "{name}");
    }
}
