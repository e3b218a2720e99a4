use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::api::environment::{InFlight, OnFailure, Tier};
use crate::api::release::Phase;
use crate::api::release_action::{ActionKind, ActionResult};
use crate::api::{Environment, Release, ReleaseAction};

fn environment(changes: impl FnOnce(&mut Value)) -> Value {
    let mut object = json!({
        "apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Environment",
        "metadata": {"name": "production", "namespace": "shop", "uid": "u1"},
        "spec": {"application": "shop", "tier": "staging", "components": [{
            "name": "backend", "workload": {"kind": "Deployment", "name": "backend"}, "container": "app", "image": "ghcr.io/x/backend",
        }]},
        "status": {"frozen": {"by": "erin", "reason": "fire", "inFlight": "Finish"}},
    });
    changes(&mut object);
    object
}

fn release(changes: impl FnOnce(&mut Value)) -> Value {
    let mut object = json!({
        "metadata": {"name": "r1", "namespace": "shop", "uid": "u2"},
        "spec": {"environment": "production", "version": "v1", "kind": "Deploy", "requestedBy": "alice",
            "images": [{"component": "backend", "image": "ghcr.io/x/backend:v1"}]},
        "status": {"phase": "Progressing"},
    });
    changes(&mut object);
    object
}

fn action(changes: impl FnOnce(&mut Value)) -> Value {
    let mut object = json!({
        "metadata": {"name": "a1", "namespace": "shop", "uid": "u3"},
        "spec": {"environment": "production", "action": "Freeze", "actor": "erin", "reason": "fire"},
    });
    changes(&mut object);
    object
}

fn read<K: Resource + DeserializeOwned + 'static>(object: &Value) -> K {
    match Stored::decode(&object.to_string()) {
        Stored::Readable(object) => object,
        Stored::Unreadable(unreadable) => panic!("{unreadable:?}"),
    }
}

#[test]
fn an_object_that_fits_carries_no_mark_even_where_somebody_wrote_one() {
    let forged =
        environment(|object| object["metadata"]["annotations"] = json!({(UNKNOWN_PARTS): "[]", "a": "b"}));
    let read: Environment = read(&forged);
    assert!(is_understood(&read));
    assert_eq!(read.metadata.annotations.unwrap().len(), 1);
    let odd = environment(|object| {
        object["metadata"]["annotations"] = json!({(UNKNOWN_PARTS): "[]"});
        object["spec"]["onFailure"] = json!("retry");
    });
    assert_eq!(unknown(&self::read::<Environment>(&odd)).unwrap(), "spec.onFailure: retry");
}

#[rstest]
#[case::enum_value("/spec/onFailure", json!("retry"), "spec.onFailure: retry")]
#[case::tier("/spec/tier", json!("sandbox"), "spec.tier: sandbox")]
#[case::duration("/spec/bake", json!("99999999999999999999d"), "spec.bake: 99999999999999999999d")]
#[case::too_long("/spec/retention", json!("100000000d"), "spec.retention: 100000000d")]
#[case::strategy("/spec/strategy", json!({"ring": {}}), "spec.strategy: unknown variant `ring`, expected one of `rolling`, `canary`, `blueGreen`")]
#[case::list("/spec/allowedStrategies", json!(["canary", "ring"]), "spec.allowedStrategies[1]: ring")]
#[case::date("/status/frozen/at", json!("2027-01-15T08:00:00+99:99"), "status.frozen.at: 2027-01-15T08:00:00+99:99")]
#[case::number("/spec/components/0/wave", json!(99_999_999_999_i64), "spec.components[0].wave: 99999999999")]
fn what_is_not_understood_is_left_out_and_named(#[case] at: &str, #[case] value: Value, #[case] named: &str) {
    let object = environment(|object| {
        let (parent, key) = at.rsplit_once('/').unwrap();
        object.pointer_mut(parent).unwrap()[key] = value;
    });
    let found: Environment = read(&object);
    let shown = unknown(&found).unwrap();
    assert!(shown.starts_with(&named[..named.len().min(80)]), "{shown}");
    assert_eq!(found.key().to_string(), "shop/production");
    assert!(found.status.unwrap().frozen.is_some(), "what can be read stays in force");
}

