//! The columns of the pods' table: which there is room for, and what each says of a pod.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::app::state::located::PodId;
use crate::app::state::pod_sort::PodSort;
use crate::app::state::view::Focus;
use crate::domain::age::Age;
use crate::domain::pod_row::{PodHealth, PodRow};
use crate::domain::usage::{Cpu, Memory};
use crate::ui::pane::Ctx;
use crate::ui::pen::Pen;

/// A column behind the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Ready,
    Status,
    Restarts,
    Version,
    Track,
    Cpu,
    Memory,
    Owner,
    Revision,
    Ip,
    Node,
    Digest,
    Age,
}

/// Usual columns in their order.
const USUAL: [Column; 9] = [
    Column::Ready,
    Column::Status,
    Column::Restarts,
    Column::Version,
    Column::Track,
    Column::Cpu,
    Column::Memory,
    Column::Node,
    Column::Age,
];
/// The others, with what one must see in any case.
const OTHERS: [Column; 10] = [
    Column::Ready,
    Column::Status,
    Column::Cpu,
    Column::Memory,
    Column::Owner,
    Column::Revision,
    Column::Ip,
    Column::Node,
    Column::Digest,
    Column::Age,
];

/// Which columns there is room for.
#[derive(Clone, Copy)]
pub(super) struct Columns {
    name: u16,
    cells: u16,
    wide: bool,
    tracks: bool,
}

impl Columns {
    /// Columns for that many cells; `tracks` where any pod says which track it is on, `wide` for the other columns.
    pub(super) fn of(cells: u16, tracks: bool, wide: bool) -> Self {
        let mut columns = Self { name: 0, cells, wide, tracks };
        let taken: u16 =
            columns.all().map(|column| columns.width(column)).filter(|width| *width > 0).map(|w| w + 1).sum();
        let most = if cells >= 100 { 48 } else { 40 };
        columns.name = cells.saturating_sub(2 + taken + 1).clamp(8, most);
        columns
    }

    fn all(self) -> impl Iterator<Item = Column> {
        let columns: &'static [Column] = if self.wide { &OTHERS } else { &USUAL };
        columns.iter().copied()
    }

    /// Cells of a column; 0 where there is no room for it.
    fn width(self, column: Column) -> u16 {
        let cells = self.cells;
        let from = |least: u16, width: u16| if cells >= least { width } else { 0 };
        match (column, self.wide) {
            (Column::Ready, _) => 5,
            (Column::Age, _) => 6,
            (Column::Status, true) if cells < 100 => 13,
            (Column::Status, _) => match cells {
                0..100 => 17,
                100..140 => 22,
                _ => 24,
            },
            (Column::Restarts, _) => {
                if cells < 100 {
                    4
                } else {
                    9
                }
            }
            (Column::Version, _) => match cells {
                0..56 => 0,
                56..100 => 9,
                100..140 => 14,
                _ => 18,
            },
            (Column::Track, _) => {
                if self.tracks {
                    from(68, 8)
                } else {
                    0
                }
            }
            (Column::Cpu, true) => from(56, 6),
            (Column::Memory, true) => from(56, 7),
            (Column::Cpu, false) => from(120, 6),
            (Column::Memory, false) => from(120, 7),
            (Column::Ip, _) => from(72, 15),
            (Column::Revision, _) => from(100, 10),
            (Column::Node, true) => from(120, if cells >= 180 { 26 } else { 16 }),
            (Column::Node, false) => from(156, 26),
            (Column::Owner, _) => from(150, 22),
            (Column::Digest, _) => from(170, 12),
        }
    }

    pub(super) fn head(self, pen: &mut Pen<'_>, ctx: &Ctx<'_>) {
        let (theme, sort) = (ctx.theme, ctx.store.ui.pod_sort);
        let style = |by: PodSort| if by == sort { theme.title } else { theme.muted };
        pen.skip(2).left(self.name + 1, style(PodSort::Name), theme, "NAME");
        for column in self.all() {
            let width = self.width(column);
            let (title, by) = column.title(width);
            match column {
                _ if width == 0 => {}
                Column::Ready | Column::Restarts | Column::Cpu | Column::Memory | Column::Age => {
                    pen.right(width, style(by), format_args!("{title}")).skip(1);
                }
                _ => {
                    pen.left(width, style(by), theme, title).skip(1);
                }
            }
        }
    }

    pub(super) fn row(
        self,
        buf: &mut Buffer,
        line: Rect,
        ctx: &Ctx<'_>,
        (id, pod, selected): (&PodId, &PodRow, bool),
    ) {
        let theme = ctx.theme;
        let (pointer, over) = ctx.selection(selected, Focus::Pods);
        let mark = if ctx.store.ui.marked.contains(id) { theme.glyphs.marked } else { " " };
        let mut pen = Pen::new(buf, line, 0);
        pen.put(theme.accent, pointer).put(theme.accent, mark);
        pen.name(self.name, theme.text, theme, &pod.key.name).skip(1);
        for column in self.all() {
            let width = self.width(column);
            if width > 0 {
                column.cell(&mut pen, ctx, (id, pod), width);
                pen.skip(1);
            }
        }
        if let Some(style) = over {
            buf.set_style(line, style);
        }
    }
}

