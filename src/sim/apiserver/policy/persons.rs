//! The rules about people with several accounts: nobody approves their own release or reviews their own debt, by whatever account.

use serde::Deserialize as _;
use serde_json::Value;

use super::rules::refuse;
use super::{Case, Verdict};
use crate::api::environment::Identity;
use crate::domain::identity;
use crate::sim::kinds::{at, list, text};

/// Whether two accounts are one person, as the environment's `spec.identity` tells it.
fn is_same(case: &Case<'_>, one: &str, other: &str) -> bool {
    let rule = at(case.environment, &["spec", "identity"]).and_then(|rule| Identity::deserialize(rule).ok());
    identity::is_same(rule.as_ref(), one, other)
}

/// `bob`, or `bob-admin, the same person as bob,`.
fn named(user: &str, other: &str) -> String {
    if user == other { user.to_owned() } else { format!("{user}, the same person as {other},") }
}

pub(super) fn self_approval(case: &Case<'_>) -> Verdict {
    let off = at(case.environment, &["spec", "approval", "preventSelfApproval"]) == Some(&Value::Bool(false));
    let (user, requester) =
        (case.request.user.name.as_str(), text(case.object, &["spec", "release", "requestedBy"]));
    let own = is_same(case, user, requester);
    refuse(text(case.object, &["spec", "action"]) == "Approve" && !off && own, || {
        format!(
            "SelfApproval: {} requested release {} and may not approve it",
            named(user, requester),
            text(case.object, &["spec", "release", "name"])
        )
    })
}

pub(super) fn self_review(case: &Case<'_>) -> Verdict {
    let debt = text(case.object, &["spec", "parameters", "debt"]);
    let debts = list(case.environment, &["status", "debts"]);
    let debtor = text(debts.iter().find(|known| text(known, &["id"]) == debt)?, &["by"]);
    let user = case.request.user.name.as_str();
    let own = is_same(case, user, debtor);
    refuse(text(case.object, &["spec", "action"]) == "Review" && own, || {
        format!("SelfReview: {} left the debt {debt} behind and may not review it", named(user, debtor))
    })
}
