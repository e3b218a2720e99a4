//! A frame as an SVG picture, for documentation: braille as circles, because fonts disagree about it; backgrounds merged,
//! because seams would show; every glyph at its own place, because fonts disagree about widths.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr;

const CELL_WIDTH: u32 = 9;
const CELL_HEIGHT: u32 = 19;
const BASELINE: u32 = 14;
const MARGIN: u32 = 12;
const BACKGROUND: &str = "#14161b";
const FOREGROUND: &str = "#d8dce4";
const FONTS: &str = "'JetBrains Mono','DejaVu Sans Mono',Menlo,Consolas,'Liberation Mono',monospace";

/// The sixteen colours as the picture shows them.
const ANSI: [&str; 16] = [
    "#22262e", "#e05f65", "#7fc97f", "#e3c078", "#6ea6e8", "#c58be0", "#5cc2cc", "#c8ccd4", "#5c6370",
    "#ff7b72", "#98e098", "#ffd580", "#8cbcff", "#f08cf0", "#7fe0ea", "#ffffff",
];

/// The picture of that frame.
#[must_use]
pub(super) fn buffer_to_svg(buf: &Buffer) -> String {
    let (columns, rows) = (u32::from(buf.area.width), u32::from(buf.area.height));
    let (width, height) = (columns * CELL_WIDTH + 2 * MARGIN, rows * CELL_HEIGHT + 2 * MARGIN);
    let mut out = String::with_capacity(usize::from(buf.area.width) * usize::from(buf.area.height) * 24);
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n\
         <g font-family=\"{FONTS}\" font-size=\"15\" xml:space=\"preserve\">\n"
    );
    for y in 0..buf.area.height {
        backgrounds(&mut out, buf, y);
        let mut x = 0;
        while x < buf.area.width {
            let cell = &buf[(buf.area.x + x, buf.area.y + y)];
            glyph(&mut out, cell, u32::from(x), u32::from(y));
            x += u16::try_from(cell.symbol().width().max(1)).unwrap_or(1);
        }
    }
    out.push_str("</g>\n</svg>\n");
    out
}

fn backgrounds(out: &mut String, buf: &Buffer, y: u16) {
    let colour = |x: u16| paint(&buf[(buf.area.x + x, buf.area.y + y)]).1;
    let mut x = 0;
    while x < buf.area.width {
        let here = colour(x);
        let start = x;
        while x < buf.area.width && colour(x) == here {
            x += 1;
        }
        if let Some(fill) = here {
            let _ = writeln!(
                out,
                "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{CELL_HEIGHT}\" fill=\"{fill}\"/>",
                MARGIN + u32::from(start) * CELL_WIDTH,
                MARGIN + u32::from(y) * CELL_HEIGHT,
                u32::from(x - start) * CELL_WIDTH,
            );
        }
    }
}

fn glyph(out: &mut String, cell: &Cell, x: u32, y: u32) {
    let symbol = cell.symbol();
    if symbol.trim().is_empty() {
        return;
    }
    let fill = paint(cell).0;
    let (left, top) = (MARGIN + x * CELL_WIDTH, MARGIN + y * CELL_HEIGHT);
    let opacity = if cell.modifier.contains(Modifier::DIM) { " opacity=\"0.6\"" } else { "" };
    let code = symbol.chars().next().map_or(0, u32::from);
    if let Some(bits) = code.checked_sub(0x2800).filter(|bits| *bits < 256) {
        dots(out, bits, left, top, &fill);
        return;
    }
    let weight = if cell.modifier.contains(Modifier::BOLD) { " font-weight=\"bold\"" } else { "" };
    let slant = if cell.modifier.contains(Modifier::ITALIC) { " font-style=\"italic\"" } else { "" };
    let line =
        if cell.modifier.contains(Modifier::UNDERLINED) { " text-decoration=\"underline\"" } else { "" };
    let text = match symbol {
        "&" => "&amp;",
        "<" => "&lt;",
        ">" => "&gt;",
        other => other,
    };
    let _ = writeln!(
        out,
        "<text x=\"{left}\" y=\"{}\" fill=\"{fill}\"{weight}{slant}{line}{opacity}>{text}</text>",
        top + BASELINE
    );
}

fn dots(out: &mut String, bits: u32, left: u32, top: u32, fill: &str) {
    // Bit numbers of the eight dots: three rows left, three rows right, then the fourth row.
    const PLACES: [(u32, u32); 8] = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)];
    for (bit, (column, row)) in PLACES.iter().enumerate() {
        if bits & (1 << bit) != 0 {
            let _ = writeln!(
                out,
                "<circle cx=\"{}.25\" cy=\"{}.4\" r=\"1.3\" fill=\"{fill}\"/>",
                left + 2 + column * 4,
                top + 2 + row * 5,
            );
        }
    }
}

/// Colours of the glyph and of what lies behind it.
fn paint(cell: &Cell) -> (String, Option<String>) {
    let front = colour(cell.fg).unwrap_or_else(|| FOREGROUND.to_owned());
    let back = colour(cell.bg);
    if cell.modifier.contains(Modifier::REVERSED) {
        (back.unwrap_or_else(|| BACKGROUND.to_owned()), Some(front))
    } else {
        (front, back)
    }
}

fn colour(colour: Color) -> Option<String> {
    let index = match colour {
        Color::Reset => return None,
        Color::Rgb(r, g, b) => return Some(format!("#{r:02x}{g:02x}{b:02x}")),
        Color::Indexed(index) => index,
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::LightRed => 9,
        Color::LightGreen => 10,
        Color::LightYellow => 11,
        Color::LightBlue => 12,
        Color::LightMagenta => 13,
        Color::LightCyan => 14,
        Color::White => 15,
    };
    Some(indexed(index))
}

/// A colour of the 256-colour palette that terminals share.
fn indexed(index: u8) -> String {
    match index {
        0..=15 => ANSI[usize::from(index)].to_owned(),
        16..=231 => {
            let level = |n: u8| if n == 0 { 0 } else { 55 + n * 40 };
            let n = index - 16;
            format!("#{:02x}{:02x}{:02x}", level(n / 36), level(n / 6 % 6), level(n % 6))
        }
        232..=255 => {
            let grey = 8 + (index - 232) * 10;
            format!("#{grey:02x}{grey:02x}{grey:02x}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    #[test]
    fn a_picture_has_text_dots_and_merged_backgrounds() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 6, 1));
        buf.set_string(0, 0, "a<⠁", Style::new().fg(Color::Red).bg(Color::Indexed(238)));
        let svg = buffer_to_svg(&buf);
        assert_eq!(svg.matches("<circle").count(), 1);
        assert_eq!(svg.matches("<text").count(), 2);
        assert_eq!(svg.matches("#444444").count(), 1);
        assert!(svg.contains("&lt;") && svg.contains("#e05f65"));
    }
}
