//! `theme`.

use super::prelude::*;
use crate::config::registry::THEMES;

pub(super) const COMMAND: Command = Command {
    id: "theme",
    title: "theme",
    help: "Draw with another theme: :theme NAME, or the path of a theme file",
    keys: &[],
    scope: Scope::Everywhere,
    group: Group::Terminal,
    verb: None,
    cli: None,
    confirmation: Confirmation::None,
    availability: |_, _| Availability::Ready,
    run: |store, invocation| {
        if let Some(name) = &invocation.argument {
            return vec![Effect::Theme(name.as_str().into())];
        }
        let text = format!("the theme is {}; there are {}", store.theme, THEMES.join(", "));
        store.say(Level::Info, text);
        Vec::new()
    },
};
