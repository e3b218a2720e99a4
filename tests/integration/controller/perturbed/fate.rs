//! What becomes of a request, or of a piece of a watch: drawn from the seed.

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Pass,
    /// It arrives late.
    Delay(u64),
    /// It is never answered, and does not arrive.
    Hang,
    /// It is carried out, and never answered.
    Lose,
    /// The connection breaks before it arrives.
    Break,
    /// The connection breaks after it was carried out.
    BreakAfter,
    /// It arrives twice; the first answer is lost.
    Twice,
    /// The client gives up, then it is carried out.
    Late,
    /// It is refused.
    Refuse(u16),
    /// A watch resumes so many events before the last one that was delivered.
    Again(usize),
}

/// What becomes of a piece of a watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    Pass,
    Delay(u64),
    /// The watch ends.
    End,
    /// The connection breaks.
    Break,
    /// The history is no longer kept: the client lists anew.
    Gone,
    /// Nothing more arrives, and the connection stays open.
    Silent,
}

impl Fate {
    /// The fate of a request of that kind, by a number drawn for it.
    pub fn of(kind: &str, drawn: u64) -> Self {
        let is_watch = kind.starts_with("WATCH");
        let is_write = !kind.starts_with("GET") && !kind.starts_with("LIST") && !is_watch;
        // a change of the world that arrives after its deadline is not told from one that somebody else makes
        let may_be_late = is_write && kind.contains("/status");
        let (choice, rest) = (drawn % 14, drawn / 14);
        match choice {
            0 => Self::Hang,
            1 | 2 if is_write => Self::Lose,
            1 | 2 | 4..=6 if is_watch => Self::Again(1 + usize::try_from(rest % 3).unwrap()),
            3 => Self::Break,
            4 if is_write => Self::BreakAfter,
            5 if is_write => Self::Twice,
            6 if may_be_late => Self::Late,
            7 => Self::Refuse(429),
            8 => Self::Refuse(500),
            9 => Self::Refuse(503),
            10 if is_write => Self::Refuse(409),
            11 if is_watch => Self::Refuse(410),
            12 => Self::Delay(rest % 12_000),
            _ => Self::Delay(rest % 400),
        }
    }
}

impl Turn {
    /// The turn of a piece, by a number drawn for it.
    pub fn of(drawn: u64) -> Self {
        let (choice, rest) = (drawn % 10, drawn / 10);
        match choice {
            0 => Self::End,
            1 => Self::Break,
            2 => Self::Gone,
            3 => Self::Silent,
            // as if the cache behind this watch lagged
            4 | 5 => Self::Delay(rest % 20_000),
            _ => Self::Delay(rest % 900),
        }
    }
}
