//! Keys in the palette, and what a typed line may mean.

mod arguments;

use super::Pressed;
use crate::app::command::{self, COMMANDS, Command, Invocation};
use crate::app::effect::Effect;
use crate::app::palette::{Choice, Palette};
use crate::app::store::Store;
use crate::app::target::target;
use crate::app::toast::Level;
use crate::app::ui_state::Overlay;
use crate::app::update;
use crate::config::key::{KeyChord, KeyCode};

/// Short names that fingers know.
const ALIASES: [(&str, &str); 7] = [
    ("q", "quit"),
    ("q!", "quit"),
    ("env", "environment"),
    ("rel", "release"),
    ("undo", "rollback"),
    ("h", "help"),
    ("handover", "hand-over"),
];
/// How many choices are offered at most.
const OFFERED: usize = 12;

/// Opens the palette.
pub(in crate::app) fn open(store: &mut Store) {
    open_with(store, "");
}

/// Opens the palette with the beginning of a line.
pub(in crate::app) fn open_with(store: &mut Store, line: &str) {
    let mut palette = Palette::default();
    palette.editor.set(line);
    complete(store, &mut palette);
    store.ui.overlays.push(Overlay::Palette(palette));
}

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
                complete(store, &mut palette);
            }
        }
        _ => {
            if !palette.editor.key(chord) {
                store.ui.overlays.push(Overlay::Palette(palette));
                return Pressed::Passed;
            }
            palette.selected = 0;
            complete(store, &mut palette);
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
    let meant = parse(typed).is_some_and(|(command, _)| !arguments::chooses(command, palette, typed));
    let line = if meant && palette.selected == 0 { Some(typed.to_owned()) } else { chosen };
    run_line(store, line.as_deref().unwrap_or(typed))
}

/// Runs a line that names a command in full.
pub(in crate::app) fn run_line(store: &mut Store, line: &str) -> Vec<Effect> {
    let Some((command, argument)) = parse(line) else {
        store.say(Level::Warning, format!("`{line}` is not a command: `?` lists them"));
        return Vec::new();
    };
    let (target, argument) = arguments::aimed(store, command, argument);
    update::invoke(store, command, &Invocation { target, argument, key: None })
}

/// The command that a line names in full, and the words after it.
fn parse(line: &str) -> Option<(&'static Command, Option<String>)> {
    let (word, rest) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
    let id = ALIASES.iter().find(|(alias, _)| *alias == word).map_or(word, |(_, id)| id);
    let rest = rest.trim();
    command::find(id).map(|command| (command, (!rest.is_empty()).then(|| rest.to_owned())))
}

/// What the line may mean, best first.
pub(super) fn complete(store: &Store, palette: &mut Palette) {
    let typed = palette.editor.text().trim_start();
    palette.choices = match typed.split_once(char::is_whitespace) {
        Some((word, rest)) => parse(word)
            .map_or_else(Vec::new, |(command, _)| arguments::complete(store, command, rest.trim_start())),
        None => commands(store, typed),
    };
    palette.choices.truncate(OFFERED);
    palette.selected = palette.selected.min(palette.choices.len().saturating_sub(1));
}

fn commands(store: &Store, typed: &str) -> Vec<Choice> {
    let target = target(store);
    let mut ranked: Vec<(u8, Choice)> = COMMANDS
        .iter()
        .copied()
        .filter(|command| command.group != command::Group::Moving || command.id == "environment")
        .filter_map(|command| {
            let rank = rank(typed, command.id).min(rank(typed, command.title));
            let unavailable = command::availability(store, command, &target).reason().map(str::to_owned);
            (rank < NO_MATCH).then(|| {
                let choice =
                    Choice { completion: command.id.to_owned(), help: command.help.to_owned(), unavailable };
                (rank, choice)
            })
        })
        .collect();
    if typed.chars().count() >= 2 {
        let places = arguments::environments(store, typed).into_iter().map(|choice| (2, choice));
        let releases = arguments::releases(store, typed).into_iter().map(|choice| (2, choice));
        ranked.extend(places.chain(releases));
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, choice)| choice).collect()
}

const NO_MATCH: u8 = 9;

/// How well a word fits what is typed: at its beginning, inside, or letter by letter in order.
fn rank(typed: &str, word: &str) -> u8 {
    let (typed, word) = (typed.to_lowercase(), word.to_lowercase());
    if word.starts_with(&typed) {
        return 0;
    }
    if word.contains(&typed) {
        return 1;
    }
    let mut letters = word.chars();
    if typed.chars().all(|wanted| letters.any(|letter| letter == wanted)) { 3 } else { NO_MATCH }
}
