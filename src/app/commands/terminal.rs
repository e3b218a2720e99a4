//! The terminal itself: palette, help, themes, settings, leaving.

use super::prelude::*;
use crate::app::state::effect::BackgroundEffect;
use crate::app::state::effect::TerminalEffect;
use crate::app::state::ui_state::Overlay;
use crate::app::{dialogs, differences, help, palette, texts, tour, views};
use crate::config::registry::THEMES;

const ROW: Command = Command::ROW;

pub(super) const COMMANDS: &[Command] = &[
    Command {
        id: "palette",
        title: "command",
        help: "Run a command by name",
        keys: &[KeyChord::char(':')],
        run: |store, _| {
            palette::open(store);
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "help",
        title: "help",
        help: "Show all keys",
        keys: &[KeyChord::char('?')],
        run: |store, _| {
            store.ui.overlays.push(Overlay::Help { offset: 0, lines: help::lines().len() });
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "back",
        title: "back",
        help: "Close the view; clear filter and messages",
        keys: &[KeyChord::plain(KeyCode::Esc)],
        run: back,
        ..ROW
    },
    Command {
        id: "refresh",
        title: "refresh",
        help: "Refresh charts and differences now",
        keys: &[KeyChord::ctrl('r')],
        run: |store, _| {
            differences::refresh(store);
            vec![Effect::Background(BackgroundEffect::RefreshMetrics)]
        },
        ..ROW
    },
    Command {
        id: "redraw",
        title: "redraw",
        help: "Redraw the screen",
        keys: &[KeyChord::ctrl('l')],
        run: |_, _| vec![Effect::Terminal(TerminalEffect::Redraw)],
        ..ROW
    },
    Command {
        id: "theme",
        title: "theme",
        help: "Switch the theme: :theme NAME or a file",
        run: |store, invocation| {
            if let Some(name) = &invocation.argument {
                return vec![Effect::Terminal(TerminalEffect::Theme(name.as_str().into()))];
            }
            let text = format!("the theme is {}; there are {}", store.theme, THEMES.join(", "));
            store.say(Level::Info, text);
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "tour",
        title: "tour",
        help: "Start the tour; :tour off ends it",
        run: |store, invocation| {
            match invocation.argument.as_deref().map(str::trim) {
                None | Some("") => tour::begin(store),
                Some("off") => tour::leave(store),
                Some(other) => store.say(
                    Level::Warning,
                    format!("tour: `{other}` means nothing: it begins, or `off` leaves it"),
                ),
            }
            Vec::new()
        },
        ..ROW
    },
    Command {
        id: "reload",
        title: "reload",
        help: "Reload settings, key map and theme",
        run: |_, _| vec![Effect::Terminal(TerminalEffect::Reload)],
        ..ROW
    },
    Command {
        id: "suspend",
        title: "suspend",
        help: "Suspend to the shell (fg resumes)",
        keys: &[KeyChord::ctrl('z')],
        run: |_, _| vec![Effect::Terminal(TerminalEffect::Suspend)],
        ..ROW
    },
    Command {
        id: "quit",
        title: "quit",
        help: "Quit; releases continue without the terminal",
        keys: &[KeyChord::char('q'), KeyChord::ctrl('c')],
        run: |_, _| vec![Effect::Terminal(TerminalEffect::Quit)],
        ..ROW
    },
];

/// One thing at a time: messages, then what is searched for, then the filter, then the view.
fn back(store: &mut Store, _: &Invocation) -> Vec<Effect> {
    let focus = store.ui.focus;
    if !store.toasts.is_empty() {
        store.toasts.clear();
    } else if texts::search(store).is_some() {
        texts::set_search(store, None);
    } else if texts::filter(store).is_some() {
        texts::set_filter(store, None);
    } else if store.ui.filters.contains_key(&focus) {
        dialogs::filter::apply(store, focus, "");
    } else if !store.ui.marked.is_empty() {
        store.ui.marked.clear();
    } else if !views::pop(store) && !tour::awaits(store, "back") {
        tour::leave(store);
    }
    Vec::new()
}
