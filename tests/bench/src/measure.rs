//! Interleaved rounds, and what is said of them. Nothing is averaged: one slow round must not move a figure.

use anyhow::Result;

/// How often something is done: unmeasured first, then measured.
#[derive(Clone, Copy)]
pub(crate) struct Rounds {
    pub(crate) warm_up: usize,
    pub(crate) measured: usize,
}

/// Measures all sides in each round, one after the other (a, b, a, b, …), so that whatever slows the machine for a while slows all of
/// them. The answers of a side are in the order of its rounds.
pub(crate) fn interleave<S, T, const N: usize>(
    rounds: Rounds,
    sides: [&S; N],
    mut measure: impl FnMut(&S) -> Result<T>,
) -> Result<[Vec<T>; N]> {
    let mut answers = std::array::from_fn(|_| Vec::with_capacity(rounds.measured));
    for round in 0..rounds.warm_up + rounds.measured {
        for (side, answers) in sides.iter().zip(&mut answers) {
            let answer = measure(side)?;
            if round >= rounds.warm_up {
                answers.push(answer);
            }
        }
    }
    Ok(answers)
}

/// A median, and how far around it the rest lies.
#[derive(Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) low: f64,
    pub(crate) middle: f64,
    pub(crate) high: f64,
}

/// The median of some values, with the 10th and the 90th percentile.
pub(crate) fn spread(values: &[f64]) -> Spread {
    Spread { low: percentile(values, 0.1), middle: percentile(values, 0.5), high: percentile(values, 0.9) }
}

/// The ratio of two medians, with the quartiles of the ratios of the rounds.
pub(crate) fn ratio(these: &[f64], those: &[f64]) -> Spread {
    let of_rounds: Vec<f64> = these.iter().zip(those).map(|(this, that)| this / that).collect();
    Spread {
        low: percentile(&of_rounds, 0.25),
        middle: percentile(these, 0.5) / percentile(those, 0.5),
        high: percentile(&of_rounds, 0.75),
    }
}

/// The value below which this share of all lies, between its two neighbours by their distance.
fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let at = share * last as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    below + (above - below) * at.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_lie_between_values() {
        assert_eq!(percentile(&[3.0, 1.0, 2.0], 0.5), 2.0);
        assert_eq!(percentile(&[4.0, 1.0, 2.0, 3.0], 0.5), 2.5);
        assert_eq!(percentile(&[1.0, 2.0], 1.0), 2.0);
        assert!(percentile(&[], 0.5).is_nan());
    }

    #[test]
    fn rounds_go_from_side_to_side() {
        let mut order = String::new();
        let rounds = Rounds { warm_up: 1, measured: 2 };
        let answers = interleave(rounds, [&'a', &'b'], |side| {
            order.push(*side);
            Ok(order.len())
        });
        assert_eq!(answers.unwrap(), [vec![3, 5], vec![4, 6]]);
        assert_eq!(order, "ababab");
    }

    #[test]
    fn a_ratio_is_of_medians() {
        let ratio = ratio(&[2.0, 4.0, 90.0], &[1.0, 2.0, 3.0]);
        assert_eq!((ratio.low, ratio.middle, ratio.high), (2.0, 2.0, 16.0));
    }
}
