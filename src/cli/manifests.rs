//! `manifests`: what a cluster needs, as YAML for `kubectl apply -f -`.

use kube::CustomResourceExt as _;

use super::error::CliError;
use super::exit::Exit;
use super::grammar::{Manifests, ManifestsWhat};
use super::output;
use crate::api::labels::CONTROLLER_NAMESPACE;
use crate::api::{Environment, Release, ReleaseAction};
use crate::domain::version;

const CRDS: &str = include_str!("../../assets/manifests/crds.yaml");
const RBAC: &str = include_str!("../../assets/manifests/rbac.yaml");
const POLICIES: &str = include_str!("../../assets/manifests/policies.yaml");
const OPTIONAL_POLICIES: &str = include_str!("../../assets/manifests/policies-optional.yaml");
const CONTROLLER: &str = include_str!("../../assets/manifests/controller.yaml");
const EGRESS: &str = include_str!("../../assets/manifests/egress.yaml");

/// The image that the Deployment names unless another is asked for.
const IMAGE: &str = "release-cockpit:latest";

/// `manifests`.
pub(super) fn print(wanted: &Manifests) -> Result<Exit, CliError> {
    if wanted.rule_file || !wanted.environments.is_empty() || !wanted.file.is_empty() {
        let sentence = "environments, --file and --rule-file belong to rules: release-cockpit manifests rules [ENVIRONMENT…]";
        return Err(CliError::new(Exit::Usage, sentence));
    }
    let text = render(wanted)?;
    if let Some(sentence) = unpinned(wanted.image.as_deref()).filter(|_| text.contains("\n        image: ")) {
        output::remark(&sentence);
    }
    output::text(&text).map(|()| Exit::Ok)
}

/// Why the controller that runs may be another one than was meant; nothing where its image is named by digest.
fn unpinned(image: Option<&str>) -> Option<String> {
    let Some(image) = image else {
        return Some(format!(
            "warning: the controller's image is the placeholder {IMAGE}: name yours with --image NAME@sha256:DIGEST"
        ));
    };
    version::parse(image).digest.is_none().then(|| {
        let image = crate::sanitize::line(image);
        format!("warning: {image} is a tag, and may mean another image tomorrow: name it by digest, --image {image}@sha256:DIGEST")
    })
}

/// The definitions of the three kinds of object, made from their Rust types.
///
/// # Errors
///
/// When a definition cannot be written as YAML, which no input causes.
pub fn crds() -> Result<String, CliError> {
    let header = "# The three kinds of object, made from the program's own types by `release-cockpit manifests crds`.\n";
    let definitions = [Environment::crd(), Release::crd(), ReleaseAction::crd()];
    let rendered = definitions.iter().map(|definition| {
        serde_saphyr::to_string(definition).map_err(|error| {
            CliError::new(Exit::Error, format!("the definitions cannot be written: {error}"))
        })
    });
    let rendered = rendered.collect::<Result<Vec<_>, _>>()?;
    Ok(format!("{header}{}", rendered.join("---\n")))
}

fn render(wanted: &Manifests) -> Result<String, CliError> {
    let both = format!("{POLICIES}---\n{OPTIONAL_POLICIES}");
    let policies = if wanted.optional { both.as_str() } else { POLICIES };
    let parts: Vec<&str> = match wanted.what {
        ManifestsWhat::Crds => vec![CRDS],
        ManifestsWhat::Rbac => vec![RBAC],
        ManifestsWhat::Policies => vec![policies],
        ManifestsWhat::Controller => vec![CONTROLLER],
        // whether it may be used depends on the network plugin
        ManifestsWhat::Egress => vec![EGRESS],
        ManifestsWhat::All => vec![CRDS, RBAC, policies, CONTROLLER],
        // they come from environments, not from us
        ManifestsWhat::Rules => Vec::new(),
    };
    let mut text = parts.join("---\n");
    if let Some(image) = &wanted.image {
        check(image, |c| c.is_ascii_alphanumeric() || "._:/@-".contains(c), "--image", "an image reference")?;
        text = text.replace(&format!("image: {IMAGE}"), &format!("image: {image}"));
    }
    if let Some(namespace) = &wanted.controller_namespace {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        check(namespace, allowed, "--controller-namespace", "the name of a namespace")?;
        text = moved_to(&text, namespace);
    }
    Ok(text)
}

