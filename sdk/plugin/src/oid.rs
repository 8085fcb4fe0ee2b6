//! Object identifiers as arcs that are known when the plug-in is compiled.

/// An object identifier from its dotted text, checked and translated by the compiler.
///
/// ```
/// const SYS_NAME: &[u32] = hostler_plugin::oid!("1.3.6.1.2.1.1.5.0");
/// assert_eq!(SYS_NAME, [1, 3, 6, 1, 2, 1, 1, 5, 0]);
/// ```
#[macro_export]
macro_rules! oid {
    ($text:expr) => {{
        const ARCS: &[u32] = &$crate::oid::parse::<{ $crate::oid::count($text) }>($text);
        ARCS
    }};
}

/// How many arcs a dotted text has.
#[doc(hidden)]
#[must_use]
pub const fn count(text: &str) -> usize {
    let mut arcs = 1;
    let mut rest = text.as_bytes();
    while let Some((byte, tail)) = rest.split_first() {
        if *byte == b'.' {
            arcs += 1;
        }
        rest = tail;
    }
    arcs
}

/// The arcs of a dotted text. What is wrong with it stops the compiler.
#[doc(hidden)]
#[must_use]
#[allow(clippy::indexing_slicing, reason = "runs in the compiler, where a wrong index is an error of the build")]
pub const fn parse<const N: usize>(text: &str) -> [u32; N] {
    let mut arcs = [0; N];
    let mut at = 0;
    let mut digits = 0;
    let mut rest = text.as_bytes();
    while let Some((byte, tail)) = rest.split_first() {
        if *byte == b'.' {
            assert!(digits > 0, "an arc has no digits");
            at += 1;
            digits = 0;
        } else {
            assert!(byte.is_ascii_digit(), "an object identifier has digits and dots only");
            arcs[at] = arcs[at] * 10 + (*byte - b'0') as u32;
            digits += 1;
        }
        rest = tail;
    }
    assert!(digits > 0, "an arc has no digits");
    arcs
}

/// The object identifier that begins with `root` and goes on with `suffix`: a column and its instance.
#[must_use]
pub fn join(root: &[u32], suffix: &[u32]) -> Vec<u32> {
    [root, suffix].concat()
}

/// What follows `root`, if the object is below it (or is it).
///
/// ```
/// assert_eq!(hostler_plugin::oid::suffix(&[1, 3, 6, 9], &[1, 3]), Some(&[6, 9][..]));
/// ```
#[must_use]
pub fn suffix<'o>(object: &'o [u32], root: &[u32]) -> Option<&'o [u32]> {
    object.strip_prefix(root)
}

/// Arcs as dotted text.
#[must_use]
pub fn dotted(arcs: &[u32]) -> String {
    let words: Vec<String> = arcs.iter().map(u32::to_string).collect();
    words.join(".")
}

/// Dotted text as arcs, a leading dot allowed; `None` where it isn't an object identifier.
#[must_use]
pub fn from_dotted(text: &str) -> Option<Vec<u32>> {
    text.strip_prefix('.').unwrap_or(text).split('.').map(|arc| arc.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_arcs_are_inverse() {
        assert_eq!(from_dotted(".1.3.6.4294967295"), Some(vec![1, 3, 6, u32::MAX]));
        assert_eq!(dotted(&[1, 3, 6]), "1.3.6");
        assert_eq!(from_dotted("1..3"), None);
        assert_eq!(from_dotted("1.3.4294967296"), None);
        assert_eq!(from_dotted(""), None);
    }

    #[test]
    fn nothing_is_below_a_neighbour() {
        assert_eq!(suffix(&[1, 3, 61], &[1, 3, 6]), None);
        assert_eq!(suffix(&[1, 3], &[1, 3]), Some(&[][..]));
        assert_eq!(suffix(&[1], &[1, 3]), None);
    }
}
