//! Lines that everybody must see.

/// One line that everybody must see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Banner {
    /// What it is about.
    pub kind: BannerKind,
    /// Who, what, why and until when.
    pub text: String,
}

/// What a banner is about, the most important first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BannerKind {
    /// Releases are stopped.
    Frozen,
    /// Break-glass was used, and nobody has reviewed it.
    Debt,
    /// Nobody attests who wrote what.
    Policies,
    /// An object is not, or not wholly, understood.
    Undecodable,
}

impl BannerKind {
    /// The word, for those who see no colour.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Frozen => "FROZEN",
            Self::Debt => "BREAK-GLASS",
            Self::Policies => "NOT ATTESTED",
            Self::Undecodable => "NOT UNDERSTOOD",
        }
    }
}
