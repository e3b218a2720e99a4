//! Snapshots of panes and screens over a test terminal.

mod world;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::store::Store;
use crate::ui::render;
use crate::ui::theme::Theme;

/// The screen of that store as a buffer.
fn screen(store: &Store, theme: &Theme, (width, height): (u16, u16)) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| render(frame, store, theme)).unwrap();
    terminal.backend().buffer().clone()
}

/// The rows of a buffer as text.
fn text(buf: &Buffer) -> String {
    let mut out = String::new();
    for row in buf.content.chunks(usize::from(buf.area.width)) {
        let mut skip = 0;
        let mut line = String::new();
        for cell in row {
            if skip == 0 {
                line.push_str(cell.symbol());
                skip = crate::ui::format::width(cell.symbol()).max(1);
            }
            skip -= 1;
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[test]
fn look() {
    let Ok(dir) = std::env::var("LOOK") else { return };
    for (name, store) in world::all() {
        for theme in ["dark", "mono"] {
            for (width, height) in [(80, 24), (120, 36), (200, 60)] {
                let buf = screen(&store, &Theme::named(theme), (width, height));
                let svg = crate::ui::svg::buffer_to_svg(&buf);
                std::fs::write(format!("{dir}/{name}-{theme}-{width}.svg"), svg).unwrap();
                std::fs::write(format!("{dir}/{name}-{theme}-{width}.txt"), text(&buf)).unwrap();
            }
        }
    }
    let _ = Rect::default();
}
