//! What `/` looks for: text, `!text`, or `-l key=value`.

use crate::domain::pod_row::PodRow;

/// What is looked for in a pane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    text: String,
}

impl Filter {
    /// The filter that a person typed; none when there is nothing to look for.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty() && text != "!" && text != "-l").then(|| Self { text: text.to_owned() })
    }

    /// As it was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether a row with these words is shown. Case does not matter; every word must be found, `!` inverts.
    #[must_use]
    pub fn matches(&self, words: &[&str]) -> bool {
        let (text, inverted) = self.inverted();
        let found = text
            .split_whitespace()
            .all(|wanted| words.iter().any(|word| contains_ignoring_case(word, wanted)));
        found != inverted
    }

    /// Whether a pod is shown. `-l` asks for a label of it or for `track`, `version`, `node`, `status`, `owner`, `ip` or `namespace`,
    /// with `=`, `!=`, alone for being there, or `!` before it for not being there; several separated by commas.
    #[must_use]
    pub fn matches_pod(&self, pod: &PodRow) -> bool {
        let words = [&pod.key.name, &pod.status, &pod.version, &pod.track, &pod.owner, &pod.node, &pod.ip];
        self.matches_labelled(&words.map(|word| &**word), |key| label(key, pod))
    }

    /// Whether something with labels is shown: as [`Filter::matches`], and `-l` asks for a label of it as of a pod's.
    #[must_use]
    pub fn matches_labelled<'a>(&self, words: &[&str], label: impl Fn(&str) -> Option<&'a str>) -> bool {
        let (text, inverted) = self.inverted();
        match text.strip_prefix("-l") {
            Some(terms) => every_term_holds(terms, label) != inverted,
            None => self.matches(words),
        }
    }

    fn inverted(&self) -> (&str, bool) {
        match self.text.strip_prefix('!') {
            Some(rest) => (rest.trim(), true),
            None => (&self.text, false),
        }
    }
}

fn every_term_holds<'a>(terms: &str, label: impl Fn(&str) -> Option<&'a str>) -> bool {
    terms.split(',').map(str::trim).filter(|term| !term.is_empty()).all(|term| term_holds(term, &label))
}

fn term_holds<'a>(term: &str, label: impl Fn(&str) -> Option<&'a str>) -> bool {
    let (key, value, wanted) = match (term.split_once("!="), term.split_once('=')) {
        (Some((key, value)), _) => (key, value, false),
        (None, Some((key, value))) => (key, value.trim_start_matches('='), true),
        (None, None) => {
            let (key, wanted) = term.strip_prefix('!').map_or((term, true), |key| (key.trim(), false));
            return label(key).is_some_and(|have| !have.is_empty()) == wanted;
        }
    };
    // As kubectl has it: a label that is not there differs from every value.
    label(key.trim()).map_or(!wanted, |have| (have == value.trim()) == wanted)
}

fn label<'a>(key: &str, pod: &'a PodRow) -> Option<&'a str> {
    match key {
        "track" => Some(&pod.track),
        "version" => Some(&pod.version),
        "node" => Some(&pod.node),
        "status" => Some(&pod.status),
        "owner" => Some(&pod.owner),
        "namespace" => Some(&pod.key.namespace),
        "ip" => Some(&pod.ip),
        "pod-template-hash" | "revision" => Some(&pod.template_hash),
        _ => pod.labels.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')),
    }
}

fn contains_ignoring_case(text: &str, wanted: &str) -> bool {
    if wanted.is_ascii() {
        text.as_bytes().windows(wanted.len()).any(|part| part.eq_ignore_ascii_case(wanted.as_bytes()))
    } else {
        text.to_lowercase().contains(&wanted.to_lowercase())
    }
}
