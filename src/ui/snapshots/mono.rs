//! Screens without colour: what tells one thing from another there.

use ratatui::buffer::Buffer;
use ratatui::style::Modifier;
use std::fmt::Write as _;

use super::recorded::Pictures;
use super::windows::windows;
use super::{SIZES, open, screen, states, text};
use crate::ui::theme::Theme;

/// A screen without colour: each line, and below it how its cells are drawn: Bold, Underlined, Reversed, dim as a dot, plain as
/// nothing. Lines that are all plain have no second line.
fn attributes(buf: &Buffer) -> String {
    let lines: Vec<String> = text(buf).lines().map(str::to_owned).collect();
    let mut out = String::new();
    for (row, line) in buf.content.chunks(usize::from(buf.area.width)).zip(lines) {
        let drawn = row.iter().map(|cell| match cell.modifier {
            all if all.contains(Modifier::REVERSED) => 'R',
            all if all.contains(Modifier::UNDERLINED) => 'U',
            all if all.contains(Modifier::BOLD) => 'B',
            all if all.contains(Modifier::DIM) => '.',
            _ => ' ',
        });
        let drawn: String = drawn.collect();
        let _ = writeln!(out, "  {line}");
        if !drawn.trim().is_empty() {
            let _ = writeln!(out, "> {}", drawn.trim_end());
        }
    }
    out
}

/// Screens on which colour marks something: what is live, lost or refused, and what must be typed.
pub(super) fn pictures() -> Pictures {
    let theme = Theme::named("mono");
    let mut pictures = Pictures::default();
    for (state, world) in states().into_iter().filter(|(state, _)| *state != "empty") {
        for view in ["home", "release"] {
            let store = open(world.store.clone(), view);
            pictures.add(format!("{view}-{state}-80x24"), attributes(&screen(&store, &theme, SIZES[0])));
        }
    }
    for (name, world) in
        windows().into_iter().filter(|(name, _)| ["approve-typed", "weight-confirm"].contains(name))
    {
        pictures.add(format!("window-{name}-80x24"), attributes(&screen(&world.store, &theme, SIZES[0])));
    }
    pictures
}
