//! Instants and spans computed so that no value overflows: what is out of reach is the last instant, or the longest span.

use chrono::{DateTime, TimeDelta, Utc};

/// The instant that is so much later.
#[must_use]
pub(crate) fn after(at: DateTime<Utc>, span: TimeDelta) -> DateTime<Utc> {
    let limit = if span < TimeDelta::zero() { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
    at.checked_add_signed(span).unwrap_or(limit)
}

/// The instant that is so much earlier.
#[must_use]
pub(crate) fn before(at: DateTime<Utc>, span: TimeDelta) -> DateTime<Utc> {
    let limit = if span < TimeDelta::zero() { DateTime::<Utc>::MAX_UTC } else { DateTime::<Utc>::MIN_UTC };
    at.checked_sub_signed(span).unwrap_or(limit)
}

/// The sum of two spans.
#[must_use]
pub(crate) fn sum(one: TimeDelta, other: TimeDelta) -> TimeDelta {
    let limit = if one < TimeDelta::zero() { TimeDelta::MIN } else { TimeDelta::MAX };
    one.checked_add(&other).unwrap_or(limit)
}

/// The span, so many times.
#[must_use]
pub(crate) fn times(span: TimeDelta, factor: i32) -> TimeDelta {
    let is_negative = (span < TimeDelta::zero()) != (factor < 0);
    let product =
        span.checked_mul(factor).unwrap_or(if is_negative { TimeDelta::MIN } else { TimeDelta::MAX });
    // the library checks its whole seconds only
    product.clamp(TimeDelta::MIN, TimeDelta::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_of_reach_is_the_limit() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let (hour, max, min) = (TimeDelta::hours(1), TimeDelta::MAX, TimeDelta::MIN);
        assert_eq!((after(now, hour), before(now, hour)), (now + hour, now - hour));
        assert_eq!((after(now, max), before(now, max)), (DateTime::<Utc>::MAX_UTC, DateTime::<Utc>::MIN_UTC));
        assert_eq!((after(now, min), before(now, min)), (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC));
        assert_eq!((sum(hour, hour), sum(max, hour), sum(min, -hour)), (hour * 2, max, min));
        assert_eq!((times(hour, 3), times(max, 2), times(max, -2)), (hour * 3, max, min));
    }
}
