use serde_json::{Value, json};

use super::*;
use crate::api::Environment;
use crate::api::config_record::ConfigKind;
use crate::domain::config_drift::ConfigRef;

const SALT: &str = "salt";

fn an_environment(spec: &Value) -> Environment {
    let mut whole = json!({"application": "shop", "tier": "staging", "components": [
        {"name": "api", "workload": {"kind": "Deployment", "name": "api"}, "container": "main", "image": "r/api"}]});
    for (field, value) in spec.as_object().unwrap() {
        whole[field] = value.clone();
    }
    serde_json::from_value(json!({"apiVersion": "release-cockpit.dev/v1alpha1", "kind": "Environment",
        "metadata": {"name": "staging", "namespace": "shop"}, "spec": whole}))
    .unwrap()
}

fn reference(kind: ConfigKind) -> ConfigRef {
    ConfigRef { kind, name: "app".into() }
}

/// An environment of one Deployment with this container.
fn seen(container: &Value) -> Seen {
    let mut main = json!({"name": "main", "image": "r/api:v1"});
    for (field, value) in container.as_object().unwrap() {
        main[field] = value.clone();
    }
    Seen {
        environment: an_environment(&json!({})),
        workloads: vec![Ok(json!({"spec": {"replicas": 2, "template": {"spec": {"containers": [main]}}}}))],
        autoscalers: Ok(Vec::new()),
        ingresses: Ok(Vec::new()),
        routes: Ok(Vec::new()),
        configs: Vec::new(),
    }
}

/// What differs, as `sign section: what = left | right`.
fn told(left: &Seen, right: &Seen) -> Vec<String> {
    let side = |text: Option<String>| text.unwrap_or_else(|| "nothing".to_owned());
    compare(&snapshot(left, SALT), &snapshot(right, SALT))
        .into_iter()
        .filter(|row| row.verdict != Verdict::Same)
        .map(|row| {
            let (left, right) = (side(row.left), side(row.right));
            format!("{} {}: {} = {left} | {right}", row.verdict.sign(), row.section, row.what)
        })
        .collect()
}

