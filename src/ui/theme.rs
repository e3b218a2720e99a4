//! Styles by role, and the glyphs that the terminal can show. Must not know where a theme came from.

use ratatui::style::{Color, Modifier, Style};

use crate::api::Tier;
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

impl Default for Theme {
    fn default() -> Self {
        Self::dark()
    }
}

impl Theme {
    /// The built-in theme for dark backgrounds. Uses the terminal's own 16 colours, which are short on the wire.
    #[must_use]
    pub const fn dark() -> Self {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        Self {
            text: plain,
            muted: plain.fg(Color::Indexed(245)),
            accent: plain.fg(Color::Cyan),
            selection: Style::new().bg(Color::Indexed(238)).add_modifier(Modifier::BOLD),
            healthy: plain.fg(Color::Green),
            warning: plain.fg(Color::Yellow),
            failing: bold.fg(Color::LightRed),
            unknown: plain.fg(Color::Indexed(245)).add_modifier(Modifier::ITALIC),
            production: bold.fg(Color::LightMagenta),
            staging: plain.fg(Color::Blue),
            development: plain.fg(Color::Indexed(245)),
            border: plain.fg(Color::Indexed(240)),
            border_focused: plain.fg(Color::Cyan),
            title: bold,
            key: bold.fg(Color::Cyan),
            stale: plain.fg(Color::Indexed(240)),
            curve_a: plain.fg(Color::Cyan),
            curve_b: plain.fg(Color::Yellow),
            threshold: plain.fg(Color::LightRed),
            marker: plain.fg(Color::Indexed(245)),
            glyphs: &UNICODE,
        }
    }

    /// A theme without colour: bold, dim, underlined and reversed only. For `NO_COLOR`.
    #[must_use]
    pub const fn mono() -> Self {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        let dim = plain.add_modifier(Modifier::DIM);
        let reversed = plain.add_modifier(Modifier::REVERSED);
        Self {
            text: plain,
            muted: dim,
            accent: bold,
            selection: reversed,
            healthy: plain,
            warning: plain.add_modifier(Modifier::UNDERLINED),
            failing: bold.add_modifier(Modifier::UNDERLINED),
            unknown: dim,
            production: bold.add_modifier(Modifier::REVERSED),
            staging: bold,
            development: plain,
            border: dim,
            border_focused: bold,
            title: bold,
            key: bold,
            stale: dim,
            curve_a: plain,
            curve_b: bold,
            threshold: dim,
            marker: dim,
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
            (Some(Tier::Production), true) => self.without_reverse(self.production),
            (Some(Tier::Production), false) => {
                self.without_reverse(self.production).remove_modifier(Modifier::BOLD)
            }
            (_, true) => self.border_focused,
            (_, false) => self.border,
        }
    }

    /// Frames made of line characters must not become solid bars where a theme marks production by reversal.
    fn without_reverse(&self, style: Style) -> Style {
        style.remove_modifier(Modifier::REVERSED)
    }
}
