//! Questions in lines: what is asked, and what an answer does. Nothing is sent before the phrase or a yes was typed.

use crate::app::dialogs::Pressed;
use crate::app::state::confirm::Confirm;
use crate::app::state::effect::Effect;
use crate::app::state::form::Field;
use crate::app::state::store::Store;
use crate::app::state::ui_state::Overlay;
use crate::app::{ask, input};
use crate::config::key::{KeyChord, KeyCode};

/// What an open window asks or tells; the same as long as nothing is answered.
pub(super) fn asked(overlay: &Overlay) -> Vec<String> {
    match overlay {
        Overlay::Confirm(confirm) => {
            let mut lines = vec![format!("question: {}", confirm.title)];
            lines.extend(confirm.changes.iter().map(|change| {
                let from = change.from.as_deref().unwrap_or("nothing known");
                format!("changes {}: {from} to {}", change.component, change.to)
            }));
            lines.extend(confirm.warnings.iter().map(|warning| format!("warning: {warning}")));
            lines.extend(confirm.changed.iter().map(|changed| format!("changed meanwhile: {changed}")));
            lines.extend(confirm.lock.iter().map(|lock| format!("cannot be sent: {lock}")));
            lines.extend(confirm.refusal.iter().map(|refusal| format!("refused: {refusal}")));
            lines.push(wanted(confirm));
            lines
        }
        Overlay::Message { title, text } => {
            let text = text.lines().filter(|line| !line.trim().is_empty());
            std::iter::once(format!("message: {title}")).chain(text.map(str::to_owned)).collect()
        }
        _ => Vec::new(),
    }
}

/// What is true right now, where something is asked.
pub(super) fn facts(overlay: &Overlay) -> Vec<String> {
    let Overlay::Confirm(confirm) = overlay else { return Vec::new() };
    let told = confirm.facts.iter().map(|fact| {
        let bad = if fact.bad { " (speaks against it)" } else { "" };
        format!("now {}: {}{bad}", fact.label, fact.value)
    });
    told.collect()
}

/// What is to be typed next.
fn wanted(confirm: &Confirm) -> String {
    let verb = &confirm.verb;
    if !confirm.changed.is_empty() || confirm.lock.is_some() {
        return "type cancel, and ask anew".to_owned();
    }
    match (&confirm.reason, &confirm.phrase) {
        (Some(reason), _) if !reason.is_given() => {
            format!("type the reason, {} characters at least, or cancel", reason.least)
        }
        (_, Some(phrase)) => format!("type {} to {verb}, or cancel", phrase.expected),
        _ => format!("type yes to {verb}, or cancel"),
    }
}

/// Takes an answer; says what must be said of it.
pub(super) fn confirm(store: &mut Store, line: &str) -> (Vec<Effect>, Vec<String>) {
    let Some(Overlay::Confirm(mut confirm)) = store.ui.overlays.pop() else { return Default::default() };
    if matches!(line, "cancel" | "no" | "n") {
        store.ui.overlays.retain(|overlay| !matches!(overlay, Overlay::Form(_) | Overlay::Weight(_)));
        return (Vec::new(), vec!["cancelled: nothing was sent".to_owned()]);
    }
    ask::renew(store, &mut confirm);
    let said = match (&mut confirm.reason, &mut confirm.phrase) {
        (Some(reason), _) if !reason.is_given() => {
            reason.editor.set(line);
            vec![wanted(&confirm)]
        }
        (_, Some(phrase)) if line != phrase.expected => {
            vec!["that is not the phrase: nothing was sent".to_owned(), wanted(&confirm)]
        }
        (_, None) if !matches!(line, "yes" | "y") => {
            vec!["that is no answer: nothing was sent".to_owned(), wanted(&confirm)]
        }
        (_, phrase) => {
            if let Some(phrase) = phrase {
                phrase.editor.set(line);
            }
            if let Some(effects) = ask::accept(store, &mut confirm) {
                return (effects, Vec::new());
            }
            if let Some(phrase) = &mut confirm.phrase {
                phrase.editor.set("");
            }
            asked(&Overlay::Confirm(confirm.clone()))
        }
    };
    store.ui.overlays.push(Overlay::Confirm(confirm));
    (Vec::new(), said)
}

/// A form that a command has opened is sent as it stands, or closed with what is missing: in lines, all words come with the command.
/// Other windows have nothing to tell here and are closed.
pub(super) fn submit(store: &mut Store, said: &mut Vec<String>) -> Vec<Effect> {
    let enter = KeyChord::plain(KeyCode::Enter);
    let problem = match store.ui.overlays.last_mut() {
        Some(Overlay::Form(form)) => {
            form.focus = Field::Submit;
            form.problem.clone()
        }
        Some(Overlay::Weight(form)) => {
            Some(format!("weight {}: say it with the command, such as weight 30 REASON", form.now))
        }
        Some(Overlay::Confirm(_) | Overlay::Message { .. }) | None => return Vec::new(),
        Some(_) => {
            store.ui.overlays.pop();
            said.push("this command needs words here: help lists them".to_owned());
            return Vec::new();
        }
    };
    if let Some(problem) = problem {
        store.ui.overlays.pop();
        said.push(format!("nothing was sent: {problem}"));
        return Vec::new();
    }
    match input::into_window(store, enter, false) {
        Pressed::Taken(effects) => effects,
        Pressed::Passed => Vec::new(),
    }
}
