//! The shape of latencies: which share of the requests is answered below a bound.

/// Spread of the lognormal distribution with these two quantiles.
pub(super) fn sigma(p50: f64, p99: f64) -> f64 {
    ((p99 / p50).ln() / 2.326_348).max(0.05)
}

/// The share of requests that are answered within a bound.
pub(super) fn below_share(bound: f64, p50: f64, p99: f64) -> f64 {
    let z = (bound.ln() - p50.ln()) / sigma(p50, p99);
    0.5 * (1.0 + error_function(z / std::f64::consts::SQRT_2))
}

/// Abramowitz and Stegun 7.1.26, good to 1.5e-7.
pub(super) fn error_function(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x.abs());
    let poly = t
        * (0.254_829_592
            + t * (-0.284_496_736 + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
    (1.0 - poly * (-x * x).exp()).copysign(x)
}
