//! Characters with a meaning, in a Unicode and an ASCII edition. Every status also has a word: a glyph alone never tells.

/// The six characters of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lines {
    /// Horizontal line.
    pub horizontal: &'static str,
    /// Vertical line.
    pub vertical: &'static str,
    /// Top left corner.
    pub top_left: &'static str,
    /// Top right corner.
    pub top_right: &'static str,
    /// Bottom left corner.
    pub bottom_left: &'static str,
    /// Bottom right corner.
    pub bottom_right: &'static str,
}

/// Characters with a meaning. Each takes one cell, except where its doc says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glyphs {
    /// Ordinary frame.
    pub plain: Lines,
    /// Frame of what belongs to production.
    pub double: Lines,
    /// Does its work; also: a feed is live.
    pub healthy: &'static str,
    /// Deserves a look.
    pub warning: &'static str,
    /// Broken; a step failed.
    pub failing: &'static str,
    /// Cannot be told.
    pub unknown: &'static str,
    /// On its way, and truly moving.
    pub moving: &'static str,
    /// Waits for something.
    pub waiting: &'static str,
    /// A step that is done, a gate that passed.
    pub done: &'static str,
    /// The step that is being done; also the selected row.
    pub current: &'static str,
    /// A step to come.
    pub todo: &'static str,
    /// Paused.
    pub paused: &'static str,
    /// A marked row.
    pub marked: &'static str,
    /// Progress that is made.
    pub bar_full: &'static str,
    /// Progress to come.
    pub bar_empty: &'static str,
    /// Stands for text that was cut.
    pub ellipsis: &'static str,
    /// There is no value.
    pub none: &'static str,
    /// From → to.
    pub arrow: &'static str,
    /// Left edge of the tier's badge.
    pub badge_left: &'static str,
    /// Right edge of the tier's badge.
    pub badge_right: &'static str,
    /// Leads a line that explains the one above.
    pub elbow: &'static str,
    /// Between two facts on a line.
    pub dot: &'static str,
    /// A threshold in a chart.
    pub threshold: &'static str,
    /// A deploy marker in a chart.
    pub marker: &'static str,
    /// The cursor of a chart.
    pub cursor: &'static str,
    /// What lies beyond a limit, where braille cannot be shown.
    pub excess: &'static str,
    /// The caret of a text field.
    pub caret: &'static str,
    /// Curves are drawn with braille dots, else with one of [`Glyphs::curves`] per column.
    pub braille: bool,
    /// Characters of curves where braille cannot be shown.
    pub curves: [&'static str; 4],
    /// Before a curve's name: an unbroken stroke, and a broken one.
    pub strokes: [&'static str; 2],
}

/// For terminals with a Unicode font.
pub(crate) static UNICODE: Glyphs = Glyphs {
    plain: Lines {
        horizontal: "─",
        vertical: "│",
        top_left: "┌",
        top_right: "┐",
        bottom_left: "└",
        bottom_right: "┘",
    },
    double: Lines {
        horizontal: "═",
        vertical: "║",
        top_left: "╔",
        top_right: "╗",
        bottom_left: "╚",
        bottom_right: "╝",
    },
    healthy: "●",
    warning: "▲",
    failing: "✘",
    unknown: "?",
    moving: "◐",
    waiting: "◷",
    done: "✔",
    current: "▸",
    todo: "○",
    paused: "‖",
    marked: "◆",
    bar_full: "▰",
    bar_empty: "▱",
    ellipsis: "…",
    none: "—",
    arrow: "→",
    badge_left: "▌",
    badge_right: "▐",
    elbow: "└",
    dot: "·",
    threshold: "┄",
    marker: "▏",
    cursor: "│",
    excess: "#",
    caret: "▏",
    braille: true,
    curves: ["*", "x", "+", "o"],
    strokes: ["━", "╌"],
};

/// For consoles that show ASCII only (`TERM=linux`, `TERM=dumb`).
pub(crate) static ASCII: Glyphs = Glyphs {
    plain: Lines {
        horizontal: "-",
        vertical: "|",
        top_left: "+",
        top_right: "+",
        bottom_left: "+",
        bottom_right: "+",
    },
    double: Lines {
        horizontal: "=",
        vertical: "#",
        top_left: "#",
        top_right: "#",
        bottom_left: "#",
        bottom_right: "#",
    },
    healthy: "o",
    warning: "!",
    failing: "X",
    unknown: "?",
    moving: "~",
    waiting: "@",
    done: "v",
    current: ">",
    todo: ".",
    paused: "=",
    marked: "*",
    bar_full: "#",
    bar_empty: ".",
    ellipsis: "~",
    none: "-",
    arrow: ">",
    badge_left: "[",
    badge_right: "]",
    elbow: "`",
    dot: "-",
    threshold: "-",
    marker: ":",
    cursor: "|",
    excess: "#",
    caret: "_",
    braille: false,
    curves: ["*", "x", "+", "o"],
    strokes: ["*", "x"],
};

impl Glyphs {
    /// Whether all of them are ASCII, and so should be everything beside them.
    #[must_use]
    pub fn is_ascii(&self) -> bool {
        self.ellipsis.is_ascii()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_width::UnicodeWidthStr;

    #[test]
    fn every_glyph_takes_one_cell() {
        for glyphs in [&UNICODE, &ASCII] {
            for lines in [&glyphs.plain, &glyphs.double] {
                for text in [
                    lines.horizontal,
                    lines.vertical,
                    lines.top_left,
                    lines.top_right,
                    lines.bottom_left,
                    lines.bottom_right,
                ] {
                    assert_eq!(text.width(), 1, "{text}");
                }
            }
            for text in [
                glyphs.healthy,
                glyphs.warning,
                glyphs.failing,
                glyphs.unknown,
                glyphs.moving,
                glyphs.waiting,
                glyphs.done,
                glyphs.current,
                glyphs.todo,
                glyphs.paused,
                glyphs.marked,
                glyphs.bar_full,
                glyphs.bar_empty,
                glyphs.ellipsis,
                glyphs.none,
                glyphs.arrow,
                glyphs.badge_left,
                glyphs.badge_right,
                glyphs.elbow,
                glyphs.dot,
                glyphs.threshold,
                glyphs.marker,
                glyphs.cursor,
                glyphs.excess,
                glyphs.caret,
                glyphs.strokes[0],
                glyphs.strokes[1],
            ] {
                assert_eq!(text.width(), 1, "{text}");
            }
        }
    }

    #[test]
    fn the_ascii_edition_is_ascii() {
        assert!(format!("{ASCII:?}").is_ascii());
    }
}