impl Column {
    const fn title(self, width: u16) -> (&'static str, PodSort) {
        match self {
            Self::Ready => ("READY", PodSort::Ready),
            Self::Status => ("STATUS", PodSort::Status),
            Self::Restarts if width > 8 => ("RESTARTS", PodSort::Restarts),
            Self::Restarts => ("RST", PodSort::Restarts),
            Self::Version => ("VERSION", PodSort::Version),
            Self::Track => ("TRACK", PodSort::Track),
            Self::Cpu => ("CPU", PodSort::Cpu),
            Self::Memory => ("MEM", PodSort::Memory),
            Self::Owner => ("OWNER", PodSort::Owner),
            Self::Revision => ("REVISION", PodSort::Revision),
            Self::Ip => ("ADDRESS", PodSort::Ip),
            Self::Node => ("NODE", PodSort::Node),
            Self::Digest => ("DIGEST", PodSort::Digest),
            Self::Age => ("AGE", PodSort::Age),
        }
    }

    fn cell(self, pen: &mut Pen<'_>, ctx: &Ctx<'_>, (id, pod): (&PodId, &PodRow), width: u16) {
        let theme = ctx.theme;
        match self {
            Self::Ready => {
                let style = if pod.ready < pod.total { theme.warning } else { theme.text };
                pen.right(width, style, format_args!("{}/{}", pod.ready, pod.total));
            }
            Self::Status => {
                let (glyph, style) = health(ctx, pod.health);
                pen.put(style, glyph).put(style, " ").left(width - 2, style, theme, &pod.status);
            }
            Self::Restarts => {
                let style = if pod.restarts > 0 { theme.warning } else { theme.muted };
                pen.right(width, style, format_args!("{}", pod.restarts));
            }
            Self::Cpu => match ctx.store.usage(id.cluster, pod) {
                Some(usage) => {
                    pen.right(width, theme.text, format_args!("{}", Cpu(usage.cpu)));
                }
                None => nothing(pen, ctx, width),
            },
            Self::Memory => match ctx.store.usage(id.cluster, pod) {
                Some(usage) => {
                    pen.right(width, theme.text, format_args!("{}", Memory(usage.memory)));
                }
                None => nothing(pen, ctx, width),
            },
            Self::Age => match pod.created {
                Some(created) => {
                    let age = Age::between(created, ctx.store.now);
                    pen.right(width, theme.text, format_args!("{age}"));
                }
                None => {
                    pen.right(width, theme.unknown, format_args!("?"));
                }
            },
            Self::Node => {
                pen.name(width, theme.text, theme, &pod.node);
            }
            Self::Version => {
                pen.left(width, theme.text, theme, &pod.version);
            }
            Self::Track => {
                pen.left(width, theme.text, theme, &pod.track);
            }
            Self::Owner => {
                pen.name(width, theme.text, theme, &pod.owner);
            }
            Self::Revision => {
                pen.left(width, theme.text, theme, &pod.template_hash);
            }
            Self::Ip => {
                pen.left(width, theme.text, theme, &pod.ip);
            }
            Self::Digest => {
                pen.left(width, theme.text, theme, &pod.digest);
            }
        }
    }
}

/// Not known is neither nothing nor zero.
fn nothing(pen: &mut Pen<'_>, ctx: &Ctx<'_>, width: u16) {
    pen.right(width, ctx.theme.unknown, format_args!("{}", ctx.theme.glyphs.none));
}

fn health(ctx: &Ctx<'_>, health: PodHealth) -> (&'static str, Style) {
    let (theme, glyphs) = (ctx.theme, ctx.theme.glyphs);
    match health {
        PodHealth::Failing => (glyphs.failing, theme.failing),
        PodHealth::Starting => (glyphs.moving, theme.warning),
        PodHealth::Terminating => (glyphs.waiting, theme.muted),
        PodHealth::Ready => (glyphs.healthy, theme.healthy),
        PodHealth::Completed => (glyphs.done, theme.muted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_never_take_more_than_there_is() {
        for cells in 40..260 {
            for (tracks, wide) in [(false, false), (true, false), (false, true), (true, true)] {
                let columns = Columns::of(cells, tracks, wide);
                let taken: u16 =
                    columns.all().map(|column| columns.width(column)).filter(|w| *w > 0).map(|w| w + 1).sum();
                assert!(columns.name >= 8, "{cells}");
                assert!(
                    cells < 56 || 2 + columns.name + 1 + taken <= cells + 1,
                    "{cells} {tracks} {wide}: {taken}"
                );
            }
        }
    }
}
