//! Recordings of real devices: `.snmprec`, the format of snmpsim.
//!
//! One object a line, `OID|type|value`. The type is the BER tag in decimal; an `x` after it means that the value is
//! in hex. Empty lines and lines that start with `#` are skipped. What we don't take is refused with its line: a
//! recording with snmpsim's variation modules (`OID|type:module|…`) doesn't hold the values itself, so half of it
//! would be half a device.

use std::collections::BTreeMap;
use std::path::Path;

use async_snmp::{Oid, Value};

use crate::{Error, Profile};

/// Largest file that is read, in bytes.
pub const MAX_FILE: usize = 16 * 1024 * 1024;
/// Most objects a recording may have.
pub const MAX_OBJECTS: usize = 100_000;
/// Longest value, in bytes (RFC 2578 §7.1.2).
pub const MAX_VALUE: usize = 65_535;

/// A line that isn't taken, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fault}")]
pub struct LineError {
    /// The line, from 1; 0 stands for the file as a whole.
    pub line: usize,
    /// What is wrong with it.
    pub fault: LineFault,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LineFault {
    /// Not three parts.
    #[error("a line is OID|type|value, but this one has no second or third part")]
    Parts,
    /// The name isn't an OBJECT IDENTIFIER.
    #[error("the name before the first | is no object identifier: write it in numbers, such as 1.3.6.1.2.1.1.1.0")]
    Name,
    /// The same name on two lines, with two values. The same line twice is taken: recordings that were made
    /// anonymous have such.
    #[error("{0} has a line already, with another value: remove one of them")]
    Contradicts(Oid),
    /// The value comes from a variation module of snmpsim.
    #[error("the value comes from snmpsim's module {0:?}: record plain values instead")]
    Variation(String),
    /// A type we don't know.
    #[error(
        "the type {0:?} isn't known: use 2, 4, 5, 6, 64, 65, 66, 67, 68 or 70, with an x for hex after 4, 64 and 68"
    )]
    Type(String),
    /// The value doesn't fit its type.
    #[error("the value isn't {0}")]
    Value(&'static str),
    /// A limit is passed.
    #[error("more than {limit} {what}: split the recording")]
    TooMuch {
        /// The limit.
        limit: usize,
        /// What there is too much of.
        what: &'static str,
    },
}

/// Reads a recording and makes a profile of it, named as the file.
///
/// # Errors
///
/// The file can't be read, or a line isn't taken; the error names both.
pub fn load(path: &Path) -> Result<Profile, Error> {
    let text = std::fs::read(path).map_err(|source| Error::ReadRecording { path: path.to_owned(), source })?;
    let objects = parse(&text).map_err(|source| Error::BadRecording { path: path.to_owned(), source })?;
    let name = path.file_stem().map_or_else(|| "recording".into(), |stem| stem.to_string_lossy());
    Ok(Profile::from_recording(name, objects))
}

/// The objects of a recording, in lexical order.
///
/// # Errors
///
/// The first line that isn't taken.
pub fn parse(text: &[u8]) -> Result<Vec<(Oid, Value)>, LineError> {
    if text.len() > MAX_FILE {
        return Err(LineError { line: 0, fault: LineFault::TooMuch { limit: MAX_FILE, what: "bytes" } });
    }
    let mut objects = BTreeMap::new();
    for (line, text) in (1..).zip(text.split(|byte| *byte == b'\n')) {
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if text.is_empty() || text.starts_with(b"#") {
            continue;
        }
        let refused = |fault| LineError { line, fault };
        let (name, value) = object(text).map_err(refused)?;
        if objects.get(&name).is_some_and(|before| *before != value) {
            return Err(refused(LineFault::Contradicts(name)));
        }
        if objects.len() == MAX_OBJECTS {
            return Err(refused(LineFault::TooMuch { limit: MAX_OBJECTS, what: "objects" }));
        }
        objects.insert(name, value);
    }
    Ok(objects.into_iter().collect())
}

