//! The certificates of things. Most sign their own, so nobody vouches for them: the first that a thing shows is trusted
//! from then on, and another one is a question to the operator.

use crate::id::Fingerprint;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is known of the certificate of a thing's web server.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
pub struct Certificate {
    /// What it is known by: the first that it showed, or the last that an operator trusted.
    pub trusted: Fingerprint,
    /// Another one that it showed since, the last of them: a question that an operator answers by trusting one of the two.
    /// Nothing is sent over a connection that shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<Fingerprint>,
}

impl Certificate {
    /// What is known after this one was shown. A question stays until somebody answers it: who answers in the thing's place
    /// now and then shall not be overlooked.
    #[must_use]
    pub fn after(known: Option<&Self>, shown: Fingerprint) -> Self {
        match known {
            None => Self { trusted: shown, shown: None },
            Some(known) if known.trusted == shown => known.clone(),
            Some(known) => Self { trusted: known.trusted.clone(), shown: Some(shown) },
        }
    }

    /// What is known after an operator answered by trusting this one; `None` where that isn't one of the two.
    #[must_use]
    pub fn trusting(&self, fingerprint: &Fingerprint) -> Option<Self> {
        let asked = self.shown.as_ref().is_some_and(|shown| shown == fingerprint || self.trusted == *fingerprint);
        asked.then(|| Self { trusted: fingerprint.clone(), shown: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p02_the_first_is_trusted_and_another_one_only_by_an_operator() {
        let [old, new, third] = [b"old", b"new", b"3rd"].map(|bytes| Fingerprint::of(bytes));
        let first = Certificate::after(None, old.clone());
        assert_eq!(first, Certificate { trusted: old.clone(), shown: None });
        assert_eq!(first.trusting(&old), None, "nobody asks");
        let changed = Certificate::after(Some(&first), new.clone());
        assert_eq!(changed, Certificate { trusted: old.clone(), shown: Some(new.clone()) });
        assert_eq!(Certificate::after(Some(&changed), old.clone()), changed, "it is back, and the question stays");
        assert_eq!(changed.trusting(&third), None, "nobody asks about that one");
        assert_eq!(changed.trusting(&old), Some(first), "the other one was a stranger's");
        assert_eq!(changed.trusting(&new), Some(Certificate { trusted: new, shown: None }));
    }
}
