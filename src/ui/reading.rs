//! One line of a text or a log on its row: moved to the side, wrapped, and with what is searched for marked.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use crate::app::state::text_scroll::TextScroll;
use crate::ui::format::{head, width};
use crate::ui::pen::Pen;
use crate::ui::theme::Theme;

/// Pieces of a line with their styles, from left to right.
pub(crate) type Spans<'a> = Vec<(Style, &'a str)>;

/// What is searched for stands out of these pieces; without colour it is reversed.
#[must_use]
pub(crate) fn marked<'a>(spans: Spans<'a>, line: &'a str, look: &TextScroll) -> Spans<'a> {
    let Some(search) = &look.search else { return spans };
    let places: Vec<_> = search.places(line).collect();
    if places.is_empty() {
        return spans;
    }
    let mut out = Vec::new();
    let mut start = 0;
    for (style, piece) in spans {
        let end = start + piece.len();
        let mut at = start;
        for place in &places {
            let (from, to) = (place.start.clamp(at, end), place.end.clamp(at, end));
            if from < to {
                out.push((style, &line[at..from]));
                out.push((style.add_modifier(Modifier::REVERSED), &line[from..to]));
                at = to;
            }
        }
        out.push((style, &line[at..end]));
        start = end;
    }
    out.retain(|(_, piece)| !piece.is_empty());
    out
}

/// Rows that a line of that many cells takes where it is wrapped.
#[must_use]
pub(crate) fn rows(cells: u16, room: u16) -> u16 {
    cells.div_ceil(room.max(1)).max(1)
}

/// Draws the pieces into the area, beginning at its first row; returns how many rows they took.
pub(crate) fn draw(buf: &mut Buffer, area: Rect, look: &TextScroll, spans: &[(Style, &str)]) -> u16 {
    if look.wrap {
        return wrapped(buf, area, spans);
    }
    let mut skip = look.column;
    let mut pen = Pen::new(buf, area, 0);
    for (style, piece) in spans {
        let cells = usize::from(width(piece));
        if cells <= skip {
            skip -= cells;
            continue;
        }
        let gone = head(piece, u16::try_from(skip).unwrap_or(u16::MAX));
        skip = 0;
        pen.put(*style, &piece[gone.len()..]);
    }
    1
}

fn wrapped(buf: &mut Buffer, area: Rect, spans: &[(Style, &str)]) -> u16 {
    if area.width == 0 || area.height == 0 {
        return 1;
    }
    let (mut row, mut left) = (0, area.width);
    for (style, piece) in spans {
        let mut rest = *piece;
        while !rest.is_empty() {
            let fits = head(rest, left);
            if fits.is_empty() {
                if left == area.width || row + 1 >= area.height {
                    return row + 1;
                }
                (row, left) = (row + 1, area.width);
                continue;
            }
            Pen::new(buf, area, row).skip(area.width - left).put(*style, fits);
            left -= width(fits).min(left);
            rest = &rest[fits.len()..];
        }
    }
    row + 1
}

/// The style of the line that the search stands on: a line below its text, so that it is seen without colour too.
#[must_use]
pub(crate) fn here(theme: &Theme) -> Style {
    theme.accent.add_modifier(Modifier::UNDERLINED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::state::pattern::Pattern;

    fn shown(look: &TextScroll, line: &str, (columns, rows): (u16, u16)) -> (Vec<String>, u16) {
        let area = Rect::new(0, 0, columns, rows);
        let mut buf = Buffer::empty(area);
        let spans = marked(vec![(Style::new(), line)], line, look);
        let took = draw(&mut buf, area, look, &spans);
        let text = buf.content.chunks(usize::from(columns)).map(|row| {
            let cell = |cell: &ratatui::buffer::Cell| {
                let symbol = cell.symbol().to_owned();
                if cell.modifier.contains(Modifier::REVERSED) { symbol.to_uppercase() } else { symbol }
            };
            row.iter().map(cell).collect::<String>().trim_end().to_owned()
        });
        (text.collect(), took)
    }

    #[test]
    fn lines_leave_the_screen_or_go_on_below() {
        let wrap = TextScroll { wrap: true, ..TextScroll::default() };
        assert_eq!(
            shown(&TextScroll::default(), "abcdefgh", (5, 2)),
            (vec!["abcde".into(), String::new()], 1)
        );
        assert_eq!(shown(&wrap, "abcdefgh", (5, 2)), (vec!["abcde".into(), "fgh".into()], 2));
        assert_eq!(shown(&wrap, "abcdefghijklm", (5, 2)).1, 2, "what has no row is cut");
        let aside = TextScroll { column: 6, ..TextScroll::default() };
        assert_eq!(shown(&aside, "abcdefgh", (5, 1)).0, ["gh"]);
        assert_eq!(shown(&aside, "abc", (5, 1)).0, [""]);
        assert_eq!(rows(11, 5), 3);
        assert_eq!(rows(0, 5), 1);
    }

    #[test]
    fn what_is_searched_for_stands_out() {
        let look = TextScroll { search: Pattern::parse("c+|g").unwrap(), ..TextScroll::default() };
        assert_eq!(shown(&look, "abccdefgh", (20, 1)).0, ["abCCdefGh"]);
        let wrap = TextScroll { wrap: true, ..look };
        assert_eq!(shown(&wrap, "abccdefgh", (3, 3)).0, ["abC", "Cde", "fGh"]);
    }
}
