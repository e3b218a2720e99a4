//! How long names of objects and values of labels may be, counting what Kubernetes derives from them.

use crate::api::environment::WorkloadKind;
use crate::domain::workload_kind;

/// The longest name of a Service, and the longest value of a label.
pub(crate) const LABEL: usize = 63;
/// The longest name of other objects.
pub(crate) const SUBDOMAIN: usize = 253;

/// A name or label value that a release would write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewName {
    /// What bears it: `Service`, `Label app`.
    pub what: String,
    /// The name or value itself.
    pub text: String,
    /// The longest that Kubernetes accepts, in bytes.
    pub limit: usize,
    /// Why the limit is shorter than that of the kind; nothing where it is not.
    pub because: Option<&'static str>,
    /// What to change, up to its new length: `use a Service` (of at most … characters).
    pub remedy: String,
    /// How much longer than the thing to be changed it is.
    pub suffix: usize,
}

impl NewName {
    /// What is wrong with it, with the remedy; nothing where it is short enough.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        let Self { what, text, limit, remedy, .. } = self;
        let because = self.because.map(|why| format!(", because {why}")).unwrap_or_default();
        (text.len() > *limit).then(|| {
            format!(
                "{what} {text} is too long: {} characters, at most {limit}{because}. To fix it, {remedy} of at most {} characters",
                text.len(),
                limit.saturating_sub(self.suffix)
            )
        })
    }

    /// The name of a workload, given how much of it is a suffix.
    #[must_use]
    pub fn of_workload(kind: WorkloadKind, name: &str, suffix: usize) -> Self {
        let (limit, because) = workload_kind::row(kind).longest_name;
        let remedy = format!("use a {kind} with a name");
        Self { what: kind.to_string(), text: name.to_owned(), limit, because, remedy, suffix }
    }

    /// The name of a Service.
    #[must_use]
    pub fn of_service(name: &str, suffix: usize) -> Self {
        let remedy = "use a Service with a name".to_owned();
        Self {
            what: "Service".to_owned(),
            text: name.to_owned(),
            limit: LABEL,
            because: None,
            remedy,
            suffix,
        }
    }

    /// The value of a label.
    #[must_use]
    pub fn of_label(key: &str, value: &str, suffix: usize) -> Self {
        let remedy = format!("use pods whose label {key} has a value");
        Self {
            what: format!("Label {key}"),
            text: value.to_owned(),
            limit: LABEL,
            because: None,
            remedy,
            suffix,
        }
    }
}

/// Why a Service cannot have that name; nothing where it can.
#[must_use]
pub(crate) fn unfit_for_a_service(name: &str) -> Option<&'static str> {
    let is_edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let starts = name.chars().next().is_some_and(|c| c.is_ascii_lowercase());
    let fits = starts && is_edge(name.chars().last()) && name.chars().all(is_inner);
    (!fits).then_some("use lowercase letters, digits and hyphens, and begin with a letter")
}

/// Why a label cannot have that value; nothing where it can. Length is not judged.
#[must_use]
pub(crate) fn unfit_for_a_label(value: &str) -> Option<&'static str> {
    let is_edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let is_inner = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let fits = is_edge(value.chars().next()) && is_edge(value.chars().last()) && value.chars().all(is_inner);
    (!fits).then_some(
        "use letters, digits, hyphens, underscores and dots, and begin and end with a letter or digit",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_limit_counting_what_is_derived_from_it() {
        use WorkloadKind::{DaemonSet, Deployment, Rollout, StatefulSet};
        for (kind, limit) in [(Deployment, 242), (Rollout, 242), (StatefulSet, 52), (DaemonSet, 253)] {
            assert_eq!(NewName::of_workload(kind, &"a".repeat(limit), 0).problem(), None, "{kind}");
            let problem = NewName::of_workload(kind, &"a".repeat(limit + 1), 0).problem().unwrap();
            assert!(problem.contains(&format!(" {} characters, at most {limit}", limit + 1)), "{problem}");
            assert!(problem.ends_with(&format!("of at most {limit} characters")), "{problem}");
        }
        assert_eq!(NewName::of_service(&"a".repeat(63), 7).problem(), None);
    }

    #[test]
    fn a_problem_names_the_name_its_length_the_limit_and_the_remedy() {
        let name = format!("{}-canary", "a".repeat(60));
        let problem = NewName::of_service(&name, "-canary".len()).problem().unwrap();
        let expected = format!(
            "Service {name} is too long: 67 characters, at most 63. To fix it, use a Service with a name of at most 56 characters"
        );
        assert_eq!(problem, expected);
        let problem = NewName::of_label("app", &name, 7).problem().unwrap();
        assert!(
            problem.starts_with("Label app aaaa")
                && problem.contains("whose label app has a value of at most 56"),
            "{problem}"
        );
        let problem = NewName::of_workload(WorkloadKind::StatefulSet, &"db".repeat(30), 0).problem().unwrap();
        assert!(
            problem.contains("at most 52, because its pods bear the name of its revision as a label. "),
            "{problem}"
        );
    }

    #[test]
    fn what_the_server_would_refuse_for_its_form_is_found() {
        for good in ["a", "web-2", "a1"] {
            assert_eq!(unfit_for_a_service(good), None, "{good}");
        }
        for bad in ["", "A", "a.b", "-a", "a-", "1a", "a_b", "ä"] {
            assert!(unfit_for_a_service(bad).is_some(), "{bad}");
        }
        for good in ["a", "A_b.c-d", "1"] {
            assert_eq!(unfit_for_a_label(good), None, "{good}");
        }
        for bad in ["", "-a", "a b", "a/b", "a.", "ä"] {
            assert!(unfit_for_a_label(bad).is_some(), "{bad}");
        }
    }
}
