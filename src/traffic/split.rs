//! Lists of backends with weights: what they say of two of them, and how the share of one becomes another, the others untouched. Pure.

use serde_json::{Value, json};

use crate::api::strategy::Weight;

/// A Service, or the part of it that a subset names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Backend {
    pub service: String,
    pub subset: Option<String>,
}

impl Backend {
    pub(super) fn service(name: &str) -> Self {
        Self { service: name.to_owned(), subset: None }
    }
}

/// How a kind of object writes its backends.
pub(super) struct Dialect {
    /// The backends of this entry; nothing when it leads elsewhere, such as to another namespace.
    pub backend: fn(&Value, &str) -> Option<Backend>,
    /// Turns a copy of the first backend's entry into one for the second.
    pub retarget: fn(&mut Value, &Backend),
    /// Weight of an entry that states none, alone or beside others.
    pub unstated: fn(bool) -> i64,
}

/// The two backends in question, in a namespace.
pub(super) struct Two<'a> {
    pub namespace: &'a str,
    pub first: Backend,
    pub second: Backend,
}

/// What one list says.
struct Found {
    first: usize,
    second: Option<usize>,
    /// Weights of the first and the second.
    weights: (i64, i64),
    /// Whether there are no others.
    alone: bool,
}

fn find(list: &[Value], dialect: &Dialect, two: &Two<'_>) -> Result<Option<Found>, String> {
    let places = |wanted: &Backend| -> Vec<usize> {
        let is_it = |entry: &Value| (dialect.backend)(entry, two.namespace).as_ref() == Some(wanted);
        list.iter().enumerate().filter(|(_, entry)| is_it(entry)).map(|(index, _)| index).collect()
    };
    let (first, second) = (places(&two.first), places(&two.second));
    let (first, second) = match (first.as_slice(), second.as_slice()) {
        ([], []) => return Ok(None),
        ([first], []) => (*first, None),
        ([first], [second]) => (*first, Some(*second)),
        ([], _) => return Err(format!("leads to {} and not to {}", name(&two.second), name(&two.first))),
        _ => return Err(format!("names {} or {} more than once", name(&two.first), name(&two.second))),
    };
    let weight = |index: usize| {
        let stated = list.get(index).and_then(|entry| entry.get("weight")).and_then(Value::as_i64);
        stated.unwrap_or_else(|| (dialect.unstated)(list.len() == 1))
    };
    let weights = (weight(first), second.map_or(0, weight));
    let alone = list.len() == 1 + usize::from(second.is_some());
    Ok(Some(Found { first, second, weights, alone }))
}

fn name(backend: &Backend) -> String {
    match &backend.subset {
        Some(subset) => format!("{} subset {subset}", backend.service),
        None => backend.service.clone(),
    }
}

/// The share of the second backend among the two; nothing when the list leads to neither.
pub(super) fn share(list: &[Value], dialect: &Dialect, two: &Two<'_>) -> Result<Option<Weight>, String> {
    let Some(found) = find(list, dialect, two)? else { return Ok(None) };
    let (first, second) = found.weights;
    if first < 0 || second < 0 || first + second == 0 {
        return Err(format!("sends nothing to {}", name(&two.first)));
    }
    let percent = (second * 100 + i64::midpoint(first, second)) / (first + second);
    Ok(u8::try_from(percent).ok().and_then(Weight::new))
}

/// The list with that share. Where the two are alone their weights add up to 100; beside others they keep their sum, so that the others
/// get what they got.
pub(super) fn with_share(
    list: &[Value],
    dialect: &Dialect,
    two: &Two<'_>,
    share: Weight,
) -> Result<Option<Vec<Value>>, String> {
    let Some(found) = find(list, dialect, two)? else { return Ok(None) };
    let sum = if found.alone { 100 } else { found.weights.0 + found.weights.1 };
    let part = sum * i64::from(share.percent());
    if part % 100 != 0 || sum <= 0 {
        return Err(format!(
            "gives {} the weight {sum} beside other backends, of which {share} is no whole number: multiply the weights of this rule by 100",
            name(&two.first)
        ));
    }
    let mut list = list.to_vec();
    let first = list.get(found.first).cloned().unwrap_or_default();
    let second = found.second.unwrap_or_else(|| {
        let mut entry = first;
        (dialect.retarget)(&mut entry, &two.second);
        list.insert(found.first + 1, entry);
        found.first + 1
    });
    for (index, weight) in [(found.first, sum - part / 100), (second, part / 100)] {
        if let Some(entry) = list.get_mut(index).and_then(Value::as_object_mut) {
            entry.insert("weight".to_owned(), json!(weight));
        }
    }
    Ok(Some(list))
}

