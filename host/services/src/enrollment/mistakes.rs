//! What users gave as addresses and wasn't taken, by registration: told in the answer, and for a while to who looks again.

use super::Refused;
use hostler_core::RegistrationId;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// So many are remembered altogether; those of the newest registration are, however many they are.
const REMEMBERED: usize = 20_000;

#[derive(Default)]
pub(super) struct Mistakes(Mutex<VecDeque<(RegistrationId, Vec<Refused>)>>);

impl Mistakes {
    pub(super) fn remember(&self, id: RegistrationId, refused: Vec<Refused>) {
        if refused.is_empty() {
            return;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.push_back((id, refused));
        let mut count: usize = known.iter().map(|(_, refused)| refused.len()).sum();
        while count > REMEMBERED && known.len() > 1 {
            count -= known.pop_front().map_or(0, |(_, refused)| refused.len());
        }
    }

    pub(super) fn of(&self, id: &RegistrationId) -> Vec<Refused> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().find(|(known, _)| known == id).map_or_else(Vec::new, |(_, refused)| refused.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e03_the_oldest_mistakes_are_forgotten_first() {
        let refused = |count| vec![Refused { line: 1, text: "?".into(), why: "no".into() }; count];
        let id = |n: usize| -> RegistrationId { format!("r-{n}").parse().unwrap() };
        let mistakes = Mistakes::default();
        for n in 0..3 {
            mistakes.remember(id(n), refused(9_000));
        }
        assert_eq!([0, 1, 2].map(|n| mistakes.of(&id(n)).len()), [0, 9_000, 9_000]);
        mistakes.remember(id(3), refused(REMEMBERED + 1));
        assert_eq!([2, 3].map(|n| mistakes.of(&id(n)).len()), [0, REMEMBERED + 1]);
    }
}
