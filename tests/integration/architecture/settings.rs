//! Every setting is read: one that is documented, parsed and printed, and then changes nothing, is a false promise.

use super::sources;

#[test]
fn every_setting_is_read_outside_of_the_settings() {
    let sources = sources();
    let settings = sources.iter().find(|source| source.inside == "config/settings.rs").expect("the settings");
    let (_, rest) = settings.code.split_once("pub struct Settings {").expect("the struct");
    let (fields, _) = rest.split_once("\n}").expect("its end");
    let fields: Vec<&str> = fields
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub ")?.split_once(':'))
        .map(|(name, _)| name)
        .collect();
    assert!(fields.len() > 20, "{fields:?}");
    let is_read = |field: &&str| {
        sources.iter().any(|source| {
            // the settings read their own fields where a setting depends on the terminal
            let access = if source.room == "config" { format!("self.{field}") } else { format!(".{field}") };
            source.code.match_indices(&access).any(|(at, _)| {
                let next = source.code[at + access.len()..].chars().next();
                next.is_none_or(|next| !next.is_alphanumeric() && next != '_')
            })
        })
    };
    let unread: Vec<&str> = fields.into_iter().filter(|field| !is_read(field)).collect();
    assert!(unread.is_empty(), "settings that nothing reads: {unread:?}");
}
