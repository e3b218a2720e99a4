//! Whatever the schemas admit can be decoded, and no decision panics on it.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use proptest::strategy::Union;
use proptest::string::string_regex;
use serde_json::{Map, Value, json};

use super::definitions;
use super::schema::validate;
use crate::api::stored::{self, Stored};
use crate::api::{Environment, Release, ReleaseAction};
use crate::domain::environment_action::{self, Situation};
use crate::domain::health::Answer;
use crate::domain::rollout::{self, Effect};
use crate::domain::{fixtures, window};

/// The schema of the spec and of the status of a kind.
fn schemas(plural: &str) -> (Value, Value) {
    let all = definitions::all();
    let found = all.iter().find(|found| found.crd["spec"]["names"]["plural"] == plural).unwrap();
    (found.schema["properties"]["spec"].clone(), found.schema["properties"]["status"].clone())
}

fn whole(schema: &Value, name: &str) -> Option<u64> {
    schema.get(name).and_then(Value::as_u64)
}

/// Values of that schema, nearly always valid ones; `validate` has the last word.
fn values(schema: &Value) -> BoxedStrategy<Value> {
    if let Some(all) = schema.get("enum").and_then(Value::as_array) {
        let all: Vec<Value> = all.iter().filter(|value| !value.is_null()).cloned().collect();
        return prop::sample::select(all).boxed();
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("object") => objects(schema),
        Some("array") => {
            let (least, most) =
                (whole(schema, "minItems").unwrap_or(0), whole(schema, "maxItems").unwrap_or(3));
            let most = usize::try_from(most.min(least.max(2))).unwrap();
            let items = values(&schema["items"]);
            prop::collection::vec(items, usize::try_from(least).unwrap()..=most).prop_map(Value::from).boxed()
        }
        Some("boolean") => any::<bool>().prop_map(Value::from).boxed(),
        Some("integer") => integers(schema),
        Some("number") => numbers(schema),
        Some("string") => texts(schema),
        _ => Just(json!({})).boxed(),
    }
}

fn objects(schema: &Value) -> BoxedStrategy<Value> {
    if let Some(inner) = schema.get("additionalProperties").filter(|inner| inner.is_object()) {
        let entries = prop::collection::btree_map("[a-zA-Z]{1,12}", values(inner), 0..3);
        return entries.prop_map(|map| Value::Object(map.into_iter().collect::<Map<_, _>>())).boxed();
    }
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    // exactly one of several settings, as enums with content are written
    let one_of = schema.get("oneOf").and_then(Value::as_array).map(|all| {
        let names = all.iter().filter_map(|one| one["required"][0].as_str().map(str::to_owned));
        names.collect::<Vec<_>>()
    });
    let fields = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    let fields: Vec<(String, bool, BoxedStrategy<Value>)> = fields
        .map(|(name, inner)| (name.clone(), required.contains(&name.as_str()), values(inner)))
        .collect();
    if let Some(names) = one_of.filter(|names| !names.is_empty()) {
        let chosen = fields.into_iter().filter(|(name, ..)| names.contains(name));
        let alternatives = chosen
            .map(|(name, _, value)| value.prop_map(move |value| json!({(name.clone()): value})).boxed());
        return Union::new(alternatives).boxed();
    }
    let fields: Vec<_> = fields
        .into_iter()
        .map(|(name, needed, value)| {
            let present = if needed { Just(true).boxed() } else { prop::bool::weighted(0.4).boxed() };
            (present, value).prop_map(move |(present, value)| present.then(|| (name.clone(), value)))
        })
        .collect();
    fields.prop_map(|fields| Value::Object(fields.into_iter().flatten().collect())).boxed()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a schema writes bounds with a point, and they are small"
)]
fn integers(schema: &Value) -> BoxedStrategy<Value> {
    let (lowest, highest) = match schema.get("format").and_then(Value::as_str) {
        Some("int32") => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::MIN, i64::MAX),
    };
    let bound = |name: &str, otherwise: i64| {
        schema.get(name).and_then(Value::as_f64).map_or(otherwise, |bound| bound as i64)
    };
    let (least, most) = (bound("minimum", lowest), bound("maximum", highest));
    prop_oneof![Just(least), Just(most), least..=most].prop_map(Value::from).boxed()
}

fn numbers(schema: &Value) -> BoxedStrategy<Value> {
    let bound = |name: &str, otherwise: f64| schema.get(name).and_then(Value::as_f64).unwrap_or(otherwise);
    let (least, most) = (bound("minimum", f64::MIN), bound("maximum", f64::MAX));
    prop_oneof![
        Just(least),
        Just(most),
        Just(0.0_f64.clamp(least, most)),
        (0.0..=1.0).prop_map(move |share: f64| { least + (most / 2.0 - least / 2.0) * share })
    ]
    .prop_map(Value::from)
    .boxed()
}

