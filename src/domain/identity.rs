//! Who is who: the accounts by which the API server knows people, and the one person behind them.
//!
//! Owns the rule by which two accounts are one person, so that nobody counts twice. Everything that compares people asks here;
//! nothing compares account names. Must not know what a person may do (the API server's own authorizer does).

use crate::api::Environment;
use crate::api::environment::IdentityRules;

/// The person behind an account: the name that the rule gives its accounts, else what is left of the account when the first
/// prefix and then the first suffix that fit are taken off. Never empty where the account is not.
///
/// What is left is looked up among the accounts again, so that a person with a listed account has no second self beside it.
#[must_use]
pub(crate) fn person<'a>(rule: Option<&'a IdentityRules>, account: &'a str) -> &'a str {
    let Some(rule) = rule else { return account };
    if let Some(name) = named(rule, account) {
        return name;
    }
    let bare = without_prefix(rule, account);
    if let Some(name) = named(rule, bare) {
        return name;
    }
    let bare = without_suffix(rule, bare);
    named(rule, bare).unwrap_or(bare)
}

/// As [`person`], by the rule of that environment; without an environment every account is a person.
#[must_use]
pub(crate) fn person_in<'a>(environment: Option<&'a Environment>, account: &'a str) -> &'a str {
    person(environment.and_then(|environment| environment.spec.identity.as_ref()), account)
}

/// Whether two accounts belong to one person.
#[must_use]
pub(crate) fn is_same(rule: Option<&IdentityRules>, one: &str, other: &str) -> bool {
    person(rule, one) == person(rule, other)
}

/// As [`is_same`], by the rule of that environment.
#[must_use]
pub(crate) fn is_same_in(environment: Option<&Environment>, one: &str, other: &str) -> bool {
    person_in(environment, one) == person_in(environment, other)
}

fn named<'a>(rule: &'a IdentityRules, account: &str) -> Option<&'a str> {
    let owns = |person: &&crate::api::environment::Person| person.accounts.iter().any(|a| a == account);
    rule.people.iter().find(owns).map(|person| person.name.as_str()).filter(|name| !name.is_empty())
}

fn without_prefix<'a>(rule: &IdentityRules, account: &'a str) -> &'a str {
    let fitting = rule.strip_prefixes.iter().filter(|prefix| !prefix.is_empty());
    fitting
        .filter_map(|prefix| account.strip_prefix(prefix.as_str()))
        .find(|rest| !rest.is_empty())
        .unwrap_or(account)
}

fn without_suffix<'a>(rule: &IdentityRules, account: &'a str) -> &'a str {
    let fitting = rule.strip_suffixes.iter().filter(|suffix| !suffix.is_empty());
    fitting
        .filter_map(|suffix| account.strip_suffix(suffix.as_str()))
        .find(|rest| !rest.is_empty())
        .unwrap_or(account)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::identity_rule;

    #[test]
    fn accounts_come_before_prefixes_and_prefixes_before_suffixes() {
        let rule = identity_rule();
        for (account, expected) in [
            ("carol", "carol"),
            ("carol-admin", "carol"),
            ("oidc:carol", "carol"),
            ("oidc:carol-admin", "carol"),
            ("dave@old.example", "dave"),
            ("oidc:dave@old.example", "dave"),
            // one prefix and one suffix, the first of the list that fits
            ("oidc:oidc:erin", "oidc:erin"),
            ("erin-ops-admin", "erin-ops"),
            ("erin-admin-ops", "erin-admin"),
            // never to nothing
            ("-admin", "-admin"),
            ("oidc:", "oidc:"),
            ("oidc:-admin", "-admin"),
            ("", ""),
            // a part of a name is no prefix of a person
            ("caroline", "caroline"),
        ] {
            assert_eq!(person(Some(&rule), account), expected, "{account}");
            assert_eq!(person(None, account), account);
        }
    }

    #[test]
    fn a_stripped_account_is_looked_up_again() {
        let mut rule = identity_rule();
        rule.people[0].name = "Dave D.".into();
        for account in ["dave", "dave-admin", "oidc:dave-admin", "dave@old.example", "oidc:dave@old.example"]
        {
            assert_eq!(person(Some(&rule), account), "Dave D.", "{account}");
        }
        assert!(is_same(Some(&rule), "dave-admin", "dave@old.example"));
        assert!(!is_same(Some(&rule), "dave", "erin"));
        assert!(!is_same(None, "dave", "dave-admin"));
    }

    #[test]
    fn rules_of_nothing_change_nothing() {
        let rule = IdentityRules {
            people: vec![crate::api::environment::Person { name: String::new(), accounts: vec!["x".into()] }],
            strip_prefixes: vec![String::new()],
            strip_suffixes: vec![String::new()],
        };
        assert_eq!(person(Some(&rule), "x"), "x");
    }
}
