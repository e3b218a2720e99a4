//! Policies of the tests' own, evaluated as an API server evaluates them.

use chrono::DateTime;
use serde_json::json;

use super::*;
use crate::sim::kinds::{CONFIG_MAPS, DEPLOYMENTS, NAMESPACES, RELEASE_ACTIONS, by_kind};
use crate::sim::rng::Seed;
use crate::sim::scenario::Scenario;

mod matching;

const SCENARIO: &str = r#"
name = "policies"
users = [{ name = "alice", groups = ["operators"] }, { name = "root", groups = ["system:masters"] }]
bindings = [{ role = "operator", groups = ["operators"], namespaces = ["a"] }]
"#;

/// A server with policies, their bindings and the objects that they look at.
struct Server {
    store: Store,
    authorizer: Arc<Authorizer>,
    policies: Policies,
}

impl Server {
    fn new() -> Self {
        let mut store = Store::new(Seed(1));
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "labels": {"tier": "gold"}}});
        store.create(NAMESPACES, namespace, DateTime::UNIX_EPOCH);
        let authorizer = Authorizer::new(&Scenario::from_toml(SCENARIO, "policies.toml").unwrap());
        Self { store, authorizer: Arc::new(authorizer), policies: Policies::default() }
    }

    fn with(mut self, kind: &str, value: Value) -> Self {
        let mut value = value;
        value["kind"] = kind.into();
        let version = if kind == "ConfigMap" { "v1" } else { "admissionregistration.k8s.io/v1" };
        value["apiVersion"] = version.into();
        self.store.create(by_kind(version, kind).unwrap(), value, DateTime::UNIX_EPOCH);
        self
    }

    /// A policy about ConfigMaps, bound so that it denies; `spec` may say otherwise.
    fn policy(self, spec: Value) -> Self {
        self.bound(spec, json!({}))
    }

    fn bound(self, mut spec: Value, mut binding: Value) -> Self {
        let about = json!({"resourceRules": [
            {"apiGroups": [""], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"], "resources": ["configmaps"]}
        ]});
        let fields = spec.as_object_mut().unwrap();
        fields.entry("matchConstraints").or_insert(about);
        let fields = binding.as_object_mut().unwrap();
        fields.insert("policyName".into(), "p".into());
        fields.entry("validationActions").or_insert(json!(["Deny"]));
        self.with("ValidatingAdmissionPolicy", json!({"metadata": {"name": "p"}, "spec": spec}))
            .with("ValidatingAdmissionPolicyBinding", json!({"metadata": {"name": "b"}, "spec": binding}))
    }

    fn validate(&self, request: Request<'_>) -> Result<Vec<String>, Refusal> {
        self.policies.validate(&self.store, &self.authorizer, request)
    }

    /// The answer to the creation of a ConfigMap by Alice: code and the sentence after the names, or `None`.
    fn create(&self, data: &Value) -> Option<(u16, String)> {
        let user = self.authorizer.named("alice");
        let object = config_map(data);
        let answer = self.validate(creation(&user, &object));
        answer.err().map(|refusal| {
            let prefix = "configmaps \"x\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: ";
            (refusal.code, refusal.message.strip_prefix(prefix).unwrap_or(&refusal.message).to_owned())
        })
    }
}

fn config_map(data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "a"}, "data": data})
}

fn creation<'a>(user: &'a User, object: &'a Value) -> Request<'a> {
    Request {
        user,
        operation: Operation::Create,
        resource: CONFIG_MAPS,
        sub: "",
        namespace: "a",
        name: "x",
        object: Some(object),
        old: None,
        dry_run: false,
    }
}

fn one(expression: &str) -> Value {
    json!({"validations": [{"expression": expression, "message": "no"}]})
}

