//! Recorded answers of devices in the format of snmpsim: one object a line, `OID|type|value`.

use super::Host;
use crate::oid;
use crate::snmp::Value;
use std::path::{Path, PathBuf};

/// A recording that can't be used.
#[derive(Debug)]
pub enum SnmprecError {
    /// The file can't be read.
    Read(PathBuf, std::io::Error),
    /// A line isn't an object.
    Line(PathBuf, usize),
}

impl std::fmt::Display for SnmprecError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Read(path, source) => write!(f, "can't read the recording {}: {source}", path.display()),
            Self::Line(path, line) => write!(f, "{}, line {line}: not of the form OID|type|value", path.display()),
        }
    }
}

impl std::error::Error for SnmprecError {}

impl Host {
    /// A device that answers what another one answered.
    ///
    /// # Errors
    /// When the file can't be read or a line isn't an object.
    pub fn from_snmprec(path: &Path) -> Result<Self, SnmprecError> {
        // Values are octets in whatever encoding the device had.
        let octets = std::fs::read(path).map_err(|source| SnmprecError::Read(path.to_owned(), source))?;
        let mut host = Self::new();
        for (number, line) in octets.split(|byte| *byte == b'\n').enumerate() {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() {
                continue;
            }
            let (oid, value) = parse(line).ok_or_else(|| SnmprecError::Line(path.to_owned(), number + 1))?;
            host.objects.insert(oid, value);
        }
        Ok(host)
    }
}

/// The folder of recordings: `HOSTLER_RECORDINGS`, else `shared/recordings` beside or above `start` (a test's
/// `CARGO_MANIFEST_DIR`). `None` where there is none; a test then says that it is skipped.
#[must_use]
pub fn recordings(start: &str) -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("HOSTLER_RECORDINGS") {
        return Some(PathBuf::from(folder)).filter(|folder| folder.is_dir());
    }
    Path::new(start).ancestors().map(|folder| folder.join("shared/recordings")).find(|folder| folder.is_dir())
}

fn parse(line: &[u8]) -> Option<(Vec<u32>, Value)> {
    let mut parts = line.splitn(3, |byte| *byte == b'|');
    let oid = oid::from_dotted(std::str::from_utf8(parts.next()?).ok()?)?;
    let tag = std::str::from_utf8(parts.next()?).ok()?;
    let raw = parts.next()?;
    let octets = if tag.ends_with('x') { unhex(raw)? } else { raw.to_vec() };
    let text = std::str::from_utf8(raw).ok();
    let value = match tag.trim_end_matches('x') {
        "2" => Value::Integer(text?.parse().ok()?),
        "4" => Value::Octets(octets),
        "5" => Value::Null,
        "6" => Value::ObjectId(oid::from_dotted(text?)?),
        "64" => {
            let address: std::net::Ipv4Addr = text?.parse().ok()?;
            let [a, b, c, d] = address.octets();
            Value::IpAddress((a, b, c, d))
        }
        "65" => Value::Counter32(text?.parse().ok()?),
        "66" => Value::Gauge32(text?.parse().ok()?),
        "67" => Value::TimeTicks(text?.parse().ok()?),
        "68" => Value::Opaque(octets),
        "70" => Value::Counter64(text?.parse().ok()?),
        _ => return None,
    };
    Some((oid, value))
}

fn unhex(digits: &[u8]) -> Option<Vec<u8>> {
    let nibble = |digit: u8| char::from(digit).to_digit(16).and_then(|n| u8::try_from(n).ok());
    digits
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(nibble(*high)? << 4 | nibble(*low)?),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_every_kind() {
        assert_eq!(parse(b"1.3.6|4x|0aff"), Some((vec![1, 3, 6], Value::Octets(vec![10, 255]))));
        assert_eq!(parse(b".1.3|4|a|b"), Some((vec![1, 3], Value::Octets(b"a|b".to_vec()))));
        assert_eq!(parse(b"1.3|2|-3"), Some((vec![1, 3], Value::Integer(-3))));
        assert_eq!(parse(b"1.3|6|.1.3"), Some((vec![1, 3], Value::ObjectId(vec![1, 3]))));
        assert_eq!(parse(b"1.3|64|10.0.0.1"), Some((vec![1, 3], Value::IpAddress((10, 0, 0, 1)))));
        assert_eq!(parse(b"1.3|99|1"), None);
        assert_eq!(parse(b"1.3"), None);
    }
}
