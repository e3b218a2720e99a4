//! The theme as plain data: a style for each role, read from TOML. Turning it into a terminal's styles is `ui`'s business.
//!
//! A style is written as words: a colour, `on` and a colour for the background, and any of `bold dim italic underlined reversed`,
//! such as `"bold red on 238"`. A colour is one of the sixteen names (`red`, `bright-red` …), a number of the 256-colour palette, or
//! `#rrggbb`. A user's theme may begin from a built-in one with `inherits = "dark"`.

#[cfg(test)]
mod contrast;

use std::collections::BTreeMap;
use std::path::Path;

use super::error::{ConfigError, Place, nearest};
use super::registry::THEMES;
use super::toml_file;

/// What something on the screen is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Ordinary text.
    Text,
    /// Text of less importance.
    Muted,
    /// What deserves the eye without being a matter of health.
    Accent,
    /// The selected row.
    Selection,
    /// Does its work.
    Healthy,
    /// Deserves a look, or is on its way.
    Warning,
    /// Broken.
    Failing,
    /// Cannot be told.
    Unknown,
    /// The tier production.
    Production,
    /// The tier staging.
    Staging,
    /// The tier development.
    Development,
    /// Frames.
    Border,
    /// The frame of the pane that has the focus.
    BorderFocused,
    /// Titles of panes.
    Title,
    /// Names of keys.
    Key,
    /// Data that is no longer in step with the server.
    Stale,
    /// The first curve of a pane.
    CurveA,
    /// The second curve of a pane.
    CurveB,
    /// Limits in the metric panes.
    Threshold,
    /// Deploy markers in the metric panes.
    Marker,
}

/// Every role with its key in a theme's file.
pub const ROLES: [(&str, Role); 20] = [
    ("text", Role::Text),
    ("muted", Role::Muted),
    ("accent", Role::Accent),
    ("selection", Role::Selection),
    ("healthy", Role::Healthy),
    ("warning", Role::Warning),
    ("failing", Role::Failing),
    ("unknown", Role::Unknown),
    ("production", Role::Production),
    ("staging", Role::Staging),
    ("development", Role::Development),
    ("border", Role::Border),
    ("border_focused", Role::BorderFocused),
    ("title", Role::Title),
    ("key", Role::Key),
    ("stale", Role::Stale),
    ("curve_a", Role::CurveA),
    ("curve_b", Role::CurveB),
    ("threshold", Role::Threshold),
    ("marker", Role::Marker),
];

/// A colour; the terminal's own where it has no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Colour {
    /// One of the terminal's 256; the first sixteen are its own choice.
    Indexed(u8),
    /// Red, green, blue.
    Rgb(u8, u8, u8),
}

/// How something is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Style {
    /// Foreground; absent: the terminal's own.
    pub fg: Option<Colour>,
    /// Background; absent: the terminal's own.
    pub bg: Option<Colour>,
    /// Bold.
    pub bold: bool,
    /// Dim.
    pub dim: bool,
    /// Italic.
    pub italic: bool,
    /// Underlined.
    pub underlined: bool,
    /// Foreground and background change places.
    pub reversed: bool,
}

/// A style for each role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Theme(BTreeMap<Role, Style>);

/// The sixteen colours that every terminal names for itself.
const NAMES: [&str; 16] = [
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "white",
    "bright-black",
    "bright-red",
    "bright-green",
    "bright-yellow",
    "bright-blue",
    "bright-magenta",
    "bright-cyan",
    "bright-white",
];

const STYLE: &str = "words such as \"bold red on 238\": a colour (a name such as red or bright-red, 0 to 255, or #rrggbb), \
                     `on` and a colour, and bold, dim, italic, underlined or reversed";

impl Theme {
    /// The theme that a person chose: a built-in name, or else a path.
    pub fn load(choice: &str) -> Result<Self, ConfigError> {
        match built_in(choice) {
            Some(text) => Self::parse(Path::new(choice), text),
            None if choice.contains('/') || has_toml_extension(choice) => {
                let path = Path::new(choice);
                Self::parse(path, &toml_file::read(path)?)
            }
            None => Err(ConfigError::Unreadable {
                path: choice.into(),
                cause: format!(
                    "it is neither the path of a theme file (*.toml) nor one of {}",
                    THEMES.join(", ")
                ),
            }),
        }
    }