#[test]
fn nothing_is_misread_as_harmless() {
    let odd: Environment = read(&environment(|object| {
        object["spec"]["tier"] = json!("sandbox");
        object["status"]["frozen"]["inFlight"] = json!("Drain");
    }));
    assert_eq!(odd.spec.tier, Tier::Production);
    assert_eq!(odd.status.as_ref().unwrap().frozen.as_ref().unwrap().in_flight, InFlight::Hold);
    assert_eq!(odd.spec.on_failure, OnFailure::Rollback);
    assert!(!is_status_understood(&odd));
    let odd: Release = read(&release(|object| object["status"]["phase"] = json!("Draining")));
    assert_eq!(odd.phase(), Phase::Unknown);
    assert!(!odd.phase().is_final() && odd.phase().holds_lane());
    let odd: Release = read(&release(|object| object["status"] = json!("text")));
    assert_eq!(odd.phase(), Phase::Unknown);
    let odd: ReleaseAction = read(&action(|object| object["spec"]["action"] = json!("Teleport")));
    assert_eq!(odd.spec.action, ActionKind::Unknown);
    assert_eq!(unknown(&odd).unwrap(), "spec.action: Teleport");
    let judged: ReleaseAction = read(&action(|object| object["status"] = json!({"result": "Deferred"})));
    assert_eq!(judged.status.unwrap().result, Some(ActionResult::Refused), "it is not judged again");
}

#[rstest]
#[case(json!(7))]
#[case(json!({}))]
#[case(json!({"application": 7, "tier": [], "components": {"a": 1}}))]
#[case(json!({"application": "shop", "tier": "production", "components": [{"name": 7}, "x", null]}))]
fn an_environment_keeps_its_name_whatever_its_spec_is(#[case] spec: Value) {
    let odd: Environment = read(&environment(|object| object["spec"] = spec));
    assert_eq!(odd.key().to_string(), "shop/production");
    assert!(odd.spec.components.is_empty());
    assert!(unknown(&odd).unwrap().contains("spec"));
}

#[test]
fn a_record_without_a_spec_keeps_its_environment() {
    let odd: Release = read(&release(|object| object["spec"]["images"] = json!(7)));
    assert_eq!(odd.environment_key().to_string(), "shop/production");
    let odd: ReleaseAction = read(&action(|object| object["spec"]["actor"] = json!(7)));
    assert_eq!((odd.spec.environment.as_str(), odd.spec.action), ("production", ActionKind::Unknown));
}

#[test]
fn null_is_absent_everywhere() {
    let odd: Environment = read(&environment(|object| {
        object["spec"]["windows"] = Value::Null;
        object["spec"]["contacts"] = Value::Null;
        object["spec"]["gates"] = json!({"health": null, "smoke": [null]});
        object["status"]["conditions"] = Value::Null;
    }));
    assert!(is_understood(&odd));
    assert!(odd.spec.windows.is_empty() && odd.spec.gates.unwrap().smoke.is_empty());
}

#[test]
fn an_object_of_another_kind_is_readable_or_not() {
    use k8s_openapi::api::core::v1::Pod;
    let text = r#"{"metadata": {"name": "a", "namespace": "b", "uid": "c", "resourceVersion": "7"}, "spec": {"containers": "x"}}"#;
    let Stored::Unreadable(found) = Stored::<Pod>::decode(text) else { panic!("readable") };
    assert_eq!(
        (found.meta().name.as_deref(), found.meta().resource_version.as_deref()),
        (Some("a"), Some("7"))
    );
    assert!(found.reason.starts_with("spec.containers: invalid type: string"), "{}", found.reason);
}

#[test]
fn one_item_never_takes_the_list_with_it() {
    use kube::core::ObjectList;
    let deep = format!("{}{}", "[".repeat(4000), "]".repeat(4000));
    let fine = environment(|_| {}).to_string();
    let list = format!(
        r#"{{"kind": "EnvironmentList", "apiVersion": "v1", "metadata": {{}}, "items": [{fine}, 7, {{"metadata": {{"name": "deep"}}, "spec": {deep}}}, {fine}]}}"#
    );
    let list: ObjectList<Stored<Environment>> = serde_json::from_str(&list).unwrap();
    let kinds: Vec<bool> = list.items.iter().map(|item| matches!(item, Stored::Readable(_))).collect();
    assert_eq!(kinds, [true, false, false, true]);
    assert_eq!(list.items[2].meta().name.as_deref(), Some("deep"));
}

#[test]
fn reasons_are_bounded_and_on_one_line() {
    let odd: Environment =
        read(&environment(|object| object["spec"]["onFailure"] = json!("a\u{1b}[31m\n".repeat(500))));
    let shown = unknown(&odd).unwrap();
    assert!(shown.len() < 200 && !shown.chars().any(char::is_control), "{shown}");
    let many: Environment =
        read(&environment(|object| object["spec"]["allowedStrategies"] = json!(vec!["x"; 40])));
    assert!(unknown(&many).unwrap().ends_with(" and 13 more"));
}

#[test]
fn a_seal_covers_the_spec_as_it_is_stored() {
    use crate::domain::audit::Record;
    let odd = action(|object| {
        object["spec"]["action"] = json!("Teleport");
        object["spec"]["whereTo"] = json!("Mars");
    });
    let record = Record::of_action(&read(&odd));
    assert_eq!(record.spec, odd["spec"]);
    let fine = action(|_| {});
    assert_eq!(Record::of_action(&read(&fine)).spec, fine["spec"]);
}
