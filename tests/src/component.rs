//! Another release of a plug-in: the same code under another manifest.

use hostler_core::plugin::MANIFEST_SECTION;

/// The length of a component's preamble: magic number, version, layer.
const PREAMBLE: usize = 8;

/// The manifest that a component carries.
///
/// # Panics
/// When it has none.
#[must_use]
pub fn manifest(component: &[u8]) -> String {
    let found = sections(component).into_iter().find_map(|section| own(section));
    String::from_utf8(found.unwrap().to_vec()).unwrap()
}

/// The same component under this manifest.
#[must_use]
pub fn with_manifest(component: &[u8], text: &str) -> Vec<u8> {
    let mut made = component[..PREAMBLE].to_vec();
    sections(component).into_iter().filter(|section| own(section).is_none()).for_each(|section| made.extend(section));
    let mut body = length(MANIFEST_SECTION.len());
    body.extend(MANIFEST_SECTION.bytes().chain(text.bytes()));
    made.push(0);
    made.extend(length(body.len()));
    made.extend(body);
    made
}

/// The outermost sections, each with its head.
fn sections(component: &[u8]) -> Vec<&[u8]> {
    let mut rest = &component[PREAMBLE..];
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (size, head) = number(&rest[1..]);
        let (section, after) = rest.split_at(1 + head + size);
        found.push(section);
        rest = after;
    }
    found
}

/// What a custom section holds, if it is the manifest's.
fn own(section: &[u8]) -> Option<&[u8]> {
    let (_, head) = number(&section[1..]);
    let body = section.first().filter(|kind| **kind == 0).map(|_| &section[1 + head..])?;
    let (size, head) = number(body);
    body[head..].strip_prefix(MANIFEST_SECTION.as_bytes()).filter(|_| size == MANIFEST_SECTION.len())
}

/// Reads a LEB128 number; returns how many bytes it has as well.
fn number(bytes: &[u8]) -> (usize, usize) {
    let more = bytes.iter().take_while(|byte| **byte & 0x80 != 0).count();
    let value = bytes[..=more].iter().rev().fold(0, |value, byte| (value << 7) | usize::from(byte & 0x7f));
    (value, more + 1)
}

/// Writes one.
fn length(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or_default();
        value >>= 7;
        bytes.push(if value == 0 { low } else { low | 0x80 });
        if value == 0 {
            return bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_replaced_and_nothing_else() {
        let component = b"\0asm\x0d\0\x01\0\x07\x02ab".to_vec();
        let one = with_manifest(&component, "one");
        let text = "two".repeat(100);
        let two = with_manifest(&one, &text);
        assert_eq!(manifest(&one), "one");
        assert_eq!(manifest(&two), text);
        assert_eq!(with_manifest(&two, "one"), one);
    }
}
