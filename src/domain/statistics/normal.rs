//! The normal distribution.

use std::f64::consts::SQRT_2;

/// Probability that a standard normal number is greater than `z`.
pub(super) fn above(z: f64) -> f64 {
    0.5 * erfc(z / SQRT_2)
}

/// Complementary error function, with a relative error below 1.2e-7 everywhere (Numerical Recipes, 2nd edition, 6.2.1).
fn erfc(x: f64) -> f64 {
    const COEFFICIENTS: [f64; 10] = [
        -1.265_512_23,
        1.000_023_68,
        0.374_091_96,
        0.096_784_18,
        -0.186_288_06,
        0.278_868_07,
        -1.135_203_98,
        1.488_515_87,
        -0.822_152_23,
        0.170_872_77,
    ];
    let size = x.abs();
    let t = 1.0 / (1.0 + 0.5 * size);
    let polynomial = COEFFICIENTS.iter().rev().fold(0.0, |sum, coefficient| sum * t + coefficient);
    let tail = (t * (polynomial - size * size).exp()).clamp(0.0, 2.0);
    if x >= 0.0 { tail } else { 2.0 - tail }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_quantiles() {
        // scipy.stats.norm.sf
        for (z, expected) in [
            (0.0, 0.5),
            (1.0, 0.158_655_253_931_457_07),
            (1.644_853_626_951_472_2, 0.05),
            (1.959_963_984_540_054, 0.025),
            (3.0, 0.001_349_898_031_630_094_6),
            (6.0, 9.865_876_450_376_946e-10),
            (-1.0, 0.841_344_746_068_542_9),
        ] {
            let found = above(z);
            assert!((found - expected).abs() / expected < 2e-7, "{z}: {found} instead of {expected}");
        }
    }

    proptest! {
        #[test]
        fn a_probability_falls_and_is_symmetric(z in -40.0..40.0_f64, more in 0.0..5.0_f64) {
            let found = above(z);
            prop_assert!((0.0..=1.0).contains(&found));
            prop_assert!(above(z + more) <= found + 1e-7);
            prop_assert!((found + above(-z) - 1.0).abs() < 1e-9);
        }
    }
}
