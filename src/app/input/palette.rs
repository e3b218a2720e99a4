//! Keys in the palette.

use crate::app::dialogs::Pressed;
use crate::app::state::effect::Effect;
use crate::app::state::palette::Palette;
use crate::app::state::store::Store;
use crate::app::state::target::Invocation;
use crate::app::state::toast::Level;
use crate::app::state::ui_state::Overlay;
use crate::app::{completion, invoke};
use crate::config::key::{KeyChord, KeyCode};

pub(super) fn press(store: &mut Store, chord: KeyChord, mut palette: Palette) -> Pressed {
    let last = palette.choices.len().saturating_sub(1);
    match chord.code() {
        KeyCode::Esc => return Pressed::Taken(Vec::new()),
        KeyCode::Backspace if palette.editor.text().is_empty() => return Pressed::Taken(Vec::new()),
        KeyCode::Enter => return Pressed::Taken(enter(store, &palette)),
        KeyCode::Down => palette.selected = (palette.selected + 1).min(last),
        KeyCode::Up => palette.selected = palette.selected.saturating_sub(1),
        KeyCode::Tab => {
            if let Some(choice) = palette.choices.get(palette.selected) {
                let line = format!("{} ", choice.completion.clone());
                palette.editor.set(&line);
                completion::complete(store, &mut palette);
            }
        }
        _ => {
            if !palette.editor.key(chord) {
                store.ui.overlays.push(Overlay::Palette(palette));
                return Pressed::Passed;
            }
            palette.selected = 0;
            completion::complete(store, &mut palette);
        }
    }
    store.ui.overlays.push(Overlay::Palette(palette));
    Pressed::Taken(Vec::new())
}

/// A line that names a command is run as it stands; else the chosen completion is.
fn enter(store: &mut Store, palette: &Palette) -> Vec<Effect> {
    let typed = palette.editor.text().trim();
    if typed.is_empty() && palette.selected == 0 {
        return Vec::new();
    }
    let chosen = palette.choices.get(palette.selected).map(|choice| choice.completion.clone());
    let meant =
        completion::parse(typed).is_some_and(|(command, _)| !completion::chooses(command, palette, typed));
    let line = if meant && palette.selected == 0 { Some(typed.to_owned()) } else { chosen };
    run_line(store, line.as_deref().unwrap_or(typed))
}

/// Runs a line that names a command in full.
pub(in crate::app) fn run_line(store: &mut Store, line: &str) -> Vec<Effect> {
    let Some((command, argument)) = completion::parse(line) else {
        store.say(Level::Warning, format!("`{line}` is not a command: `?` lists them"));
        return Vec::new();
    };
    if let Some(why) = completion::misnamed(store, command, argument.as_deref()) {
        store.say(Level::Warning, why);
        return Vec::new();
    }
    let (target, argument) = completion::aimed(store, command, argument);
    invoke::invoke(store, command, &Invocation { target, argument, key: None })
}
