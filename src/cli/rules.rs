//! `manifests rules`: alerting rules of environments, for the Prometheus operator or for a Prometheus' own file.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::error::CliError;
use super::exit::Exit;
use super::grammar::Manifests;
use super::session::Session;
use super::{choose, output};
use crate::api::Environment;
use crate::config::Settings;
use crate::domain::alert_rules::{Rule, rules};
use crate::domain::burn_rate::prometheus_duration;
use crate::sanitize::line;

const HEADER: &str = "# Made by `release-cockpit manifests rules` from what the Environments say: make them anew when those change.\n";

/// `manifests rules`.
pub(super) async fn print(settings: &Settings, wanted: &Manifests) -> Result<Exit, CliError> {
    let all = if wanted.file.is_empty() {
        let named: Vec<&str> = wanted.environments.iter().map(String::as_str).collect();
        Session::open(settings, &named).await?.environments().await?
    } else {
        let read: Result<Vec<_>, _> = wanted.file.iter().map(read).collect();
        read?.into_iter().flatten().collect()
    };
    let mut chosen = Vec::new();
    for given in &wanted.environments {
        chosen.push(choose::environment(&all, given)?);
    }
    if wanted.environments.is_empty() {
        chosen.extend(&all);
    }
    if chosen.is_empty() {
        let sentence = "no environments found: create one (release-cockpit help install)";
        return Err(CliError::new(Exit::Error, sentence));
    }
    let written = if wanted.rule_file { rule_file(&chosen) } else { objects(&chosen) };
    output::text(&written?).map(|()| Exit::Ok)
}

/// The Environments of a file of YAML; other objects in it are passed over.
fn read(path: &PathBuf) -> Result<Vec<Environment>, CliError> {
    let wrong = |why: &str| {
        CliError::new(Exit::Usage, format!("{}: {}", line(&path.display().to_string()), line(why)))
    };
    let text = std::fs::read_to_string(path).map_err(|error| wrong(&error.to_string()))?;
    let mut found = Vec::new();
    for document in format!("\n{text}").split("\n---") {
        let value: Value = match serde_saphyr::from_str(document) {
            Ok(value) => value,
            Err(_) if document.lines().all(|line| line.trim().is_empty() || line.starts_with('#')) => {
                continue;
            }
            Err(error) => return Err(wrong(&error.to_string())),
        };
        if value["kind"] == "Environment" {
            found.push(serde_json::from_value(value).map_err(|error| wrong(&error.to_string()))?);
        }
    }
    Ok(found)
}

/// A rule file as Prometheus itself reads it: one group for each environment.
fn rule_file(environments: &[&Environment]) -> Result<String, CliError> {
    let groups: Result<Vec<Value>, CliError> = environments.iter().map(|one| group(one)).collect();
    yaml(&json!({"groups": groups?})).map(|text| format!("{HEADER}{text}"))
}

/// Objects of the Prometheus operator, one for each environment, in its namespace.
fn objects(environments: &[&Environment]) -> Result<String, CliError> {
    let objects: Result<Vec<String>, CliError> = environments
        .iter()
        .map(|environment| {
            let key = environment.key();
            yaml(&json!({
                "apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule",
                "metadata": {
                    "name": format!("release-cockpit-{}", key.name), "namespace": &*key.namespace,
                    "labels": {"app.kubernetes.io/managed-by": "release-cockpit"},
                },
                "spec": {"groups": [group(environment)?]},
            }))
        })
        .collect();
    Ok(format!("{HEADER}{}", objects?.join("---\n")))
}

fn group(environment: &Environment) -> Result<Value, CliError> {
    let key = environment.key();
    let found = rules(environment).map_err(|error| CliError::new(Exit::Error, format!("{key}: {error}")))?;
    let rules: Vec<Value> = found.iter().map(as_json).collect();
    Ok(json!({"name": format!("release-cockpit/{key}"), "rules": rules}))
}

fn as_json(rule: &Rule) -> Value {
    let mut fields = Map::new();
    fields.insert("alert".to_owned(), json!(rule.alert));
    fields.insert("expr".to_owned(), json!(rule.expr));
    if let Some(lasting) = rule.lasting {
        fields.insert("for".to_owned(), json!(prometheus_duration(lasting)));
    }
    fields.insert("labels".to_owned(), json!(rule.labels));
    fields.insert("annotations".to_owned(), json!(rule.annotations));
    Value::Object(fields)
}

fn yaml(value: &Value) -> Result<String, CliError> {
    serde_saphyr::to_string(value)
        .map_err(|error| CliError::new(Exit::Error, format!("the rules cannot be written: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::environment;

    #[test]
    fn what_is_written_is_what_was_meant() {
        let one = environment();
        let plain: Value = serde_saphyr::from_str(&rule_file(&[&one]).unwrap()).unwrap();
        assert_eq!(plain, json!({"groups": [group(&one).unwrap()]}));
        let key = one.key();
        assert_eq!(plain["groups"][0]["name"], format!("release-cockpit/{key}"));
        let text = objects(&[&one, &one]).unwrap();
        for document in text.split("---\n") {
            let object: Value = serde_saphyr::from_str(document).unwrap();
            assert_eq!(object["kind"], "PrometheusRule");
            assert_eq!(object["spec"]["groups"][0], plain["groups"][0]);
        }
    }

    #[test]
    fn environments_are_read_out_of_files_and_other_objects_passed_over() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.yaml");
        let written = serde_saphyr::to_string(&environment()).unwrap();
        std::fs::write(&path, format!("# mine\n---\nkind: Service\n---\n{written}")).unwrap();
        assert_eq!(read(&path).unwrap().len(), 1);
        std::fs::write(&path, "kind: Environment\nspec: 5\n").unwrap();
        assert_eq!(read(&path).unwrap_err().exit(), Exit::Usage);
        assert!(read(&directory.path().join("none")).unwrap_err().to_string().contains("none"));
    }
}
