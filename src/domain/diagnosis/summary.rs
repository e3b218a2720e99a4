//! One cause out of many: what keeps a release or an environment from getting well.

use super::facts::Facts;
use super::{CAUSES, Diagnosis, diagnose};

/// A thing that was looked at, and what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case<T> {
    /// What was looked at.
    pub subject: T,
    /// What was found.
    pub diagnosis: Diagnosis,
    /// How many others show the same cause.
    pub others: usize,
}

impl<T> Case<T> {
    /// The sentence, with the name of what it is about and how many more there are.
    #[must_use]
    pub fn sentence(&self, name: &str) -> String {
        let sentence = &self.diagnosis.sentence;
        match self.others {
            0 => format!("{name}: {sentence}"),
            others => format!("{name} and {others} more: {sentence}"),
        }
    }
}

/// The cause that most subjects show; among equals, the one that explains the others.
#[must_use]
pub(crate) fn foremost<'a, T>(subjects: impl IntoIterator<Item = (T, Facts<'a>)>) -> Option<Case<T>> {
    let mut cases: Vec<Case<T>> = Vec::new();
    for (subject, facts) in subjects {
        let Some(diagnosis) = diagnose(&facts) else { continue };
        match cases.iter_mut().find(|case| case.diagnosis.id == diagnosis.id) {
            Some(case) => case.others = case.others.saturating_add(1),
            None => cases.push(Case { subject, diagnosis, others: 0 }),
        }
    }
    let rank = |id: &str| CAUSES.iter().position(|cause| cause.id == id);
    cases.into_iter().min_by_key(|case| (std::cmp::Reverse(case.others), rank(case.diagnosis.id)))
}