/// An environment of two Deployments that take from these ConfigMaps, and what is left of what differs where one is shown alone.
#[test]
fn only_what_is_surely_of_another_component_is_left_out() {
    let side = |version: &str, unread: bool| {
        let mut side = seen(&json!({}));
        side.environment = an_environment(&json!({"application": version, "components": [
            {"name": "api", "workload": {"kind": "Deployment", "name": "api"}, "container": "main", "image": "r/api"},
            {"name": "web", "workload": {"kind": "Deployment", "name": "web"}, "container": "main", "image": "r/web"}]}));
        let workload = |own: &str| {
            let from = |name: &str| json!({"configMapRef": {"name": name}});
            Ok(json!({"spec": {"template": {"spec": {"containers": [
                {"name": "main", "image": format!("r/{own}:{version}"), "envFrom": [from("both"), from(own)]}]}}}}))
        };
        side.workloads =
            vec![workload("api"), if unread { Err("not read".to_owned()) } else { workload("web") }];
        let scaler = |name: &str| json!({"spec": {"scaleTargetRef": {"kind": "Deployment", "name": name}, "maxReplicas": version.len()}});
        side.autoscalers = Ok(vec![scaler("api"), scaler("web")]);
        let map = |name: &str| {
            let reference = ConfigRef { kind: ConfigKind::ConfigMap, name: name.to_owned() };
            let held = content(&reference, &json!({"data": {"KEY": version}}), SALT);
            (reference, held)
        };
        side.configs = vec![map("api"), map("both"), map("nobody"), map("web")];
        snapshot(&side, SALT)
    };
    let told = |unread: bool, component: &str| {
        let (left, right) = (side("v1", unread), side("v2.0", false));
        let mut rows = compare(&left, &right);
        rows.retain(|row| row.verdict != Verdict::Same);
        let all = rows.len();
        let hidden = narrow(&mut rows, [&left, &right], component);
        assert_eq!(rows.len() + hidden.len(), all);
        let section = |row: &Row| match &row.section {
            Section::Autoscalers => row.what.clone(),
            section => section.to_string(),
        };
        rows.iter().map(section).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(
        told(false, "api"),
        "component api, ConfigMap api, ConfigMap both, ConfigMap nobody, api pods, Environment"
    );
    assert_eq!(
        told(false, "web"),
        "component web, ConfigMap both, ConfigMap nobody, ConfigMap web, web pods, Environment"
    );
    // where one workload is not known, it may take from any of them
    assert_eq!(
        told(true, "web"),
        "component web, ConfigMap api, ConfigMap both, ConfigMap nobody, ConfigMap web, web pods, Environment"
    );
}

/// Two containers, and what is told of them.
#[test]
fn each_setting_of_a_container_is_told_by_its_name() {
    let digest = |letter: &str| format!("r/api:v2@sha256:{}", letter.repeat(64));
    for (left, right, expected) in [
        (json!({}), json!({}), vec![]),
        (
            json!({"image": "r/api:v1"}),
            json!({"image": "q/api:v2"}),
            vec!["~ component api: image = r/api | q/api", "~ component api: version = v1 | v2"],
        ),
        (
            json!({"resources": {"requests": {"cpu": "1"}, "limits": {"memory": "1Gi", "cpu": "2"}}}),
            json!({"resources": {"requests": {"cpu": "1000m"}, "limits": {"memory": "512Mi"}}}),
            vec!["- component api: limits cpu = 2 | nothing", "~ component api: limits memory = 1Gi | 512Mi"],
        ),
        (
            json!({"env": [{"name": "LEVEL", "value": "info"}]}),
            json!({"env": [{"name": "LEVEL", "value": "debug"}, {"name": "NEW", "value": "x"}]}),
            vec!["~ component api: env LEVEL = info | debug", "+ component api: env NEW = nothing | x"],
        ),
        (
            json!({"readinessProbe": {"httpGet": {"path": "/health", "port": 8080}}}),
            json!({"readinessProbe": {"httpGet": {"path": "/health", "port": 8080}, "periodSeconds": 5}}),
            vec![
                "~ component api: readinessProbe = http :8080/health every 10s, timeout 1s, fails 3x | http :8080/health every \
                 5s, timeout 1s, fails 3x",
            ],
        ),
    ] {
        assert_eq!(told(&seen(&left), &seen(&right)), expected, "{left} {right}");
    }
    let (a, b) = (digest("a"), digest("b"));
    let rows = told(&seen(&json!({"image": a})), &seen(&json!({"image": b})));
    assert!(rows.len() == 1 && rows[0].starts_with("~ component api: digest = sha256:aaaa"), "{rows:?}");
}

#[test]
fn what_looks_secret_is_told_by_its_hash_alone() {
    let env = |value: &str| json!({"env": [{"name": "API_TOKEN", "value": value}]});
    let rows = told(&seen(&env("hunter2")), &seen(&env("hunter3")));
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    assert!(row.starts_with("~ component api: env API_TOKEN = value (not shown) #"), "{row}");
    assert!(!row.contains("hunter"), "{row}");
    assert!(told(&seen(&env("hunter2")), &seen(&env("hunter2"))).is_empty());
}

fn with_config(kind: ConfigKind, data: &Value) -> Seen {
    let field = if kind == ConfigKind::Secret { "secretKeyRef" } else { "configMapKeyRef" };
    let env = json!({"env": [{"name": "URL", "valueFrom": {field: {"name": "app", "key": "url"}}}]});
    let mut seen = seen(&env);
    let reference = reference(kind);
    let held = content(&reference, &json!({"data": data}), SALT);
    seen.configs = vec![(reference, held)];
    seen
}

#[test]
fn configuration_is_told_key_by_key_and_secrets_by_hash() {
    let config = |value: &str| with_config(ConfigKind::ConfigMap, &json!({"url": value, "same": "1"}));
    assert_eq!(
        told(&config("a"), &config("b")),
        [
            "~ component api: env URL = a from key url of ConfigMap app | b from key url of ConfigMap app",
            "~ ConfigMap app: url = a | b"
        ]
    );
    let secret = |value: &str| with_config(ConfigKind::Secret, &json!({"url": value, "same": "MQ=="}));
    let rows = told(&secret("aHVudGVyMg=="), &secret("aHVudGVyMw=="));
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert!(rows[0].starts_with("~ component api: env URL = #"), "{rows:?}");
    assert!(rows[1].starts_with("~ Secret app: url = #"), "{rows:?}");
    assert!(!format!("{rows:?}").contains("aHVu"), "{rows:?}");
    assert!(told(&secret("aHVudGVyMg=="), &secret("aHVudGVyMg==")).is_empty());
    // another key tells another hash, so that nobody learns it by heart
    let other = snapshot(&secret("aHVudGVyMg=="), "other");
    assert_ne!(snapshot(&secret("aHVudGVyMg=="), SALT), other);
}

/// What could not be read is neither the same nor another: it is said, and hides nothing else.
#[test]
fn what_may_not_be_read_is_said_in_its_place() {
    let left = with_config(ConfigKind::Secret, &json!({"url": "MQ=="}));
    let mut right = with_config(ConfigKind::Secret, &json!({"url": "MQ=="}));
    right.configs[0].1 = Content::Hidden("not read: needs get on secrets/app".into());
    right.ingresses = Err("ingresses: denied".into());
    let rows = told(&left, &right);
    assert_eq!(
        rows,
        [
            "? Secret app: all of it = 1 setting | not read: needs get on secrets/app",
            "? ingresses: all of it = nothing | ingresses: denied"
        ]
    );
    let known = snapshot(&right, SALT);
    assert_eq!(known.hidden().count(), 2);
    right.workloads = vec![Err("deployments: denied".into())];
    assert!(
        told(&left, &right).contains(&"? component api: all of it = 6 settings | deployments: denied".into())
    );
}

#[test]
fn what_one_side_lacks_is_one_row() {
    let mut left = with_config(ConfigKind::ConfigMap, &json!({"url": "a", "b": "c"}));
    let mut right = with_config(ConfigKind::ConfigMap, &json!({"url": "a", "b": "c"}));
    right.configs[0].1 = Content::Absent;
    assert!(told(&left, &right).contains(&"+ ConfigMap app: object = nothing | does not exist".into()));
    right.configs.clear();
    assert!(told(&left, &right).contains(&"- ConfigMap app: all of it = 2 settings | nothing".into()));
    left.environment.spec.components.clear();
    let rows = told(&left, &right);
    assert!(rows[0].starts_with("+ component api: all of it = nothing | "), "{rows:?}");
}

/// What two Environments demand, and what is told of it.
#[test]
fn what_environments_demand_is_told_path_by_path() {
    for (left, right, expected) in [
        (
            json!({"tier": "staging", "strategy": {"rolling": {}}}),
            json!({"tier": "production", "strategy": {"canary": {"steps": [{"setWeight": 10}]}}}),
            vec![
                "~ Environment: strategy = rolling | canary",
                "+ Environment: strategy.canary.steps[1].setWeight = nothing | 10",
                "- Environment: strategy.rolling.pauseBetweenWaves = false | nothing",
                "~ Environment: tier = staging | production",
            ],
        ),
        (
            json!({"metrics": {"limits": {"errorRate": 0.05}}, "bake": "10s"}),
            json!({"metrics": {"limits": {"errorRate": 0.01}}, "bake": "90s"}),
            vec![
                "~ Environment: metrics.limits.errorRate = 0.05 | 0.01",
                "~ Environment: bake = 10s | 1m30s",
            ],
        ),
        (
            json!({}),
            json!({"approval": {"slots": [{"name": "leads", "group": "team-leads"}], "confirmPhrase": "yes"}}),
            vec![
                "+ Environment: approval = nothing | confirmPhrase: yes, preventSelfApproval: true, slots[leads].group: team-leads, \
                 slots[leads].minimum: 1, slots[leads].name: leads",
            ],
        ),
        (
            json!({"contacts": {"slack": "#a"}}),
            json!({"contacts": {"slack": "#a", "mail": "b@c", "phone": "1"}}),
            vec![
                "+ Environment: contacts.mail = nothing | b@c",
                "+ Environment: contacts.phone = nothing | 1",
            ],
        ),
        (
            json!({"gates": {"checklist": ["a"]}}),
            json!({"gates": {"checklist": ["a", "b"]}}),
            vec!["~ Environment: gates.checklist = a | a, b"],
        ),
    ] {
        let side = |spec: &Value| Seen { environment: an_environment(spec), ..seen(&json!({})) };
        assert_eq!(told(&side(&left), &side(&right)), expected, "{left} {right}");
    }
}

#[test]
fn hosts_and_bounds_are_told() {
    let mut left = seen(&json!({}));
    let mut right = seen(&json!({}));
    let autoscaler = |most: u8, percent: u8| {
        json!({"spec": {"scaleTargetRef": {"kind": "Deployment", "name": "api"}, "minReplicas": 2, "maxReplicas": most,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": percent}}}]}})
    };
    left.autoscalers = Ok(vec![autoscaler(3, 70)]);
    right.autoscalers = Ok(vec![autoscaler(10, 60)]);
    let ingress = |host: &str| {
        json!({"metadata": {"name": "web"}, "spec": {"rules": [{"host": host, "http": {"paths": [
            {"path": "/", "backend": {"service": {"name": "api", "port": {"number": 80}}}}]}}]}})
    };
    left.ingresses = Ok(vec![ingress("staging.shop.example")]);
    right.ingresses = Ok(vec![ingress("shop.example")]);
    right.routes = Ok(vec![json!({"metadata": {"name": "r"}, "spec": {"hostnames": ["a", "b"]}})]);
    assert_eq!(
        told(&left, &right),
        [
            "~ autoscalers: api pods = 2 to 3 | 2 to 10",
            "~ autoscalers: api cpu = 70% of requests | 60% of requests",
            "~ ingresses: web hosts = staging.shop.example | shop.example",
            "+ HTTP routes: all of it = nothing | 1 setting"
        ]
    );
}

#[test]
fn a_portrait_goes_through_the_door() {
    let seen = seen(&json!({"env": [{"name": "A", "value": "\u{1b}[31mred"}]}));
    let clean = snapshot(&seen, SALT).through(|text| text.replace('\u{1b}', ""));
    assert!(!format!("{clean:?}").contains('\u{1b}'));
    assert!(format!("{:?}", snapshot(&seen, SALT)).contains("\\u{1b}"));
}

#[test]
fn rows_are_counted() {
    let mut right = seen(&json!({"image": "r/api:v2"}));
    right.ingresses = Err("denied".into());
    let rows = compare(&snapshot(&seen(&json!({})), SALT), &snapshot(&right, SALT));
    let counts = Counts::of(&rows);
    assert_eq!((counts.differ, counts.unknown), (1, 1));
    assert_eq!(counts.same, rows.len() - 2);
}
