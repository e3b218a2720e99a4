//! A silence that is asked for: what is sent, and what is shown before.

use std::collections::BTreeSet;

use crate::api::environment::AlertmanagerRef;
use crate::app::state::confirm::{Confirm, Fact, Intent};
use crate::app::state::effect::SilenceAsk;
use crate::app::state::located::ClusterId;
use crate::app::state::store::Store;
use crate::domain::age::Age;
use crate::domain::silence::{Matcher, NewSilence, all_match};

/// What is sent when the answer is yes.
pub(super) fn asked(store: &Store, confirm: &Confirm) -> Option<(AlertmanagerRef, SilenceAsk)> {
    match &confirm.intent {
        Intent::Silence { to, matchers, span } => {
            let identity = store.cluster(confirm.environment.cluster)?.identity.as_ref()?;
            let reason = confirm.reason.as_ref().map_or("", |reason| reason.editor.text().trim());
            let silence = NewSilence {
                matchers: matchers.clone(),
                from: store.now,
                until: store.now + *span,
                by: identity.user.to_string(),
                comment: reason.to_owned(),
            };
            Some((to.reference.clone(), SilenceAsk::Create(Box::new(silence))))
        }
        Intent::Expire { to, silence } => {
            Some((to.reference.clone(), SilenceAsk::Expire(silence.id.clone())))
        }
        _ => None,
    }
}

/// What the person sees before a silence is made or ended: the matchers, and which alerts they match now.
pub(super) fn facts(store: &Store, confirm: &Confirm) -> Vec<Fact> {
    let good = |label, value: String| Fact { label, value, bad: false };
    let cluster = confirm.environment.cluster;
    match &confirm.intent {
        Intent::Silence { to, matchers, span } => {
            let by = store.cluster(cluster).and_then(|cluster| cluster.identity.as_ref());
            let until = store.now + *span;
            let mut facts = vec![good("alertmanager", to.name.to_string())];
            facts.extend(matchers.iter().map(|matcher| good("matcher", matcher.to_string())));
            facts.push(matched(store, cluster, matchers));
            facts.push(good("until", format!("{} ({})", until.format("%Y-%m-%d %H:%MZ"), Age::of(*span))));
            facts.push(good("by", by.map_or_else(String::new, |identity| identity.user.to_string())));
            facts
        }
        Intent::Expire { to, silence } => {
            let mut facts =
                vec![good("alertmanager", to.name.to_string()), good("silence", silence.id.to_string())];
            facts.extend(silence.matchers.iter().map(|matcher| good("matcher", matcher.to_string())));
            facts.push(matched(store, cluster, &silence.matchers));
            facts.push(good("made by", format!("{}: {}", silence.by, silence.comment)));
            facts.push(good("else until", silence.until.format("%Y-%m-%d %H:%MZ").to_string()));
            facts
        }
        _ => Vec::new(),
    }
}

/// How many alerts are meant right now, and which.
fn matched(store: &Store, cluster: ClusterId, matchers: &[Matcher]) -> Fact {
    let told = store.cluster(cluster).into_iter().flat_map(|cluster| cluster.alerts.values());
    let meant: Vec<&str> = told
        .flat_map(|told| &told.alerts)
        .filter(|alert| all_match(matchers, &alert.labels))
        .map(|alert| &*alert.name)
        .collect();
    let names: BTreeSet<&str> = meant.iter().copied().collect();
    let value = match meant.len() {
        0 => "no alert that is active now".to_owned(),
        1 => format!("1 alert that is active now: {}", meant[0]),
        several => {
            let names: Vec<&str> = names.into_iter().collect();
            format!("{several} alerts that are active now: {}", names.join(", "))
        }
    };
    Fact { label: "matches", value, bad: meant.is_empty() }
}
