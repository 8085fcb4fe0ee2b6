//! Takes a credential out of what a device answers, where it says back what it was told.
//!
//! This mitigates a device that echoes, such as a page that shows the request; one that means to tell can spell it
//! otherwise.

use hostler_core::Secret;

/// A shorter word would be found where nobody said it.
const SHORTEST: usize = 4;

/// The spellings of a credential that are looked for.
#[derive(Default)]
pub(crate) struct Scrub(Vec<Secret>);

impl Scrub {
    /// Looks for these.
    pub(crate) fn of(spellings: impl IntoIterator<Item = Secret>) -> Self {
        Self(spellings.into_iter().filter(|spelling| spelling.expose().len() >= SHORTEST).collect())
    }

    /// Puts as many asterisks in the place of each.
    pub(crate) fn bytes(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        for spelling in &self.0 {
            let spelling = spelling.expose().as_bytes();
            let mut from = 0;
            while let Some(found) = find(bytes.get(from..).unwrap_or_default(), spelling) {
                let end = from + found + spelling.len();
                if let Some(place) = bytes.get_mut(from + found..end) {
                    place.fill(b'*');
                }
                from = end;
            }
        }
        bytes
    }

    /// The same for a text.
    pub(crate) fn text(&self, text: String) -> String {
        if self.0.is_empty() {
            return text;
        }
        // A spelling is whole characters, and so is what is left of the text.
        String::from_utf8(self.bytes(text.into_bytes())).unwrap_or_default()
    }
}

fn find(bytes: &[u8], spelling: &[u8]) -> Option<usize> {
    bytes.windows(spelling.len()).position(|window| window == spelling)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p02_every_spelling_is_taken_out_and_nothing_else() {
        let scrub = Scrub::of(["geheim".to_owned(), "YTpnZWhlaW0=".to_owned(), "abc".to_owned()].map(Secret::new));
        assert_eq!(
            scrub.text("geheimgeheim, Basic YTpnZWhlaW0=; abc".to_owned()),
            "************, Basic ************; abc"
        );
        assert_eq!(scrub.bytes(b"\xffgeheim\0".to_vec()), b"\xff******\0");
        assert_eq!(Scrub::default().text("geheim".to_owned()), "geheim");
    }
}
