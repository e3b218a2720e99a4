//! What concerns this terminal: the settings' file and what the terminal can do.

use std::io::IsTerminal as _;

use super::super::grammar::Global;
use super::super::{settings as flags, terminal as opening};
use super::Finding;
use crate::config::Settings;

/// Columns and rows below which the screen says that it is too small.
const COMFORTABLE: (u16, u16) = (80, 24);

/// The settings in force, and whether their file is valid; the defaults where it is not.
pub(super) fn settings(global: &Global) -> (Settings, Finding) {
    match flags::load(global) {
        Ok(settings) => {
            let file = settings.file.as_ref().map(|file| file.display().to_string());
            let finding = match opening::keymap(&settings) {
                Ok(_) => Finding::ok(
                    file.clone().unwrap_or_default(),
                    match file {
                        Some(_) => "the file is valid",
                        None => "there is no file: defaults are in force",
                    },
                ),
                Err(error) => Finding::fail(
                    "keymap",
                    error.to_string(),
                    "correct the key map, or take keymap out of the settings",
                ),
            };
            (settings, finding)
        }
        Err(error) => {
            let remedy = "correct the file; `release-cockpit config default` prints a valid one. The other checks used the defaults";
            (Settings::default(), Finding::fail("", error.to_string(), remedy))
        }
    }
}

/// Size, colours and characters.
pub(super) fn terminal(settings: &Settings) -> Vec<Finding> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if !std::io::stdout().is_terminal() {
        return vec![Finding::skipped("standard output is no terminal")];
    }
    let term = variable("TERM");
    let locale = variable("LC_ALL").or_else(|| variable("LC_CTYPE")).or_else(|| variable("LANG"));
    let name = term.as_deref().unwrap_or("no TERM");
    let size = crate::tui::terminal_size().map_or_else(
        || Finding::warn("size", "the terminal does not tell its size", "resize it, or use another terminal"),
        |(width, height)| {
            let evidence = format!("{width}x{height}");
            if width >= COMFORTABLE.0 && height >= COMFORTABLE.1 {
                Finding::ok("size", evidence)
            } else {
                Finding::warn("size", evidence, "80x24 show everything that matters")
            }
        },
    );
    let colours = if settings.draws_colours(term.as_deref()) {
        Finding::ok("colours", format!("drawn ({name})"))
    } else {
        Finding::ok(
            "colours",
            format!("not drawn ({name}, NO_COLOR or the settings): every state has a word and a glyph"),
        )
    };
    let characters = if settings.draws_ascii(term.as_deref(), locale.as_deref()) {
        Finding::warn(
            "characters",
            format!("ASCII only ({name}, locale {})", locale.as_deref().unwrap_or("unset")),
            "set LC_ALL or LANG to a UTF-8 locale, such as C.UTF-8",
        )
    } else {
        Finding::ok("characters", "UTF-8")
    };
    vec![size, colours, characters]
}