fn object(line: &[u8]) -> Result<(Oid, Value), LineFault> {
    let mut parts = line.splitn(3, |byte| *byte == b'|');
    let (Some(name), Some(tag), Some(value)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(LineFault::Parts);
    };
    if value.len() > 2 * MAX_VALUE {
        return Err(LineFault::TooMuch { limit: MAX_VALUE, what: "bytes in a value" });
    }
    let name = oid(name).ok_or(LineFault::Name)?;
    Ok((name, typed(tag, value)?))
}

fn typed(tag: &[u8], value: &[u8]) -> Result<Value, LineFault> {
    let tag_text = || String::from_utf8_lossy(tag).into_owned();
    if let Some(place) = tag.iter().position(|byte| *byte == b':') {
        let module = tag.get(place + 1..).unwrap_or_default();
        return Err(LineFault::Variation(String::from_utf8_lossy(module).into_owned()));
    }
    let (number, hex) = match tag.strip_suffix(b"x") {
        Some(number) => (number, true),
        None => (tag, false),
    };
    let bytes = || if hex { unhex(value) } else { within_limit(value.to_vec()) };
    match (number, hex) {
        (b"2", false) => whole(value).map(Value::Integer).ok_or(LineFault::Value("a whole number of 32 bits")),
        (b"4", _) => Ok(Value::OctetString(bytes()?.into())),
        (b"5", false) if value.is_empty() => Ok(Value::Null),
        (b"5", false) => Err(LineFault::Value("empty, as NULL is")),
        (b"6", false) => oid(value).map(Value::ObjectIdentifier).ok_or(LineFault::Value("an object identifier")),
        (b"64", false) => address(value).map(Value::IpAddress).ok_or(LineFault::Value("an IPv4 address")),
        (b"64", true) => four(&unhex(value)?).map(Value::IpAddress).ok_or(LineFault::Value("four bytes in hex")),
        (b"65", false) => unsigned(value).map(Value::Counter32),
        (b"66", false) => unsigned(value).map(Value::Gauge32),
        (b"67", false) => unsigned(value).map(Value::TimeTicks),
        (b"68", _) => Ok(Value::Opaque(bytes()?.into())),
        (b"70", false) => whole(value).map(Value::Counter64).ok_or(LineFault::Value("a number from 0 to 2^64-1")),
        _ => Err(LineFault::Type(tag_text())),
    }
}

fn unsigned(value: &[u8]) -> Result<u32, LineFault> {
    whole(value).ok_or(LineFault::Value("a number from 0 to 4294967295"))
}

fn whole<T: std::str::FromStr>(value: &[u8]) -> Option<T> {
    std::str::from_utf8(value).ok()?.trim().parse().ok()
}

fn oid(text: &[u8]) -> Option<Oid> {
    let text = std::str::from_utf8(text).ok()?;
    // Some write the root's dot.
    let text = text.strip_prefix('.').unwrap_or(text);
    let arcs: Vec<u32> = text.split('.').map(|arc| arc.parse().ok()).collect::<Option<_>>()?;
    let oid = Oid::new(arcs);
    oid.validate_for_wire().ok().map(|()| oid)
}

fn address(value: &[u8]) -> Option<[u8; 4]> {
    whole::<std::net::Ipv4Addr>(value).map(|address| address.octets())
}

fn four(bytes: &[u8]) -> Option<[u8; 4]> {
    bytes.try_into().ok()
}

fn unhex(value: &[u8]) -> Result<Vec<u8>, LineFault> {
    let digits = value.strip_prefix(b"0x").unwrap_or(value);
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    };
    let bytes: Option<Vec<u8>> = digits.chunks(2).map(pair).collect();
    within_limit(bytes.ok_or(LineFault::Value("hex, two digits a byte"))?)
}

