//! `help`: the pages of documentation, and the help of commands.

use std::io::Write as _;

use clap::CommandFactory as _;

use super::grammar::Arguments;
use super::{CliError, Exit, key_page};

/// The pages of documentation, by topic. `keys` is made of the registry of commands.
const TOPICS: [(&str, &str); 9] = [
    ("install", include_str!("../../assets/docs/install.md")),
    ("commands", include_str!("../../assets/docs/commands.md")),
    ("metrics", include_str!("../../assets/docs/metrics.md")),
    ("analyses", include_str!("../../assets/docs/analyses.md")),
    ("integrations", include_str!("../../assets/docs/integrations.md")),
    ("records", include_str!("../../assets/docs/records.md")),
    ("settings", include_str!("../../assets/docs/settings.md")),
    ("architecture", include_str!("../../assets/docs/architecture.md")),
    ("changelog", include_str!("../../assets/docs/changelog.md")),
];

/// Prints a page, the help of a command, or what there is.
pub(super) fn help(topic: Option<&str>) -> Result<Exit, CliError> {
    let text = match topic {
        None => {
            let help = Arguments::command().render_long_help();
            format!("{help}\nTopics (release-cockpit help TOPIC):\n  {}\n", topics().join(", "))
        }
        Some(topic) => page(topic).ok_or_else(|| {
            let known = topics().join(", ");
            CliError::new(Exit::Usage, format!("no help about `{topic}`; topics: {known}; or name a command"))
        })?,
    };
    // whoever closes the pipe has read enough
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(Exit::Ok)
}

fn topics() -> Vec<&'static str> {
    std::iter::once("keys").chain(TOPICS.iter().map(|(topic, _)| *topic)).collect()
}

fn page(topic: &str) -> Option<String> {
    if topic == "keys" {
        return Some(key_page());
    }
    if let Some((_, page)) = TOPICS.iter().find(|(name, _)| *name == topic) {
        return Some((*page).to_owned());
    }
    let mut all = Arguments::command();
    all.build();
    all.find_subcommand_mut(topic).map(|command| command.render_long_help().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_and_every_command_has_a_page() {
        for topic in topics() {
            assert!(page(topic).unwrap().starts_with("# "), "{topic}");
        }
        for verb in super::super::verbs() {
            assert!(page(&verb).unwrap().contains("Usage:"), "{verb}");
        }
        assert_eq!(page("nothing"), None);
        let error = help(Some("kyes")).unwrap_err();
        assert!(error.to_string().contains("keys, install, commands"), "{error}");
    }
}
