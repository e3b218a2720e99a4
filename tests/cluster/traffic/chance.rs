//! Seeded chance (xorshift64*).

/// One sequence of draws.
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        let mut seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        seed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        seed = (seed ^ (seed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self((seed ^ (seed >> 31)) | 1)
    }

    /// A number from 0 to 1, never 1.
    fn unit(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let drawn = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        f64::from(u32::try_from(drawn).unwrap_or(0)) / 4_294_967_296.0
    }

    /// A number around 0 with deviation 1.
    pub fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.unit()).ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// How often something happens that happens so often on average.
    pub fn poisson(&mut self, mean: f64) -> u64 {
        let (mut left, mut drawn) = (mean, 0);
        // sums of small draws, each by multiplying
        while left > 0.0 {
            let part = left.min(30.0);
            left -= part;
            let limit = (-part).exp();
            let mut product = self.unit();
            while product > limit {
                drawn += 1;
                product *= self.unit();
            }
        }
        drawn
    }

    /// How many come together, at least one.
    pub fn burst(&mut self, mean: f64) -> u64 {
        let mut length = 1;
        while self.unit() >= 1.0 / mean {
            length += 1;
        }
        length
    }
}