fn check(given: &str, allowed: impl Fn(char) -> bool, flag: &str, what: &str) -> Result<(), CliError> {
    if !given.is_empty() && given.chars().all(allowed) {
        return Ok(());
    }
    Err(CliError::new(Exit::Usage, format!("{flag}: `{}` is not {what}", crate::sanitize::line(given))))
}

/// The same manifests for a controller in another namespace: its objects, its account's user name, the Namespace itself.
fn moved_to(text: &str, namespace: &str) -> String {
    let mut moved = text
        .replace(
            &format!("system:serviceaccount:{CONTROLLER_NAMESPACE}:"),
            &format!("system:serviceaccount:{namespace}:"),
        )
        .replace(
            &format!("kind: Namespace\nmetadata:\n  name: {CONTROLLER_NAMESPACE}\n"),
            &format!("kind: Namespace\nmetadata:\n  name: {namespace}\n"),
        );
    for end in ["\n", "}", ","] {
        moved = moved.replace(
            &format!("namespace: {CONTROLLER_NAMESPACE}{end}"),
            &format!("namespace: {namespace}{end}"),
        );
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn wanted(what: ManifestsWhat) -> Manifests {
        Manifests {
            what,
            optional: false,
            image: None,
            environments: Vec::new(),
            rule_file: false,
            file: Vec::new(),
            controller_namespace: None,
        }
    }

    fn documents(text: &str) -> Vec<Value> {
        text.split("\n---\n").map(|part| serde_saphyr::from_str(part).unwrap()).collect()
    }

    #[test]
    fn everything_is_yaml_of_named_objects() {
        for optional in [false, true] {
            let all = documents(&render(&Manifests { optional, ..wanted(ManifestsWhat::All) }).unwrap());
            for object in &all {
                for path in ["/apiVersion", "/kind", "/metadata/name"] {
                    assert!(object.pointer(path).is_some_and(Value::is_string), "{path} of {object}");
                }
            }
            let of = |kind: &str| all.iter().filter(|object| object["kind"] == kind).count();
            assert_eq!((of("CustomResourceDefinition"), of("Deployment"), of("Namespace")), (3, 1, 1));
            assert_eq!(of("ValidatingAdmissionPolicy"), of("ValidatingAdmissionPolicyBinding"));
        }
    }

    #[test]
    fn the_egress_policy_selects_the_controllers_pods_and_excludes_metadata() {
        let policy = &documents(&render(&wanted(ManifestsWhat::Egress)).unwrap())[0];
        let pod = &documents(CONTROLLER)[0]["spec"]["template"]["metadata"]["labels"];
        assert_eq!(&policy["spec"]["podSelector"]["matchLabels"], pod);
        let text = policy.to_string();
        for excluded in ["169.254.0.0/16", "fe80::/10", "fd00:ec2::/32"] {
            assert!(text.contains(excluded), "{excluded}");
        }
        let all = documents(&render(&wanted(ManifestsWhat::All)).unwrap());
        assert!(all.iter().all(|object| object["kind"] != "NetworkPolicy"), "it is asked for by name");
    }

    #[test]
    fn the_controllers_pods_have_no_rights_on_their_node() {
        let all = documents(CONTROLLER);
        let pod = all[0].pointer("/spec/template/spec").unwrap();
        let container = &pod["containers"][0];
        assert_eq!(all[0]["spec"]["replicas"], 2);
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
        assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
        assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
        assert_eq!(container["securityContext"]["allowPrivilegeEscalation"], false);
        assert_eq!(container["securityContext"]["capabilities"]["drop"][0], "ALL");
        for probe in ["livenessProbe", "readinessProbe"] {
            assert!(container[probe]["httpGet"].is_object(), "{probe}");
        }
    }

    /// kubectl reads YAML 1.1, in which these words are truths and no names.
    #[test]
    fn no_field_is_a_truth_to_kubectl() {
        fn names(schema: &Value, found: &mut Vec<String>) {
            let properties = schema["properties"].as_object();
            found.extend(properties.into_iter().flatten().map(|(name, _)| name.to_lowercase()));
            match schema {
                Value::Object(parts) => parts.values().for_each(|part| names(part, found)),
                Value::Array(parts) => parts.iter().for_each(|part| names(part, found)),
                _ => {}
            }
        }
        let mut found = Vec::new();
        let crds = render(&wanted(ManifestsWhat::Crds)).unwrap();
        for definition in &documents(&crds) {
            names(definition, &mut found);
        }
        assert!(found.contains(&"environment".to_owned()), "the schemas are read");
        for truth in ["y", "n", "yes", "no", "on", "off", "true", "false"] {
            assert!(!found.contains(&truth.to_owned()), "{truth}");
        }
    }

    #[test]
    fn no_person_writes_status_and_the_controller_reads_no_secret_by_itself() {
        let all = documents(RBAC);
        let text = |value: &Value| value.to_string();
        for role in all.iter().filter(|object| object["kind"] == "ClusterRole") {
            let name = role["metadata"]["name"].as_str().unwrap();
            let rules = text(&role["rules"]);
            assert!(!rules.contains("\"*\""), "{name} has a wildcard");
            if name != "release-cockpit-controller" {
                // Argo Rollouts are promoted through their status; the role is the controller's
                let rules = match name {
                    "release-cockpit-releaser" => rules.replace("rollouts/status", ""),
                    _ => rules.clone(),
                };
                assert!(!rules.contains("/status"), "{name} writes status");
            }
            // bound to nobody: they are copied for Secrets that are named
            if !matches!(name, "release-cockpit-secret-keys" | "release-cockpit-secret-values") {
                assert!(!rules.contains("secrets"), "{name} reads secrets");
            }
        }
    }

    #[test]
    fn an_image_without_a_digest_is_warned_of() {
        let digest = "ab".repeat(32);
        for (image, part) in [
            (None, Some("placeholder release-cockpit:latest")),
            (Some("r.example.com/c:1".to_owned()), Some("r.example.com/c:1 is a tag")),
            (Some("r.example.com:5000/c".to_owned()), Some("is a tag")),
            (Some(format!("r.example.com/c@sha256:{digest}")), None),
            (Some(format!("r.example.com/c:1@sha256:{digest}")), None),
        ] {
            let sentence = unpinned(image.as_deref());
            assert_eq!(sentence.is_some(), part.is_some(), "{image:?}");
            assert!(part.is_none_or(|part| sentence.unwrap().contains(part)), "{image:?}");
        }
    }

    #[test]
    fn another_namespace_and_image_reach_every_place() {
        let everything = Manifests {
            image: Some("r.example.com/c:1@sha256:ab".into()),
            controller_namespace: Some("ops".into()),
            ..wanted(ManifestsWhat::All)
        };
        let text = render(&everything).unwrap();
        assert!(text.contains("image: r.example.com/c:1@sha256:ab"));
        assert!(
            !text.contains("namespace: release-cockpit\n")
                && !text.contains("serviceaccount:release-cockpit:")
        );
        let named: Vec<Value> = documents(&text).into_iter().filter(|o| o["kind"] == "Namespace").collect();
        assert_eq!(named[0]["metadata"]["name"], "ops");
        for (image, namespace) in [(Some("a b"), None), (None, Some("Ops"))] {
            let bad = Manifests {
                image: image.map(str::to_owned),
                controller_namespace: namespace.map(str::to_owned),
                ..wanted(ManifestsWhat::All)
            };
            assert_eq!(render(&bad).unwrap_err().exit(), Exit::Usage);
        }
    }
}
