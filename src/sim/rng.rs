//! Seeded chance. Every fate is a hash of the seed and of a name, so that the order in which requests arrive cannot change it.

/// A seed from which independent draws are derived by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seed(pub u64);

impl Seed {
    /// The seed of something with a name below this one.
    #[must_use]
    pub(super) fn child(self, name: &str) -> Self {
        let mut hash = self.0 ^ 0xcbf2_9ce4_8422_2325;
        for byte in name.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Self(mix(hash))
    }

    /// The seed of the n-th thing below this one.
    #[must_use]
    pub(super) const fn nth(self, n: u64) -> Self {
        Self(mix(self.0 ^ n.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    /// A number from 0 (inclusive) to 1 (exclusive).
    #[must_use]
    pub(super) fn unit(self) -> f64 {
        (mix(self.0) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number between two bounds.
    #[must_use]
    pub(super) fn between(self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A number that is distributed roughly normally around 0 with deviation 1.
    #[must_use]
    pub(super) fn normal(self) -> f64 {
        (0..12).map(|n| self.nth(n).unit()).sum::<f64>() - 6.0
    }

    /// `length` letters and digits of the alphabet that Kubernetes uses in generated names.
    #[must_use]
    pub(super) fn suffix(self, length: usize) -> String {
        const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
        (0..length)
            .map(|n| {
                let draw = mix(self.nth(n as u64).0) as usize;
                char::from(LETTERS[draw % LETTERS.len()])
            })
            .collect()
    }

    /// A uid in the form of a random UUID.
    #[must_use]
    pub(super) fn uid(self) -> String {
        let (high, low) = (mix(self.nth(1).0), mix(self.nth(2).0));
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | ((low >> 48) & 0x3fff),
            low & 0xffff_ffff_ffff
        )
    }
}

const fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_name_has_the_same_fate_and_another_name_another() {
        let seed = Seed(7);
        assert_eq!(seed.child("a").uid(), seed.child("a").uid());
        assert_ne!(seed.child("a").uid(), seed.child("b").uid());
        assert_eq!(seed.uid().len(), 36);
        assert_eq!(seed.suffix(5).len(), 5);
    }

    #[test]
    fn draws_fill_the_unit_interval() {
        let mean = (0..1000).map(|n| Seed(1).nth(n).unit()).sum::<f64>() / 1000.0;
        assert!((mean - 0.5).abs() < 0.05, "{mean}");
    }
}
