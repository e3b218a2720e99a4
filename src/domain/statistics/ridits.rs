//! Whether the requests of a canary take longer than those of the stable track, from histograms.

/// How strongly each bet leans on slow requests.
pub(crate) const LEANS: [f64; 6] = [0.125, 0.25, 0.5, 1.0, 2.0, 4.0];
/// Share of the capital that is put on each lean.
pub(crate) const WEIGHTS: [f64; 6] = [1.0 / 6.0; 6];
/// By how much the canary's mean rank may lie higher without being called slower: pods differ.
pub(crate) const MARGIN: f64 = 0.02;

/// The mean rank of each bucket's requests among all, from 0 to 1.
fn ridits(pooled: &[f64], all: f64) -> Vec<f64> {
    let mut below = 0.0;
    let rank = |count: &f64| {
        let rank = (below + count / 2.0) / all;
        below += count;
        rank
    };
    pooled.iter().map(rank).collect()
}

fn mean(ranks: &[f64], counts: &[f64]) -> f64 {
    let sum: f64 = ranks.iter().zip(counts).map(|(rank, count)| rank * count).sum();
    sum / counts.iter().sum::<f64>()
}

fn pooled<'a>(parts: impl IntoIterator<Item = &'a [f64]>) -> Vec<f64> {
    let mut all = Vec::new();
    for part in parts {
        all.resize(all.len().max(part.len()), 0.0);
        for (sum, count) in all.iter_mut().zip(part) {
            *sum += count;
        }
    }
    all
}

/// Logarithms of the factors of one interval, tempered by `1 / dispersion`; `canary` and `stable` count the requests in each bucket.
///
/// Their expectation is at most 1 while every request is as likely the canary's as any other (Hoeffding: a draw without replacement
/// is no more spread than one with it), and smaller where the canary is faster.
#[must_use]
pub(crate) fn gains(canary: &[f64], stable: &[f64], dispersion: f64) -> [f64; LEANS.len()] {
    let both = pooled([canary, stable]);
    let all: f64 = both.iter().sum();
    let requests: f64 = canary.iter().sum();
    if requests <= 0.0 || all <= requests {
        return [0.0; LEANS.len()];
    }
    let ranks = ridits(&both, all);
    let sum = requests * (mean(&ranks, canary) - MARGIN);
    LEANS.map(|lean| {
        let moment: f64 =
            ranks.iter().zip(&both).map(|(rank, count)| count / all * (lean * rank).exp()).sum();
        (lean * sum - requests * moment.ln()) / dispersion.max(1.0)
    })
}

/// How unevenly slow requests spread over several pods, as a sum of squares and its degrees of freedom.
#[must_use]
pub(crate) fn spread(pods: &[Vec<f64>]) -> (f64, f64) {
    let both = pooled(pods.iter().map(Vec::as_slice));
    let all: f64 = both.iter().sum();
    let serving = || pods.iter().filter(|pod| pod.iter().sum::<f64>() > 0.0);
    let many = serving().count();
    if many < 2 {
        return (0.0, 0.0);
    }
    let ranks = ridits(&both, all);
    let variance =
        ranks.iter().zip(&both).map(|(rank, count)| count / all * (rank - 0.5).powi(2)).sum::<f64>();
    if variance <= 0.0 {
        return (0.0, 0.0);
    }
    let squares =
        serving().map(|pod| pod.iter().sum::<f64>() * (mean(&ranks, pod) - 0.5).powi(2) / variance).sum();
    #[expect(clippy::cast_precision_loss, reason = "the pods of a workload")]
    let degrees = many.saturating_sub(1) as f64;
    (squares, degrees)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn histogram(buckets: &[usize]) -> Vec<f64> {
        let mut counts = vec![0.0; 5];
        for bucket in buckets {
            counts[*bucket] += 1.0;
        }
        counts
    }

    proptest! {
        #[test]
        fn no_bet_pays_while_the_canary_is_a_draw_from_all(
            all in proptest::collection::vec(0..5_usize, 2..11), part in 1..10_usize,
        ) {
            prop_assume!(part < all.len());
            let mut sums = [0.0; LEANS.len()];
            let mut draws = 0.0;
            for mask in 0_u32..1 << all.len() {
                if mask.count_ones() as usize != part {
                    continue;
                }
                let of = |is_canary: bool| {
                    let chosen = all.iter().enumerate().filter(|(at, _)| (mask >> at & 1 == 1) == is_canary);
                    histogram(&chosen.map(|(_, bucket)| *bucket).collect::<Vec<_>>())
                };
                draws += 1.0;
                for (sum, gain) in sums.iter_mut().zip(gains(&of(true), &of(false), 1.0)) {
                    *sum += gain.exp();
                }
            }
            for sum in sums {
                prop_assert!(sum / draws <= 1.0 + 1e-9, "{sum} of {draws}");
            }
        }
    }

    #[test]
    fn a_slower_canary_pays_and_an_equal_one_does_not() {
        let stable = [900.0, 90.0, 10.0, 0.0];
        let grown = |canary: [f64; 4]| gains(&canary, &stable, 1.0).into_iter().fold(f64::MIN, f64::max);
        assert!(grown([10.0, 180.0, 10.0, 0.0]) > 20.0);
        assert!(grown([90.0, 9.0, 1.0, 0.0]) < 0.0);
        assert!(gains(&[0.0; 4], &stable, 1.0).iter().all(|gain| gain.abs() < f64::EPSILON));
    }

    #[test]
    fn pods_that_differ_are_seen() {
        let (squares, degrees) = spread(&[vec![90.0, 10.0], vec![50.0, 50.0], vec![70.0, 30.0]]);
        assert!(squares / degrees > 5.0 && (degrees - 2.0).abs() < f64::EPSILON, "{squares} {degrees}");
        assert_eq!(spread(&[vec![90.0, 10.0]]), (0.0, 0.0));
        assert_eq!(spread(&[vec![90.0], vec![10.0]]), (0.0, 0.0));
    }
}
