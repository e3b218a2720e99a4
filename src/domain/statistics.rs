//! Whether two heaps of numbers differ by more than chance.
//!
//! Owns the tests by which a new version is compared with the old one. Every confidence is one-sided: how sure one can be that the
//! first of the two lies higher. Must not know what the numbers stand for.

mod mann_whitney;
mod normal;
mod two_proportion;

pub use mann_whitney::{mann_whitney, mann_whitney_of_buckets};
pub use two_proportion::two_proportion;

/// What a test says of a first heap of numbers against a second one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tested {
    /// The test's own number: z, positive where the first lies higher.
    pub z: f64,
    /// How likely a difference this large would be, in this direction, if there were none.
    pub p_value: f64,
}

impl Tested {
    /// The outcome that stands for "no difference was seen".
    const NONE: Self = Self { z: 0.0, p_value: 0.5 };

    fn of(z: f64) -> Self {
        Self { z, p_value: normal::above(z) }
    }

    /// How sure one can be that the first lies higher, 0 to 1.
    #[must_use]
    pub fn confidence(&self) -> f64 {
        1.0 - self.p_value
    }
}
