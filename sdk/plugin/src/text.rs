//! Text as devices send it: padded, in one of two encodings, with surprises.

/// No device says anything useful in more characters than this; what is longer is cut.
const LONGEST: usize = 512;

/// Octets as text for people: UTF-8, else Latin-1; ends at the first NUL; control characters become spaces; several
/// spaces become one; none at the ends.
///
/// ```
/// assert_eq!(hostler_plugin::text::clean(b"  Fotoleiter\0\0junk"), "Fotoleiter");
/// assert_eq!(hostler_plugin::text::clean(b"Beh\xe4lter\r\nvoll"), "Behälter voll");
/// ```
#[must_use]
pub fn clean(octets: &[u8]) -> String {
    let octets = octets.split(|byte| *byte == 0).find(|part| !part.is_empty()).unwrap_or_default();
    match core::str::from_utf8(octets) {
        Ok(text) => squeeze(text.chars()),
        Err(_) => squeeze(octets.iter().map(|byte| char::from(*byte))),
    }
}

fn squeeze(chars: impl Iterator<Item = char>) -> String {
    let mut out = String::new();
    let mut gap = false;
    for c in chars.take(LONGEST) {
        if c.is_control() || c.is_whitespace() {
            gap = !out.is_empty();
        } else {
            if gap {
                out.push(' ');
            }
            gap = false;
            out.push(c);
        }
    }
    out
}

/// The same, and `None` where the device says nothing: an empty text, a filler such as `0000` or `----`, or a word for
/// "not known".
#[must_use]
pub fn told(octets: &[u8]) -> Option<String> {
    Some(clean(octets)).filter(|text| says_something(text))
}

/// Whether a text is more than a filler.
#[must_use]
pub fn says_something(text: &str) -> bool {
    const FILLERS: [&str; 7] = ["unknown", "n/a", "none", "null", "not available", "not set", "undefined"];
    let first = text.chars().next();
    let filler = text.len() > 1
        && text.chars().all(|c| Some(c) == first && matches!(c, '0' | '-' | '*' | '.' | '?' | 'x' | 'X' | '#'));
    let empty = text.is_empty() || FILLERS.iter().any(|word| text.eq_ignore_ascii_case(word));
    !empty && !filler
}

/// Whether `text` has `word`, in ASCII letters of either case, as a word: no letter of the same script beside it.
#[must_use]
pub fn has_word(text: &str, word: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let word = word.to_ascii_lowercase();
    lower.match_indices(&word).any(|(at, _)| {
        let before = lower.get(..at).and_then(|part| part.chars().next_back());
        let after = lower.get(at + word.len()..).and_then(|part| part.chars().next());
        !before.is_some_and(char::is_alphabetic) && !after.is_some_and(char::is_alphabetic)
    })
}

/// A hardware address, lower-case with colons; `None` unless it has six octets that aren't all zero or all one.
#[must_use]
pub fn mac(octets: &[u8]) -> Option<String> {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    if octets.len() != 6 || octets.iter().all(|byte| *byte == 0) || octets.iter().all(|byte| *byte == 0xff) {
        return None;
    }
    let mut out = String::new();
    for byte in octets {
        if !out.is_empty() {
            out.push(':');
        }
        out.extend([byte >> 4, byte & 15].iter().filter_map(|nibble| HEX.get(usize::from(*nibble))));
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nuls_controls_and_spaces_are_cleaned() {
        assert_eq!(clean(b"\0\0Tray 1\0Tray 2"), "Tray 1");
        assert_eq!(clean(b"\t a \x1b  b \r\n"), "a b");
        assert_eq!(clean("Papierfach für A3".as_bytes()), "Papierfach für A3");
        assert_eq!(clean(&[b'a'; 5000]).len(), LONGEST);
    }

    #[test]
    fn fillers_say_nothing() {
        for filler in ["", "  ", "0000000", "-----", "unknown", "N/A", "xxxx"] {
            assert_eq!(told(filler.as_bytes()), None, "{filler:?}");
        }
        assert_eq!(told(b"0"), Some("0".to_owned()), "a lone zero can be a version");
        assert_eq!(told(b"AB0000"), Some("AB0000".to_owned()));
    }

    #[test]
    fn words_are_whole() {
        assert!(has_word("Network UPS, 3 kVA", "ups"));
        assert!(!has_word("Groups", "ups"));
        assert!(has_word("SCX4200", "scx"), "a number may follow");
    }

    #[test]
    fn hardware_addresses() {
        assert_eq!(mac(&[0xAC, 0x18, 0x26, 0, 0x5F, 0xDC]), Some("ac:18:26:00:5f:dc".to_owned()));
        assert_eq!(mac(&[0; 6]), None);
        assert_eq!(mac(&[1, 2, 3]), None);
    }

    proptest::proptest! {
        #[test]
        fn what_is_clean_has_no_control_characters_and_stays_as_it_is(octets: Vec<u8>) {
            let text = clean(&octets);
            proptest::prop_assert!(!text.contains(char::is_control));
            proptest::prop_assert_eq!(clean(text.as_bytes()), text.clone());
            let _ = has_word(&text, "ups");
        }
    }
}
