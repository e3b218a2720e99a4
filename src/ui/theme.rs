//! Styles by role, and the glyphs that the terminal can show. Must not know where a theme came from.

use ratatui::style::{Color, Modifier, Style};

use crate::api::Tier;
use crate::config::theme as config;
use crate::config::theme::Role;
use crate::ui::glyphs::{ASCII, Glyphs, UNICODE};

/// How everything looks. Roles, not colours: a pane asks for [`Theme::failing`], never for red.
#[derive(Clone, Debug, PartialEq)]
pub struct Theme {
    /// Ordinary text.
    pub text: Style,
    /// Text of less importance.
    pub muted: Style,
    /// What deserves the eye without being a matter of health.
    pub accent: Style,
    /// The selected row.
    pub selection: Style,
    /// Does its work.
    pub healthy: Style,
    /// Deserves a look, or is on its way.
    pub warning: Style,
    /// Broken.
    pub failing: Style,
    /// Cannot be told.
    pub unknown: Style,
    /// The tier production.
    pub production: Style,
    /// The tier staging.
    pub staging: Style,
    /// The tier development.
    pub development: Style,
    /// Frames.
    pub border: Style,
    /// The frame of the pane that has the focus.
    pub border_focused: Style,
    /// Titles of panes.
    pub title: Style,
    /// Names of keys.
    pub key: Style,
    /// Data that is no longer in step with the server.
    pub stale: Style,
    /// The first curve of a pane.
    pub curve_a: Style,
    /// The second curve of a pane.
    pub curve_b: Style,
    /// Limits in the metric panes.
    pub threshold: Style,
    /// Deploy markers in the metric panes.
    pub marker: Style,
    /// What the terminal can show.
    pub glyphs: &'static Glyphs,
}

impl Theme {
    /// The terminal's styles for a theme as data.
    #[must_use]
    pub fn of(theme: &config::Theme) -> Self {
        let style = |role| terminal_style(theme.style(role));
        Self {
            text: style(Role::Text),
            muted: style(Role::Muted),
            accent: style(Role::Accent),
            selection: style(Role::Selection),
            healthy: style(Role::Healthy),
            warning: style(Role::Warning),
            failing: style(Role::Failing),
            unknown: style(Role::Unknown),
            production: style(Role::Production),
            staging: style(Role::Staging),
            development: style(Role::Development),
            border: style(Role::Border),
            border_focused: style(Role::BorderFocused),
            title: style(Role::Title),
            key: style(Role::Key),
            stale: style(Role::Stale),
            curve_a: style(Role::CurveA),
            curve_b: style(Role::CurveB),
            threshold: style(Role::Threshold),
            marker: style(Role::Marker),
            glyphs: &UNICODE,
        }
    }

    /// This theme with characters of ASCII only, for consoles whose fonts have no others.
    #[must_use]
    pub const fn ascii(mut self) -> Self {
        self.glyphs = &ASCII;
        self
    }

    /// The style of a tier.
    #[must_use]
    pub const fn tier(&self, tier: Tier) -> Style {
        match tier {
            Tier::Production => self.production,
            Tier::Staging => self.staging,
            Tier::Development => self.development,
        }
    }

    /// The style of the frame of a pane that shows data of this tier.
    #[must_use]
    pub fn frame(&self, tier: Option<Tier>, focused: bool) -> Style {
        match (tier, focused) {
            // Lines must not become solid bars where a theme marks production by reversal or by a ground of its own.
            (Some(Tier::Production), true) => self.production_line().remove_modifier(Modifier::REVERSED),
            (Some(Tier::Production), false) => {
                self.production_line().remove_modifier(Modifier::REVERSED | Modifier::BOLD)
            }
            (_, true) => self.border_focused,
            (_, false) => self.border,
        }
    }
}

impl Theme {
    /// Production's style for lines: its ground, where it has one, becomes the colour of the line.
    fn production_line(&self) -> Style {
        match self.production.bg.filter(|bg| Some(*bg) != self.text.bg) {
            Some(ground) => Style { fg: Some(ground), bg: self.text.bg, ..self.production },
            None => self.production,
        }
    }
}

fn terminal_style(style: config::Style) -> Style {
    let mut modifier = Modifier::empty();
    for (wanted, bit) in [
        (style.bold, Modifier::BOLD),
        (style.dim, Modifier::DIM),
        (style.italic, Modifier::ITALIC),
        (style.underlined, Modifier::UNDERLINED),
        (style.reversed, Modifier::REVERSED),
    ] {
        if wanted {
            modifier |= bit;
        }
    }
    Style { fg: style.fg.map(colour), bg: style.bg.map(colour), ..Style::new().add_modifier(modifier) }
}

const fn colour(colour: config::Colour) -> Color {
    match colour {
        config::Colour::Indexed(index) => Color::Indexed(index),
        config::Colour::Rgb(red, green, blue) => Color::Rgb(red, green, blue),
    }
}

#[cfg(test)]
impl Theme {
    /// The built-in theme of that name.
    pub(crate) fn named(name: &str) -> Self {
        Self::of(&config::Theme::load(name).unwrap())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn productions_frame_is_drawn_in_lines_and_never_in_bars() {
        for name in crate::config::registry::THEMES {
            let theme = Theme::named(name);
            for focused in [true, false] {
                let frame = theme.frame(Some(Tier::Production), focused);
                assert!(frame.bg.is_none() || frame.bg == theme.text.bg, "{name}: {frame:?}");
                assert!(!frame.add_modifier.contains(Modifier::REVERSED), "{name}");
                assert!(frame.fg.is_none() || frame.fg != frame.bg, "{name}: invisible");
            }
        }
    }
}
