//! The arithmetic of a rolling update, as the Deployment controller does it: pure functions over numbers.

use serde_json::Value;

use crate::sim::kinds;

/// `maxSurge` and `maxUnavailable` of a Deployment as whole pods.
pub(super) fn bounds(spec: &Value, replicas: i64) -> (i64, i64) {
    let rolling = kinds::at(spec, &["strategy", "rollingUpdate"]);
    let of = |name: &str, up: bool| {
        let value = rolling.and_then(|rolling| rolling.get(name)).cloned().unwrap_or_else(|| "25%".into());
        resolve(&value, replicas, up)
    };
    if kinds::text(spec, &["strategy", "type"]) == "Recreate" {
        return (0, 0);
    }
    let (surge, unavailable) = (of("maxSurge", true), of("maxUnavailable", false));
    if surge == 0 && unavailable == 0 { (0, 1) } else { (surge, unavailable) }
}

/// A number or a percentage of `total`, rounded up or down.
fn resolve(value: &Value, total: i64, up: bool) -> i64 {
    let percent = match value {
        Value::Number(number) => return number.as_i64().unwrap_or(0),
        other => other.as_str().and_then(|text| text.strip_suffix('%')?.parse::<i64>().ok()),
    };
    let Some(percent) = percent else {
        return value.as_str().and_then(|text| text.parse().ok()).unwrap_or(0);
    };
    let product = total * percent;
    if up { (product + 99) / 100 } else { product / 100 }
}

/// Wanted and available pods of one ReplicaSet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    /// `spec.replicas`.
    pub wanted: i64,
    /// `status.availableReplicas`.
    pub available: i64,
}

/// How many pods the new ReplicaSet may have.
pub(super) fn new_size(replicas: i64, surge: i64, new: Size, old: &[Size]) -> i64 {
    if new.wanted >= replicas {
        return replicas;
    }
    let total = new.wanted + old.iter().map(|size| size.wanted).sum::<i64>();
    let room = replicas + surge - total;
    if room <= 0 { new.wanted } else { new.wanted + room.min(replicas - new.wanted) }
}

/// How many pods each old ReplicaSet (oldest first) may keep.
pub(super) fn old_sizes(replicas: i64, unavailable: i64, new: Size, old: &[Size]) -> Vec<i64> {
    let mut sizes: Vec<i64> = old.iter().map(|size| size.wanted).collect();
    let total = new.wanted + sizes.iter().sum::<i64>();
    let least = replicas - unavailable;
    let mut room = total - least - (new.wanted - new.available);
    if room <= 0 {
        return sizes;
    }
    // pods that are not available go first: their going harms nobody
    for (size, old) in sizes.iter_mut().zip(old) {
        let sick = (old.wanted - old.available).max(0).min(room);
        *size -= sick;
        room -= sick;
    }
    let available = new.available + old.iter().map(|size| size.available).sum::<i64>();
    let mut spare = (available - least).max(0);
    for size in &mut sizes {
        let step = spare.min(*size);
        *size -= step;
        spare -= step;
    }
    sizes
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case("25%", "25%", 4, (1, 1))]
    #[case("25%", "25%", 10, (3, 2))]
    #[case("25%", "25%", 1, (1, 0))]
    #[case("0", "0", 3, (0, 1))]
    #[case("1", "0", 3, (1, 0))]
    fn percentages_round_up_for_surge_and_down_for_unavailable(
        #[case] surge: &str,
        #[case] unavailable: &str,
        #[case] replicas: i64,
        #[case] expected: (i64, i64),
    ) {
        let spec = json!({"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}});
        assert_eq!(bounds(&spec, replicas), expected);
    }

    #[test]
    fn the_new_set_grows_into_the_surge_only() {
        let old = [Size { wanted: 4, available: 4 }];
        assert_eq!(new_size(4, 1, Size { wanted: 0, available: 0 }, &old), 1);
        assert_eq!(new_size(4, 1, Size { wanted: 1, available: 0 }, &old), 1);
        assert_eq!(new_size(4, 1, Size { wanted: 6, available: 6 }, &[]), 4);
    }

    #[test]
    fn old_sets_shrink_as_far_as_availability_allows() {
        let new = Size { wanted: 1, available: 1 };
        assert_eq!(old_sizes(4, 1, new, &[Size { wanted: 4, available: 4 }]), [2]);
        let sick = Size { wanted: 1, available: 0 };
        assert_eq!(old_sizes(4, 0, sick, &[Size { wanted: 4, available: 4 }]), [4]);
        assert_eq!(
            old_sizes(4, 1, sick, &[Size { wanted: 2, available: 0 }, Size { wanted: 3, available: 3 }]),
            [0, 3]
        );
    }

    #[test]
    fn no_step_of_an_update_ever_goes_below_the_available_or_above_the_surge() {
        for replicas in 1..8_i64 {
            for (surge, unavailable) in [(1, 0), (0, 1), (2, 1)] {
                let mut new = Size { wanted: 0, available: 0 };
                let mut old = [Size { wanted: replicas, available: replicas }];
                for _ in 0..100 {
                    new.wanted = new_size(replicas, surge, new, &old);
                    let kept = old_sizes(replicas, unavailable, new, &old);
                    old[0] = Size { wanted: kept[0], available: kept[0].min(old[0].available) };
                    assert!(new.wanted + old[0].wanted <= replicas + surge);
                    assert!(new.available + old[0].available >= replicas - unavailable);
                    new.available = (new.available + 1).min(new.wanted);
                }
                assert_eq!((new.wanted, new.available, old[0].wanted), (replicas, replicas, 0));
            }
        }
    }
}
