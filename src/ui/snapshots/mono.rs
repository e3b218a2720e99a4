//! Screens without colour: what tells one thing from another there.

use ratatui::buffer::Buffer;
use ratatui::style::Modifier;
use std::fmt::Write as _;

use super::windows::windows;
use super::{SIZES, open, screen, snapshot, states, text};
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

#[test]
fn without_colour_weight_tells_what_matters() {
    let theme = Theme::named("mono");
    for (state, world) in states() {
        for view in ["home", "release", "inbox"] {
            let store = open(world.store.clone(), view);
            snapshot(&format!("mono-{view}-{state}-80x24"), &attributes(&screen(&store, &theme, SIZES[0])));
        }
    }
    for (name, world) in
        windows().into_iter().filter(|(name, _)| ["approve-typed", "weight-confirm"].contains(name))
    {
        snapshot(&format!("mono-window-{name}-80x24"), &attributes(&screen(&world.store, &theme, SIZES[0])));
    }
}
