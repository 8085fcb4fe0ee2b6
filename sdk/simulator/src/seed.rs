//! Numbers that look random and come out the same for the same seed.

use std::ops::RangeInclusive;

/// The splitmix64 sequence: small, fast, and good enough to spread levels over a fleet. Not for secrets.
#[derive(Debug, Clone)]
pub(crate) struct Seed(u64);

impl Seed {
    /// The sequence of device `number` in the fleet of `seed`.
    pub(crate) fn for_device(seed: u64, number: u32) -> Self {
        let mut mixed = Self(seed);
        mixed.0 = mixed.next() ^ (u64::from(number) << 1);
        mixed.next();
        mixed
    }

    /// The next number, all 64 bits of it.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number within the range; its start when the range is empty.
    pub(crate) fn within(&mut self, range: &RangeInclusive<u32>) -> u32 {
        let span = u64::from(range.end().saturating_sub(*range.start())) + 1;
        let offset = u32::try_from(self.next() % span).unwrap_or(0);
        range.start().saturating_add(offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seeds_make_equal_sequences() {
        let (mut one, mut two) = (Seed::for_device(7, 3), Seed::for_device(7, 3));
        assert_eq!([one.next(), one.next()], [two.next(), two.next()]);
        assert_ne!(Seed::for_device(7, 4).next(), Seed::for_device(7, 3).next());
    }

    #[test]
    fn stays_within_its_range() {
        let mut seed = Seed::for_device(1, 1);
        assert!((0..1000).all(|_| (5..=9).contains(&seed.within(&(5..=9)))));
        assert_eq!(seed.within(&(u32::MAX..=u32::MAX)), u32::MAX);
    }
}
