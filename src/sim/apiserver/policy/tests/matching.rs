//! Bindings, parameters, rules and selectors.

use super::*;

#[test]
fn a_binding_says_what_a_refusal_does() {
    let user = User { name: "alice".into(), groups: Vec::new() };
    let object = config_map(&json!({}));
    let answer = |actions: Value| {
        let server = Server::new().bound(one("false"), json!({"validationActions": actions}));
        server.validate(creation(&user, &object))
    };
    assert_eq!(answer(json!(["Audit"])).unwrap(), Vec::<String>::new());
    assert_eq!(
        answer(json!(["Warn"])).unwrap(),
        ["Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': no"]
    );
    assert_eq!(answer(json!(["Deny"])).unwrap_err().code, 422);
    let unbound = Server::new()
        .with("ValidatingAdmissionPolicy", json!({"metadata": {"name": "p"}, "spec": one("false")}));
    assert_eq!(unbound.create(&json!({})), None);
}

#[test]
fn parameters_are_looked_up_and_each_is_evaluated() {
    let spec = || {
        let mut spec = one("!has(params.data.closed)");
        spec["paramKind"] = json!({"apiVersion": "v1", "kind": "ConfigMap"});
        spec
    };
    let param = |name: &str, data: Value| json!({"metadata": {"name": name, "namespace": "a", "labels": {"n": name}}, "data": data});
    let server = |reference: Value| {
        Server::new()
            .with("ConfigMap", param("open", json!({})))
            .with("ConfigMap", param("closed", json!({"closed": "1"})))
            .bound(spec(), json!({"paramRef": reference}))
            .create(&json!({}))
    };
    let refused = Some((422, "no".to_owned()));
    assert_eq!(server(json!({"name": "open", "parameterNotFoundAction": "Deny"})), None);
    assert_eq!(server(json!({"name": "closed", "parameterNotFoundAction": "Deny"})), refused);
    assert_eq!(server(json!({"selector": {}, "parameterNotFoundAction": "Deny"})), refused);
    assert_eq!(
        server(json!({"selector": {"matchLabels": {"n": "open"}}, "parameterNotFoundAction": "Deny"})),
        None
    );
    assert_eq!(server(json!({"name": "none", "parameterNotFoundAction": "Allow"})), None);
    assert_eq!(server(json!({"name": "closed", "namespace": "b", "parameterNotFoundAction": "Allow"})), None);
    let (code, sentence) = server(json!({"name": "none", "parameterNotFoundAction": "Deny"})).unwrap();
    assert_eq!(code, 422);
    assert!(
        sentence.contains("no params found for policy binding with `Deny` parameterNotFoundAction"),
        "{sentence}"
    );
}

#[test]
fn rules_and_selectors_decide_which_requests_match() {
    let user = User { name: "alice".into(), groups: Vec::new() };
    let object = json!({"metadata": {"name": "x", "namespace": "a", "labels": {"app": "web"}}, "spec": {}});
    let rule = |group: &str, operations: Value, resources: Value| json!({"resourceRules": [{"apiGroups": [group], "apiVersions": ["*"], "operations": operations, "resources": resources}]});
    let matches = |constraints: Value, sub: &str| {
        let mut spec = one("false");
        spec["matchConstraints"] = constraints;
        let request = Request {
            operation: Operation::Update,
            resource: DEPLOYMENTS,
            sub,
            old: Some(&object),
            ..creation(&user, &object)
        };
        Server::new().policy(spec).validate(request).is_err()
    };
    let update = || json!(["UPDATE"]);
    for (resources, sub, wanted) in [
        (json!(["deployments"]), "", true),
        (json!(["deployments"]), "scale", false),
        (json!(["deployments/scale"]), "scale", true),
        (json!(["deployments/*"]), "", true),
        (json!(["*"]), "scale", false),
        (json!(["*/*"]), "scale", true),
        (json!(["*/status"]), "scale", false),
        (json!(["pods"]), "", false),
    ] {
        assert_eq!(matches(rule("apps", update(), resources.clone()), sub), wanted, "{resources} {sub}");
    }
    let all = || json!(["*"]);
    assert!(!matches(rule("", update(), all()), ""));
    assert!(matches(rule("*", all(), all()), ""));
    assert!(!matches(rule("apps", json!(["CREATE", "DELETE"]), all()), ""));
    let with = |field: &str, value: Value| {
        let mut constraints = rule("apps", update(), all());
        constraints[field] = value;
        constraints
    };
    let labels = |key: &str, value: &str| json!({"matchLabels": {key: value}});
    assert!(matches(with("namespaceSelector", labels("tier", "gold")), ""));
    assert!(!matches(with("namespaceSelector", labels("tier", "lead")), ""));
    assert!(matches(with("objectSelector", labels("app", "web")), ""));
    assert!(!matches(with("objectSelector", labels("app", "db")), ""));
    let exclude = json!([{"apiGroups": ["apps"], "apiVersions": ["*"], "operations": ["*"], "resources": ["deployments"]}]);
    assert!(!matches(with("excludeResourceRules", exclude), ""));
    let scoped = |scope: &str| {
        let mut constraints = rule("apps", update(), all());
        constraints["resourceRules"][0]["scope"] = scope.into();
        constraints
    };
    assert!(matches(scoped("Namespaced"), "") && !matches(scoped("Cluster"), ""));
    let named = |name: &str| {
        let mut constraints = rule("apps", update(), all());
        constraints["resourceRules"][0]["resourceNames"] = json!([name]);
        constraints
    };
    assert!(matches(named("x"), "") && !matches(named("y"), ""));
}