/// The weight that the first backend states, as it was before anything was changed.
pub(super) fn stated(list: &[Value], dialect: &Dialect, two: &Two<'_>) -> Result<Option<Value>, String> {
    let Some(found) = find(list, dialect, two)? else { return Ok(None) };
    Ok(list.get(found.first).map(|entry| entry.get("weight").cloned().unwrap_or_default()))
}

/// The list without the second backend. `before` is what [`stated`] said once; nothing where that is not known.
pub(super) fn without_second(
    list: &[Value],
    dialect: &Dialect,
    two: &Two<'_>,
    before: Option<&Value>,
) -> Result<Option<Vec<Value>>, String> {
    let Some(found) = find(list, dialect, two)? else { return Ok(None) };
    let Some(second) = found.second else { return Ok(Some(list.to_vec())) };
    let mut list = list.to_vec();
    if let Some(entry) = list.get_mut(found.first).and_then(Value::as_object_mut) {
        let weight =
            if found.alone { before.cloned() } else { Some(json!(found.weights.0 + found.weights.1)) };
        match weight.filter(|weight| !weight.is_null()) {
            Some(weight) => entry.insert("weight".to_owned(), weight),
            None => entry.remove("weight"),
        };
    }
    list.remove(second);
    Ok(Some(list))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIALECT: Dialect = Dialect {
        backend: |entry, _| Some(Backend::service(entry["name"].as_str()?)),
        retarget: |entry, to| entry["name"] = to.service.clone().into(),
        unstated: |_| 1,
    };

    fn two() -> Two<'static> {
        Two { namespace: "a", first: Backend::service("api"), second: Backend::service("api-canary") }
    }

    fn list(value: &Value) -> Vec<Value> {
        value.as_array().unwrap().clone()
    }

    fn percent(value: u8) -> Weight {
        Weight::new(value).unwrap()
    }

    #[test]
    fn shares_are_read_among_the_two() {
        for (backends, expected) in [
            (json!([{"name": "other"}]), Ok(None)),
            (json!([{"name": "api"}]), Ok(Some(0))),
            (json!([{"name": "api", "weight": 90}, {"name": "api-canary", "weight": 10}]), Ok(Some(10))),
            (json!([{"name": "api"}, {"name": "api-canary"}]), Ok(Some(50))),
            (
                json!([{"name": "api", "weight": 2}, {"name": "api-canary", "weight": 1}, {"name": "x", "weight": 97}]),
                Ok(Some(33)),
            ),
            (json!([{"name": "api", "weight": 0}]), Err(())),
            (json!([{"name": "api-canary"}]), Err(())),
            (json!([{"name": "api"}, {"name": "api"}]), Err(())),
        ] {
            let found = share(&list(&backends), &DIALECT, &two());
            assert_eq!(found.map(|share| share.map(Weight::percent)).map_err(|_| ()), expected, "{backends}");
        }
    }

    #[test]
    fn there_and_back_leaves_everything_as_it_was() {
        for backends in [
            json!([{"name": "api", "port": 80}]),
            json!([{"name": "api", "port": 80, "weight": 7}]),
            json!([{"name": "x", "weight": 50}, {"name": "api", "weight": 100, "filters": [1]}, {"name": "y", "weight": 3}]),
        ] {
            let before = list(&backends);
            let weight = stated(&before, &DIALECT, &two()).unwrap().unwrap();
            let mut now = before.clone();
            for step in [10, 50, 50, 100, 0] {
                now = with_share(&now, &DIALECT, &two(), percent(step)).unwrap().unwrap();
                assert_eq!(share(&now, &DIALECT, &two()).unwrap().unwrap().percent(), step);
                let others = |list: &[Value]| -> Vec<Value> {
                    list.iter()
                        .filter(|one| !one["name"].as_str().unwrap().starts_with("api"))
                        .cloned()
                        .collect()
                };
                assert_eq!(others(&now), others(&before));
                let second = now.iter().find(|one| one["name"] == "api-canary").unwrap();
                let first = before.iter().find(|one| one["name"] == "api").unwrap();
                assert_eq!((&second["port"], &second["filters"]), (&first["port"], &first["filters"]));
            }
            let back = without_second(&now, &DIALECT, &two(), Some(&weight)).unwrap().unwrap();
            assert_eq!(back, before);
        }
    }

    #[test]
    fn beside_others_only_whole_parts_are_given() {
        let backends = list(&json!([{"name": "api", "weight": 5}, {"name": "x", "weight": 5}]));
        let refused = with_share(&backends, &DIALECT, &two(), percent(10)).unwrap_err();
        assert!(refused.contains("multiply"), "{refused}");
        let shared = with_share(&backends, &DIALECT, &two(), percent(20)).unwrap().unwrap();
        assert_eq!(shared[..2].iter().map(|one| one["weight"].as_i64().unwrap()).collect::<Vec<_>>(), [4, 1]);
    }
}
