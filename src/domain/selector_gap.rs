//! Objects that select the pods of a stable workload and would miss those of the canary or green workload beside it.
//!
//! Behind a router, the pods of a canary have their own value of one label, by which a Service selects them. A NetworkPolicy or a
//! `PodDisruptionBudget` that selects by the stable value of that label misses them, although they may serve all of the traffic.

use std::collections::BTreeMap;

use serde_json::Value;

/// Labels of pods or Services.
pub(crate) type Labels = BTreeMap<String, String>;

/// Whether a label selector as Kubernetes writes it selects these labels; an empty one selects everything.
#[must_use]
pub(crate) fn selects(selector: &Value, labels: &Labels) -> bool {
    let pairs = selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten();
    let expressions = selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten();
    pairs.into_iter().all(|(key, value)| labels.get(bare(key)).map(String::as_str) == value.as_str())
        && expressions.into_iter().all(|expression| fits(expression, labels))
}

/// Cilium writes the source of a label before its key.
fn bare(key: &str) -> &str {
    key.strip_prefix("k8s:").or_else(|| key.strip_prefix("any:")).unwrap_or(key)
}

fn fits(expression: &Value, labels: &Labels) -> bool {
    let key = bare(expression["key"].as_str().unwrap_or_default());
    let found = labels.get(key);
    let mut values = expression["values"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let is_named = found.is_some_and(|found| values.any(|value| value == found));
    match expression["operator"].as_str().unwrap_or_default() {
        "In" => is_named,
        "NotIn" => !is_named,
        "Exists" => found.is_some(),
        "DoesNotExist" => found.is_none(),
        _ => false,
    }
}

/// The labels of two kinds of pods, of which an object should select both or none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sides {
    /// Of the stable workload.
    pub stable: Labels,
    /// Of the canary or green workload.
    pub second: Labels,
}

impl Sides {
    /// Whether one of these selectors finds the stable side only.
    #[must_use]
    pub(crate) fn is_gap<'a>(&self, selectors: impl IntoIterator<Item = &'a Value>) -> bool {
        selectors.into_iter().any(|one| selects(one, &self.stable) && !selects(one, &self.second))
    }

    /// What to select by instead.
    #[must_use]
    pub(crate) fn remedy(&self) -> String {
        let shared = self.stable.iter().find(|(key, value)| self.second.get(*key) == Some(value));
        let differs = self.stable.iter().find(|(key, value)| self.second.get(*key) != Some(value));
        let either = differs.and_then(|(key, value)| {
            Some(format!(
                "matchExpressions {{key: {key}, operator: In, values: [{value}, {}]}}",
                self.second.get(key)?
            ))
        });
        match (shared, either) {
            (Some((key, value)), Some(either)) => {
                format!("select by {key}={value}, which both bear, or by {either}")
            }
            (Some((key, value)), None) => format!("select by {key}={value}, which both bear"),
            (None, Some(either)) => format!("select by {either}"),
            (None, None) => "select by a label that both bear".to_owned(),
        }
    }
}

/// Every label selector for pods in an object: its own, and those of its peers.
#[must_use]
pub(crate) fn selectors_in<'a>(object: &'a Value, pointers: &[&str]) -> Vec<&'a Value> {
    let mut found = Vec::new();
    for pointer in pointers {
        let steps: Vec<&str> = pointer.split('/').skip(1).collect();
        walk(object, &steps, &mut found);
    }
    found
}

/// Follows a path in which `*` stands for every item of a list.
fn walk<'a>(value: &'a Value, steps: &[&str], found: &mut Vec<&'a Value>) {
    match steps.split_first() {
        None if value.is_object() => found.push(value),
        None => {}
        Some((&"*", rest)) => value.as_array().into_iter().flatten().for_each(|item| walk(item, rest, found)),
        Some((step, rest)) => {
            if let Some(next) = value.get(step) {
                walk(next, rest, found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn sides() -> Sides {
        Sides {
            stable: labels(&[("app", "web"), ("team", "blue")]),
            second: labels(&[("app", "web-canary"), ("team", "blue"), ("track", "canary")]),
        }
    }

    #[test]
    fn selectors_are_read_as_kubernetes_reads_them() {
        let own = labels(&[("app", "web"), ("team", "blue")]);
        for (selector, expected) in [
            (json!({}), true),
            (json!({"matchLabels": {"app": "web"}}), true),
            (json!({"matchLabels": {"app": "web", "team": "red"}}), false),
            (json!({"matchLabels": {"k8s:app": "web"}}), true),
            (json!({"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "api"]}]}), true),
            (json!({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}), false),
            (json!({"matchExpressions": [{"key": "zone", "operator": "NotIn", "values": ["a"]}]}), true),
            (json!({"matchExpressions": [{"key": "app", "operator": "Exists"}]}), true),
            (json!({"matchExpressions": [{"key": "track", "operator": "DoesNotExist"}]}), true),
            (json!({"matchExpressions": [{"key": "app", "operator": "Unknown"}]}), false),
        ] {
            assert_eq!(selects(&selector, &own), expected, "{selector}");
        }
    }

    #[test]
    fn a_gap_is_what_finds_one_side_only() {
        for (selector, expected) in [
            (json!({"matchLabels": {"app": "web"}}), true),
            (json!({"matchExpressions": [{"key": "track", "operator": "DoesNotExist"}]}), true),
            (json!({"matchLabels": {"team": "blue"}}), false),
            (json!({"matchLabels": {"app": "db"}}), false),
            (
                json!({"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "web-canary"]}]}),
                false,
            ),
            (json!({}), false),
        ] {
            assert_eq!(sides().is_gap([&selector]), expected, "{selector}");
        }
        let remedy = sides().remedy();
        assert!(remedy.contains("team=blue") && remedy.contains("values: [web, web-canary]"), "{remedy}");
    }

    #[test]
    fn peers_count_like_the_object_itself() {
        let policy = json!({"spec": {"podSelector": {"matchLabels": {"app": "db"}}, "ingress": [
            {"from": [{"podSelector": {"matchLabels": {"app": "web"}}}, {"ipBlock": {}}]}, {"ports": []}
        ]}});
        let found = selectors_in(&policy, &["/spec/podSelector", "/spec/ingress/*/from/*/podSelector"]);
        assert_eq!(found.len(), 2);
        assert!(sides().is_gap(found), "the canary could not reach the database");
    }
}