fn texts(schema: &Value) -> BoxedStrategy<Value> {
    if let Some(pattern) = schema.get("pattern").and_then(Value::as_str) {
        let bare = pattern.strip_prefix('^').unwrap_or(pattern);
        let bare = bare.strip_suffix('$').unwrap_or(bare);
        return string_regex(bare)
            .unwrap_or_else(|error| panic!("{pattern}: {error}"))
            .prop_map(Value::from)
            .boxed();
    }
    let least = whole(schema, "minLength").unwrap_or(0);
    let most = whole(schema, "maxLength").unwrap_or(24).min(least.max(24));
    let words = string_regex(&format!("[ -~äß€😀]{{{least},{most}}}")).unwrap();
    // texts that mean something somewhere
    let known = prop::sample::select(vec![
        "* * * * *",
        "0 9 * * 1-5",
        "Europe/Berlin",
        "> 0.1",
        "value > 1.0",
        "production",
        "rolling",
        "v1.2.3",
        "backend",
        "errors",
        "http://x/",
        "service://a:80/",
        ".*",
        "[",
        "99999999999999999999",
        "5%",
        "> 9e300",
    ]);
    prop_oneof![words, known.prop_map(str::to_owned)].prop_map(Value::from).boxed()
}

fn admitted(schema: &Value) -> impl Strategy<Value = Value> + use<> {
    let checked = schema.clone();
    values(schema).prop_filter("the schema does not admit it", move |value| {
        let mut causes = Vec::new();
        validate(&checked, value, None, "", &mut causes);
        causes.is_empty()
    })
}

/// An object of a kind in the namespace of the fixtures, decoded as from the wire.
fn decoded<K>(plural: &str, name: &str, spec: &Value, status: Option<&Value>) -> Result<K, TestCaseError>
where
    K: kube::Resource + serde::de::DeserializeOwned + 'static,
{
    let mut object = json!({
        "metadata": {
            "name": name, "namespace": fixtures::NAMESPACE, "uid": fixtures::uid(name), "generation": 1,
            "creationTimestamp": "2027-01-15T08:00:00Z",
        },
        "spec": spec,
    });
    if let Some(status) = status {
        object["status"] = status.clone();
    }
    match Stored::<K>::decode(&object.to_string()) {
        Stored::Readable(read) => {
            prop_assert!(
                stored::is_understood(&read),
                "{plural}: {:?} of {object}",
                stored::unknown_parts(&read)
            );
            Ok(read)
        }
        Stored::Unreadable(unreadable) => {
            Err(TestCaseError::fail(format!("{plural}: {unreadable:?} of {object}")))
        }
    }
}

/// Decides again and again, with answers and leaps of time between.
fn decide(mut observed: rollout::Observed, leaps: &[i64]) {
    let mut now: DateTime<Utc> = fixtures::at(0);
    for leap in leaps {
        for _ in 0..4 {
            let decision = rollout::next(&observed, now);
            for effect in &decision.effects {
                if let Effect::Ask { name, .. } = effect {
                    let answer = Answer {
                        at: now,
                        state: crate::api::release::GateState::Pass,
                        detail: String::new(),
                        found: None,
                    };
                    observed.answers.record(name, answer);
                }
            }
            observed.release.status = Some(decision.status);
        }
        now += TimeDelta::seconds(*leap);
    }
}

