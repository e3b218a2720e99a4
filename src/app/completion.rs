//! What a line of the palette may mean.

mod arguments;

use crate::app::command::{self, COMMANDS};
use crate::app::state::command::Command;
use crate::app::state::palette::{Choice, Palette};
use crate::app::state::scope::Group;
use crate::app::state::store::Store;
use crate::app::state::ui_state::Overlay;
use crate::app::target::target;

pub(super) use arguments::{aimed, chooses, misnamed};

/// How many choices are offered at most.
const OFFERED: usize = 12;

/// The command that a line names in full, and the words after it.
pub(in crate::app) fn parse(line: &str) -> Option<(&'static Command, Option<String>)> {
    let (word, rest) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
    let rest = rest.trim();
    command::find(word).map(|command| (command, (!rest.is_empty()).then(|| rest.to_owned())))
}

/// What the line may mean, best first.
pub(in crate::app) fn complete(store: &Store, palette: &mut Palette) {
    let typed = palette.editor.text().trim_start();
    palette.choices = match typed.split_once(char::is_whitespace) {
        Some((word, rest)) => parse(word)
            .map_or_else(Vec::new, |(command, _)| arguments::complete(store, command, rest.trim_start())),
        None => commands(store, typed),
    };
    palette.choices.truncate(OFFERED);
    palette.selected = palette.selected.min(palette.choices.len().saturating_sub(1));
}

/// Completes the line of a palette that was just opened.
pub(super) fn begin(store: &mut Store) {
    let Some(Overlay::Palette(palette)) = store.ui.overlays.last() else { return };
    if !palette.choices.is_empty() {
        return;
    }
    let mut palette = palette.clone();
    complete(store, &mut palette);
    if let Some(wanted) = palette.wanted.take() {
        palette.selected = palette.choices.iter().position(|choice| choice.completion == wanted).unwrap_or(0);
    }
    if let Some(top) = store.ui.overlays.last_mut() {
        *top = Overlay::Palette(palette);
    }
}

fn commands(store: &Store, typed: &str) -> Vec<Choice> {
    let target = target(store);
    let mut ranked: Vec<(u8, Choice)> = COMMANDS
        .iter()
        .copied()
        .filter(|command| command.group != Group::Moving || command.id == "environment")
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