/// `Some(true)`: admitted, `Some(false)`: refused by the validation, `None`: the expression failed.
fn verdict(expression: &str) -> Option<bool> {
    let data = json!({"text": "häß", "none": null, "list": ["b", "a"], "map": {"k": 1}, "number": 7, "at": "2026-01-02T03:04:05Z"});
    match Server::new().policy(one(expression)).create(&data) {
        None => Some(true),
        Some((422, sentence)) if sentence == "no" => Some(false),
        Some((422, sentence)) => {
            assert!(
                sentence.starts_with(&format!("expression '{expression}' resulted in error: ")),
                "{sentence}"
            );
            None
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn expressions_mean_what_they_mean_on_a_server() {
    for (expression, wanted) in [
        // texts are counted in characters
        ("object.data.text.size() == 3 && size(object.data.text) == 3", Some(true)),
        ("object.data.text.substring(1) == 'äß'", Some(true)),
        // a field of what has none is an error, and so is the question whether it is there
        ("object.data.text.field == 1", None),
        ("has(object.data.number.field)", None),
        ("oldObject.metadata.name == 'x'", None),
        ("oldObject == null", Some(true)),
        ("has(object.data.missing)", Some(false)),
        ("has(object.data.none)", Some(true)),
        ("object.data.missing == 1", None),
        // either side may decide, even if the other one fails
        ("object.data.missing == 1 || true", Some(true)),
        ("true || object.data.missing == 1", Some(true)),
        ("object.data.missing == 1 && false", Some(false)),
        ("object.data.missing == 1 || false", None),
        ("object.data.map.all(k, k.startsWith('k')) && object.data.map['k'] == 1", Some(true)),
        ("object.data.list.exists(i, i == 'a') && 'b' in object.data.list", Some(true)),
        ("object.data.list.map(i, i + '!') == ['b!', 'a!']", Some(true)),
        ("object.data.list.filter(i, i > 'a').size() == 1 && !object.data.list.isSorted()", Some(true)),
        ("dyn(object).data.number == 7 && dyn(7) == object.data.number", Some(true)),
        ("object.data.?missing.orValue('x') == 'x'", Some(true)),
        ("object.?data.?number.orValue(1) == 7", Some(true)),
        ("timestamp(object.data.at) + duration('1h') > timestamp(object.data.at)", Some(true)),
        ("quantity('1Gi').isGreaterThan(quantity('1M'))", Some(true)),
        ("object.data.text.matches('^h.+$') && 'v1-4f2a'.find('[0-9a-f]{4}$') == '4f2a'", Some(true)),
        // the request, without what is empty in it
        (
            "request.operation == 'CREATE' && request.userInfo.username == 'alice' && 'operators' in request.userInfo.groups",
            Some(true),
        ),
        ("has(request.subResource)", Some(false)),
        (
            "request.resource.resource == 'configmaps' && request.kind.kind == 'ConfigMap' && !request.dryRun",
            Some(true),
        ),
        ("namespaceObject.metadata.labels.tier == 'gold'", Some(true)),
        ("params == null", Some(true)),
        // what is no true is a refusal
        ("'text'", Some(false)),
        ("unknown", None),
    ] {
        assert_eq!(verdict(expression), wanted, "{expression}");
    }
}

#[test]
fn the_authorizer_answers_by_the_roles_of_the_world() {
    let ask = |verb: &str, rest: &str| {
        verdict(&format!(
            "authorizer.group('release-cockpit.dev').resource('environments'){rest}.check('{verb}').allowed()"
        ))
    };
    assert_eq!(ask("deploy", ".namespace('a').name('staging')"), Some(true));
    assert_eq!(ask("approve", ".namespace('a')"), Some(false));
    assert_eq!(ask("deploy", ".namespace('b')"), Some(false));
    assert_eq!(ask("deploy", ".subresource('status').namespace('a')"), Some(false));
    assert_eq!(verdict("authorizer.requestResource.check('create').allowed()"), Some(false));
    assert_eq!(
        verdict("authorizer.serviceAccount('a', 'b').group('').resource('pods').check('get').reason() == ''"),
        Some(true)
    );
    assert_eq!(verdict("authorizer.path('/healthz').check('get').errored()"), Some(false));
    assert_eq!(verdict("authorizer.check('get').errored() || object.group('x')"), None);
}

#[test]
fn variables_are_evaluated_once_needed_and_see_only_those_before_them() {
    let named = |name: &str, expression: &str| json!({"name": name, "expression": expression});
    let variables = json!([
        named("two", "2"),
        named("broken", "object.data.missing"),
        named("four", "variables.two + variables.two"),
        named("early", "variables.late"),
        named("late", "1"),
        named("self", "variables.self"),
    ]);
    let verdict = |expression: &str| {
        let mut spec = one(expression);
        spec["variables"] = variables.clone();
        Server::new().policy(spec).create(&json!({}))
    };
    assert_eq!(verdict("variables.four == 4"), None);
    assert_eq!(verdict("variables.two == 2 || variables.broken"), None, "not needed, so it does not fail");
    for name in ["broken", "early", "self", "absent"] {
        let (code, sentence) = verdict(&format!("variables.{name} == 1")).unwrap();
        assert_eq!(code, 422);
        assert!(sentence.contains("resulted in error"), "{sentence}");
    }
    let (_, sentence) = verdict("variables.broken == 1").unwrap();
    assert!(sentence.contains("composited variable \"broken\" fails to evaluate"), "{sentence}");
    assert!(sentence.ends_with("no such key: missing"), "{sentence}");
}

#[test]
fn match_conditions_decide_before_the_validations() {
    let verdict = |conditions: &[&str], failure: &str| {
        let mut spec = one("false");
        let conditions = conditions.iter().map(|expression| json!({"name": "c", "expression": expression}));
        spec["matchConditions"] = conditions.collect();
        spec["failurePolicy"] = failure.into();
        Server::new().policy(spec).create(&json!({}))
    };
    let refused = Some((422, "no".to_owned()));
    assert_eq!(verdict(&["true", "request.operation == 'CREATE'"], "Fail"), refused);
    assert_eq!(verdict(&["true", "false"], "Fail"), None);
    // a condition that is false counts more than one that fails
    assert_eq!(verdict(&["object.missing", "false"], "Fail"), None);
    assert_eq!(verdict(&["object.missing", "true"], "Ignore"), None);
    let (code, sentence) = verdict(&["object.missing", "true"], "Fail").unwrap();
    assert_eq!(code, 422);
    assert!(sentence.contains("expression 'object.missing' resulted in error"), "{sentence}");
}

#[test]
fn a_validation_has_a_reason_and_a_message_that_is_usable() {
    let verdict = |validation: Value| {
        Server::new().policy(json!({"validations": [validation]})).create(&json!({"long": "x".repeat(6_000)}))
    };
    let refused = |message: &str| Some((422, message.to_owned()));
    let of = |computed: &str| json!({"expression": "false", "message": " fallback ", "messageExpression": computed});
    assert_eq!(verdict(of("' computed '")), refused("computed"));
    for unusable in ["''", "'a\\nb'", "object.data.long", "object.data.missing", "1"] {
        assert_eq!(verdict(of(unusable)), refused("fallback"), "{unusable}");
    }
    assert_eq!(verdict(json!({"expression": " 1 == 2 "})), refused("failed expression: 1 == 2"));
    for (reason, code) in
        [("Forbidden", 403), ("Unauthorized", 401), ("RequestEntityTooLarge", 413), ("Invalid", 422)]
    {
        let validation = json!({"expression": "false", "message": "no", "reason": reason});
        assert_eq!(verdict(validation), Some((code, "no".to_owned())));
    }
    let ignored = json!({"failurePolicy": "Ignore", "validations": [{"expression": "object.missing"}]});
    assert_eq!(Server::new().policy(ignored).create(&json!({})), None);
    let annotated = json!({"auditAnnotations": [{"key": "k", "valueExpression": "object.missing"}]});
    assert!(Server::new().policy(annotated).create(&json!({})).is_some());
}

#[test]
fn a_mutating_policy_changes_the_object_in_both_forms() {
    let policy = |mutations: Value| {
        let spec = json!({
            "matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["*"], "operations": ["CREATE"], "resources": ["configmaps"]}]},
            "matchConditions": [{"name": "absent", "expression": "!has(object.data.who)"}],
            "mutations": mutations,
        });
        Server::new().with("MutatingAdmissionPolicy", json!({"metadata": {"name": "p"}, "spec": spec})).with(
            "MutatingAdmissionPolicyBinding",
            json!({"metadata": {"name": "b"}, "spec": {"policyName": "p"}}),
        )
    };
    let run = |server: &Server, data: Value| {
        let user = server.authorizer.named("alice");
        let object = config_map(&data);
        server.policies.mutate(&server.store, &server.authorizer, creation(&user, &object))
    };
    let apply = json!({"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": "Object{data: Object.data{who: request.userInfo.username}}"}});
    let patch = json!({"patchType": "JSONPatch", "jsonPatch": {"expression": "[JSONPatch{op: 'add', path: '/data/again', value: object.data.who + '!'}]"}});
    let server = policy(json!([apply, patch]));
    let changed = run(&server, json!({"other": "1"})).unwrap().unwrap();
    assert_eq!(changed["data"], json!({"other": "1", "who": "alice", "again": "alice!"}));
    assert_eq!(run(&server, json!({"who": "bob"})).unwrap(), None);
    let broken = policy(json!([{"patchType": "JSONPatch", "jsonPatch": {"expression": "object.missing"}}]));
    assert_eq!(run(&broken, json!({})).unwrap_err().code, 422);
}

#[test]
fn a_policy_is_parsed_anew_when_its_object_changes() {
    let mut server = Server::new().policy(one("true"));
    assert_eq!(server.create(&json!({})), None);
    let (key, other) = (crate::sim::store::Key::new("", "p"), one("object.data.text == 'yes'"));
    server
        .store
        .change(POLICIES, &key, |policy| policy["spec"]["validations"] = other["validations"].clone());
    assert_eq!(server.create(&json!({"text": "no"})), Some((422, "no".to_owned())));
    assert_eq!(server.create(&json!({"text": "yes"})), None);
    let seen = server.policies.evaluated(&server.store);
    let [own] = seen.as_slice() else { panic!("{seen:?}") };
    assert_eq!((own.policy.as_str(), own.expression.as_str()), ("p", "object.data.text == 'yes'"));
    assert!(own.outcomes.has_refused() && own.outcomes.has_succeeded() && !own.outcomes.has_failed());
}

#[test]
fn what_cannot_be_parsed_is_not_stored() {
    let of = |spec: Value| {
        causes(POLICIES, &json!({"spec": spec})).into_iter().map(|cause| cause.field).collect::<Vec<_>>()
    };
    assert_eq!(of(one("object.a == ")), ["spec.validations[0].expression"]);
    assert_eq!(
        of(json!({"variables": [{"name": "a", "expression": "1"}, {"name": "b", "expression": "(("}]})),
        ["spec.variables[1].expression"]
    );
    assert_eq!(of(json!({"validations": [{"message": "no expression"}]})), ["spec"]);
    assert_eq!(of(one("true")), Vec::<String>::new());
    let binding = json!({"spec": {"policyName": "p", "validationActions": "Deny"}});
    assert_eq!(causes(POLICY_BINDINGS, &binding).len(), 1);
}

#[test]
fn an_action_with_a_date_that_cannot_be_decoded_goes_with_the_verb_retire() {
    let mut server = Server::new();
    let shipped = include_str!("../../../../assets/manifests/policies.yaml");
    for object in serde_saphyr::from_multiple::<Value>(shipped).unwrap() {
        let kind = object["kind"].as_str().unwrap().to_owned();
        server = server.with(&kind, object);
    }
    let delete = |who: &str, spec: Value| {
        let user = server.authorizer.named(who);
        let old = json!({"metadata": {"name": "x", "namespace": "a"}, "spec": spec});
        let request = Request {
            operation: Operation::Delete,
            resource: RELEASE_ACTIONS,
            object: None,
            old: Some(&old),
            ..creation(&user, &old)
        };
        server.validate(request).err().map(|refusal| refusal.message)
    };
    let evidence = |at: &str| json!({"environment": "staging", "evidence": {"at": at}});
    let until = |at: &str| json!({"environment": "staging", "parameters": {"until": at}});
    for spec in [evidence("yesterday"), until("2026-13-01T00:00:00Z"), until("2026-01-02 03:04:05Z")] {
        assert_eq!(delete("root", spec.clone()), None, "{spec}");
        let refused = delete("alice", spec.clone()).unwrap();
        let way = ". It has a date that cannot be decoded: whoever has retire on environments/staging may delete it";
        assert!(refused.ends_with(way), "{refused}");
    }
    for spec in [
        evidence("2026-01-02T03:04:05Z"),
        until("2026-01-02T03:04:05.5+02:00"),
        json!({"environment": "staging"}),
    ] {
        let refused = delete("root", spec.clone()).unwrap();
        assert!(refused.ends_with("is for the controller only; create a ReleaseAction instead"), "{refused}");
    }
}