/// Paths of the objects whose schema lists their fields, where a newer version may add one.
fn places(schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            let listed = schema.get("properties").and_then(Value::as_object);
            let keeps_all = schema["x-kubernetes-preserve-unknown-fields"] == true;
            // of several settings one is chosen by its name: another name is another setting, not another field
            if listed.is_some() && !keeps_all && schema.get("oneOf").is_none() {
                found.push(at.to_owned());
            }
            for (name, value) in fields {
                let inner =
                    listed.and_then(|listed| listed.get(name)).unwrap_or(&schema["additionalProperties"]);
                places(inner, value, &format!("{at}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                places(&schema["items"], item, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// Adds a field at each path in turn; each must be reported as unknown.
fn notices_newer_fields<K>(plural: &str, spec: &Value) -> Result<(), TestCaseError>
where
    K: kube::Resource + serde::de::DeserializeOwned + 'static,
{
    let mut all = Vec::new();
    places(&schemas(plural).0, spec, "", &mut all);
    for place in all {
        let mut newer = spec.clone();
        newer.pointer_mut(&place).unwrap()["fromTheFuture"] = json!("soon");
        let object = json!({"metadata": {"name": "a", "namespace": fixtures::NAMESPACE}, "spec": newer});
        let found = Stored::<K>::decode(&object.to_string()).readable();
        let listed = found.map(|found| stored::unknown(&found).unwrap_or_default()).unwrap_or_default();
        prop_assert!(listed.contains("fromTheFuture: soon"), "{plural}{place}: '{listed}'");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { max_global_rejects: 100_000, ..ProptestConfig::default() })]

    #[test]
    fn every_environment_is_decoded_and_decided_on(
        spec in admitted(&schemas("environments").0),
        status in prop::option::of(admitted(&schemas("environments").1)),
        leaps in prop::collection::vec(prop::sample::select(vec![0_i64, 1, 60, 86_400, 315_360_000]), 1..4),
    ) {
        let environment: Environment = decoded("environments", "production", &spec, status.as_ref())?;
        let mut understood = fixtures::environment();
        let components = std::mem::replace(&mut understood.spec, environment.spec.clone()).components;
        understood.spec.components = components;
        understood.status.clone_from(&environment.status);
        for environment in [environment, understood] {
            let _ = window::judge(&environment.spec.windows, fixtures::at(0));
            decide(fixtures::observed(environment), &leaps);
        }
    }

    #[test]
    fn a_field_of_a_newer_version_is_noticed_wherever_it_is(
        environment in admitted(&schemas("environments").0),
        release in admitted(&schemas("releases").0),
        action in admitted(&schemas("releaseactions").0),
    ) {
        notices_newer_fields::<Environment>("environments", &environment)?;
        notices_newer_fields::<Release>("releases", &release)?;
        notices_newer_fields::<ReleaseAction>("releaseactions", &action)?;
    }

    #[test]
    fn every_release_is_decoded_and_decided_on(
        spec in admitted(&schemas("releases").0),
        status in prop::option::of(admitted(&schemas("releases").1)),
        leaps in prop::collection::vec(prop::sample::select(vec![0_i64, 1, 60, 86_400, 315_360_000]), 1..4),
    ) {
        let release: Release = decoded("releases", "planera-2", &spec, status.as_ref())?;
        let mut observed = fixtures::observed(fixtures::guarded());
        let mut near = fixtures::release("v2");
        near.status.clone_from(&release.status);
        observed.others = vec![std::sync::Arc::new(release.clone())];
        for release in [release, near] {
            decide(rollout::Observed { release, ..observed.clone() }, &leaps);
        }
    }

    #[test]
    fn every_action_is_decoded_and_judged(
        spec in admitted(&schemas("releaseactions").0),
        status in prop::option::of(admitted(&schemas("releaseactions").1)),
        environment in admitted(&schemas("environments").1),
    ) {
        let action: ReleaseAction = decoded("releaseactions", "a", &spec, status.as_ref())?;
        let mut about = fixtures::guarded();
        let stored: Environment =
            decoded("environments", "production", &schemas_of_nothing(), Some(&environment))?;
        about.status = stored.status;
        let (workloads, autoscalers) = (fixtures::observed(about.clone()).workloads, std::collections::BTreeMap::new());
        let seen = Situation { environment: &about, workloads: &workloads, autoscalers: &autoscalers, releases: &[] };
        let _ = environment_action::judge(&seen, &action, fixtures::at(10));
        let mut observed = fixtures::observed(about);
        observed.actions = vec![action];
        decide(observed, &[60]);
    }
}

/// The least spec of an Environment.
fn schemas_of_nothing() -> Value {
    json!({"application": "shop", "tier": "production", "components": []})
}

/// Every list, text and map of every schema is bounded, so that no object is larger than an etcd takes, and every instant exists.
#[test]
fn every_schema_is_bounded() {
    fn walk(schema: &Value, path: &str, wrong: &mut Vec<String>) {
        let has = |name: &str| schema.get(name).is_some();
        match schema.get("type").and_then(Value::as_str) {
            Some("array") if !has("maxItems") => wrong.push(format!("{path}: maxItems")),
            Some("string") if schema["format"] == "date-time" && !has("pattern") => {
                wrong.push(format!("{path}: pattern"));
            }
            Some("string") if !has("maxLength") && !has("enum") && !has("format") => {
                wrong.push(format!("{path}: maxLength"));
            }
            Some("object") if schema["additionalProperties"].is_object() && !has("maxProperties") => {
                wrong.push(format!("{path}: maxProperties"));
            }
            _ => {}
        }
        for (name, inner) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            walk(inner, &format!("{path}.{name}"), wrong);
        }
        for inner in [&schema["items"], &schema["additionalProperties"]] {
            if inner.is_object() {
                walk(inner, &format!("{path}[]"), wrong);
            }
        }
    }
    let mut wrong = Vec::new();
    for plural in ["environments", "releases", "releaseactions"] {
        let (spec, status) = schemas(plural);
        walk(&spec, &format!("{plural}.spec"), &mut wrong);
        walk(&status, &format!("{plural}.status"), &mut wrong);
    }
    assert_eq!(wrong, Vec::<String>::new());
}