fn within_limit(bytes: Vec<u8>) -> Result<Vec<u8>, LineFault> {
    if bytes.len() > MAX_VALUE {
        return Err(LineFault::TooMuch { limit: MAX_VALUE, what: "bytes in a value" });
    }
    Ok(bytes)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fault(line: &str) -> LineFault {
        parse(line.as_bytes()).expect_err(line).fault
    }

    #[test]
    fn takes_every_type() {
        let text = "# a comment\r\n1.3.6.1.9|4|last\n\n1.3.6.1.1|2|-3\n1.3.6.1.2|4x|00fF\n.1.3.6.1.3|6|.0.0\n\
            1.3.6.1.4|64|10.0.0.1\n1.3.6.1.5|65|4294967295\n1.3.6.1.6|67|0\n1.3.6.1.7|70|18446744073709551615\n\
            1.3.6.1.8|4|a|b\n";
        let values: Vec<Value> = parse(text.as_bytes()).expect("taken").into_iter().map(|(_, value)| value).collect();
        assert_eq!(
            values,
            [
                Value::Integer(-3),
                Value::OctetString(vec![0, 255].into()),
                Value::ObjectIdentifier(Oid::from_slice(&[0, 0])),
                Value::IpAddress([10, 0, 0, 1]),
                Value::Counter32(u32::MAX),
                Value::TimeTicks(0),
                Value::Counter64(u64::MAX),
                Value::from("a|b"),
                Value::from("last"),
            ]
        );
    }

    #[test]
    fn names_what_it_refuses() {
        assert_eq!(fault("1.3.6.1.1|2"), LineFault::Parts);
        assert_eq!(fault("1.3.x|2|1"), LineFault::Name);
        assert_eq!(fault("..1.3|2|1"), LineFault::Name);
        assert_eq!(fault("9.9.9|2|1"), LineFault::Name);
        assert_eq!(fault("1.3.6|2:numeric|rate=1"), LineFault::Variation("numeric".into()));
        assert_eq!(fault("1.3.6|71|1"), LineFault::Type("71".into()));
        assert_eq!(fault("1.3.6|2x|01"), LineFault::Type("2x".into()));
        assert!(matches!(fault("1.3.6|65|4294967296"), LineFault::Value(_)));
        assert!(matches!(fault("1.3.6|4x|0"), LineFault::Value(_)));
        assert!(matches!(fault("1.3.6|64|10.0.0"), LineFault::Value(_)));
        let twice = parse(b"1.3.6|2|1\n1.3.6|2|1\n1.3.6|2|2").expect_err("contradicts");
        assert_eq!(twice.line, 3);
    }

    #[test]
    fn limits_hold() {
        let long = format!("1.3.6|4|{}", "a".repeat(MAX_VALUE + 1));
        assert!(matches!(fault(&long), LineFault::TooMuch { .. }));
        let hex = format!("1.3.6|4x|{}", "00".repeat(MAX_VALUE + 1));
        assert!(matches!(fault(&hex), LineFault::TooMuch { .. }));
    }

    #[test]
    fn an_error_names_file_and_line() {
        let file = std::env::temp_dir().join(format!("bad-{}.snmprec", std::process::id()));
        std::fs::write(&file, "1.3.6|2|1\n1.3.6.1|2|x").expect("written");
        let error = load(&file).expect_err("refused").to_string();
        std::fs::remove_file(&file).expect("removed");
        assert!(error.contains("bad-") && error.contains("line 2") && error.contains("32 bits"), "{error}");
    }

    proptest! {
        #[test]
        fn never_panics_on_foreign_bytes(text in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = parse(&text);
        }

        #[test]
        fn never_panics_on_almost_a_line(name in "[0-9.]{0,12}", tag in "[0-9x:e]{0,4}", value in "\\PC{0,20}") {
            let _ = parse(format!("{name}|{tag}|{value}\n").as_bytes());
        }
    }
}
