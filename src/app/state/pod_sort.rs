//! The orders of the pods' table.

/// How pods are ordered; ties are by namespace and name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PodSort {
    /// Failing first, then starting, terminating, ready, completed.
    #[default]
    Health,
    /// By name.
    Name,
    /// Youngest first.
    Age,
    /// Most restarts first.
    Restarts,
    /// By version.
    Version,
    /// Most CPU first.
    Cpu,
    /// Most memory first.
    Memory,
    /// Fewest ready containers first.
    Ready,
    /// By status.
    Status,
    /// By track.
    Track,
    /// By owner.
    Owner,
    /// By revision.
    Revision,
    /// By node.
    Node,
    /// By address.
    Ip,
    /// By image digest.
    Digest,
}

impl PodSort {
    /// Every order, in which `s` visits them.
    pub const ALL: [Self; 15] = [
        Self::Health,
        Self::Name,
        Self::Age,
        Self::Restarts,
        Self::Version,
        Self::Cpu,
        Self::Memory,
        Self::Ready,
        Self::Status,
        Self::Track,
        Self::Owner,
        Self::Revision,
        Self::Node,
        Self::Ip,
        Self::Digest,
    ];

    /// The word for `:sort`.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::Name => "name",
            Self::Age => "age",
            Self::Restarts => "restarts",
            Self::Version => "version",
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Ready => "ready",
            Self::Status => "status",
            Self::Track => "track",
            Self::Owner => "owner",
            Self::Revision => "revision",
            Self::Node => "node",
            Self::Ip => "ip",
            Self::Digest => "digest",
        }
    }

    /// The words that the pane's title shows.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Health => "failing first",
            Self::Name => "by name",
            Self::Age => "youngest first",
            Self::Restarts => "most restarts first",
            Self::Version => "by version",
            Self::Cpu => "most CPU first",
            Self::Memory => "most memory first",
            Self::Ready => "least ready first",
            Self::Status => "by status",
            Self::Track => "by track",
            Self::Owner => "by owner",
            Self::Revision => "by revision",
            Self::Node => "by node",
            Self::Ip => "by address",
            Self::Digest => "by digest",
        }
    }
}