    /// Reads a theme's text; roles that it does not name look as in the theme that it inherits, else like plain text.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let entries = toml_file::entries(path, text)?;
        let mut theme = Self::default();
        for entry in &entries {
            let place = Place::Line(path.to_owned(), entry.line);
            let wrong = |allowed: String| ConfigError::WrongValue {
                place: place.clone(),
                key: entry.key.clone(),
                given: entry.value.to_string(),
                allowed,
            };
            if entry.key == "inherits" {
                let parent =
                    entry.value.as_str().and_then(built_in).ok_or_else(|| wrong(THEMES.join(", ")))?;
                let mut inherited = Self::parse(path, parent)?;
                inherited.0.append(&mut theme.0);
                theme = inherited;
                continue;
            }
            let role =
                ROLES.iter().find(|(key, _)| *key == entry.key).ok_or_else(|| ConfigError::UnknownKey {
                    place: place.clone(),
                    key: entry.key.clone(),
                    nearest: nearest(&entry.key, ROLES.iter().map(|role| role.0)).map(str::to_owned),
                    known: ROLES.iter().map(|role| role.0.to_owned()).collect(),
                })?;
            let style = entry.value.as_str().and_then(style).ok_or_else(|| wrong(STYLE.to_owned()))?;
            theme.0.insert(role.1, style);
        }
        Ok(theme)
    }

    /// The style of a role.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        self.0.get(&role).copied().unwrap_or_default()
    }
}

fn has_toml_extension(choice: &str) -> bool {
    Path::new(choice).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml"))
}

/// The text of a theme that is compiled in.
fn built_in(name: &str) -> Option<&'static str> {
    match name {
        "dark" => Some(include_str!("../../assets/themes/dark.toml")),
        "light" => Some(include_str!("../../assets/themes/light.toml")),
        "mono" => Some(include_str!("../../assets/themes/mono.toml")),
        "colour-blind" => Some(include_str!("../../assets/themes/colour-blind.toml")),
        "terminal" => Some(include_str!("../../assets/themes/terminal.toml")),
        "high-contrast" => Some(include_str!("../../assets/themes/high-contrast.toml")),
        _ => None,
    }
}

fn style(text: &str) -> Option<Style> {
    let mut style = Style::default();
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        match word {
            "bold" => style.bold = true,
            "dim" => style.dim = true,
            "italic" => style.italic = true,
            "underlined" => style.underlined = true,
            "reversed" => style.reversed = true,
            "plain" | "default" => {}
            "on" => style.bg = Some(colour(words.next()?)?),
            word if style.fg.is_none() => style.fg = Some(colour(word)?),
            _ => return None,
        }
    }
    Some(style)
}

fn colour(word: &str) -> Option<Colour> {
    if let Some(hex) = word.strip_prefix('#') {
        let number = (hex.len() == 6).then(|| u32::from_str_radix(hex, 16).ok()).flatten()?;
        let [_, red, green, blue] = number.to_be_bytes();
        return Some(Colour::Rgb(red, green, blue));
    }
    let named = NAMES.iter().position(|name| *name == word).and_then(|at| u8::try_from(at).ok());
    named.or_else(|| word.parse().ok()).map(Colour::Indexed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_theme_styles_every_role() {
        for name in THEMES {
            let theme = Theme::load(name).unwrap();
            assert_eq!(theme.0.len(), ROLES.len(), "{name}");
        }
    }

    #[test]
    fn mono_has_no_colour() {
        let theme = Theme::load("mono").unwrap();
        assert!(theme.0.values().all(|style| style.fg.is_none() && style.bg.is_none()));
    }

    #[test]
    fn words_become_styles() {
        let red = Some(Colour::Indexed(1));
        for (text, expected) in [
            ("red", Some(Style { fg: red, ..Style::default() })),
            (
                "bold red on 238",
                Some(Style { fg: red, bg: Some(Colour::Indexed(238)), bold: true, ..Style::default() }),
            ),
            ("#0a0b0c", Some(Style { fg: Some(Colour::Rgb(10, 11, 12)), ..Style::default() })),
            ("plain", Some(Style::default())),
            ("on", None),
            ("reddish", None),
            ("red blue", None),
            ("256", None),
            ("#fff", None),
        ] {
            assert_eq!(style(text), expected, "{text}");
        }
    }

    #[test]
    fn a_users_theme_patches_a_built_in_one() {
        let theme =
            Theme::parse(Path::new("t.toml"), "inherits = \"dark\"\nfailing = \"reversed\"\n").unwrap();
        let dark = Theme::load("dark").unwrap();
        assert_eq!(theme.style(Role::Failing), Style { reversed: true, ..Style::default() });
        assert_eq!(theme.style(Role::Healthy), dark.style(Role::Healthy));
    }

    #[test]
    fn mistakes_name_their_line() {
        for (text, expected) in [
            ("\nfaling = \"red\"", "t.toml, line 2: there is no setting `faling` (did you mean `failing`?)"),
            ("text = \"reddish\"", "t.toml, line 1: `text` cannot be \"reddish\": allowed is words such as"),
            ("text = 3", "t.toml, line 1: `text` cannot be 3"),
            (
                "inherits = \"dork\"",
                "t.toml, line 1: `inherits` cannot be \"dork\": allowed is dark, light, high-contrast",
            ),
        ] {
            let error = Theme::parse(Path::new("t.toml"), text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let error = Theme::load("drak").unwrap_err().to_string();
        assert!(error.contains("drak cannot be read: it is neither"), "{error}");
    }
}
