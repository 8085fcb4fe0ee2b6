//! PINs and keys: what lets a device in.
//!
//! A PIN is shown by whoever has it; a key ([`EnrollmentKey`]) is proved and never sent back. Randomness comes from outside;
//! only digests are meant to be stored.

use crate::id::{DeviceId, KeyFingerprint, NodeId, UserName};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Crockford's base32: no I, L, O, U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The characters of a PIN that is clicked or delivered: 128 bits.
pub const DELIVERED_LENGTH: usize = 26;
/// The bytes that such a PIN is made from.
const DELIVERED_BYTES: usize = 16;
/// The fewest characters of a PIN.
pub const SHORTEST: usize = 4;
/// How many typed PINs somebody may try in a day, whoever and from wherever: what the slowing of guesses lets through.
pub const GUESSES_A_DAY: u64 = 100_000;
/// The chance that guessing hits one of the typed PINs, while they live, is below this.
pub const LUCK: f64 = 1e-6;
/// The longest text that is looked at: a whole PIN with a hyphen or space after each character.
const LONGEST_TEXT: usize = 2 * DELIVERED_LENGTH;

/// Why something is no PIN.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadPin {
    /// Too short or too long.
    #[error(
        "a PIN has {SHORTEST} to {DELIVERED_LENGTH} letters and digits, and this one has more or fewer; \
         enter it as it was given out"
    )]
    Length,
    /// A character that no PIN has.
    #[error("a PIN has letters (without U) and digits only; enter it as it was given out")]
    Character,
    /// Too little to make one from.
    #[error("a PIN of {length} characters is made from at least {needed} random bytes")]
    TooFewBytes {
        /// How long the PIN is.
        length: usize,
        /// How many bytes it takes.
        needed: usize,
    },
}

/// What lets devices in, as somebody clicks, delivers or types it. Wiped when dropped, never printed.
#[derive(Clone)]
pub struct Pin(Zeroizing<String>);

/// How many characters a typed PIN needs, so that `guesses` guesses hit one of `places` living PINs with a chance below
/// `most_likely`.
///
/// Each of n guesses hits each of m PINs with a chance of 1 in 32^length, so the chance of any hit is at most n · m / 32^length,
/// however cleverly the guesses are chosen. `guesses` is what the slowing of guesses lets through while the PINs live.
/// What can't be reached, such as no chance at all, gives the longest.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "an estimate with 53 bits is exact enough")]
pub fn typed_length(guesses: u64, places: u64, most_likely: f64) -> usize {
    let hits = guesses as f64 * places as f64;
    let likely = |length: &usize| hits / 32_f64.powi(i32::try_from(*length).unwrap_or(i32::MAX)) < most_likely;
    (SHORTEST..DELIVERED_LENGTH).find(likely).unwrap_or(DELIVERED_LENGTH)
}

/// Why typed PINs have so many characters, for whoever gives them out.
#[must_use]
pub fn typed_length_said(length: usize) -> String {
    let guesses = GUESSES_A_DAY / 1_000;
    format!(
        "{length} characters: so many that {guesses},000 guesses a day, more than which aren't let through, hit a PIN of \
         anybody's with a chance below one in a million while it lives"
    )
}

impl Pin {
    /// Makes a PIN of `length` characters from random bytes, or from bytes that were derived from a secret.
    ///
    /// # Errors
    /// [`BadPin::Length`], or [`BadPin::TooFewBytes`]: no PIN is weaker than its length says.
    pub fn from_bytes(bytes: &[u8], length: usize) -> Result<Self, BadPin> {
        if !(SHORTEST..=DELIVERED_LENGTH).contains(&length) {
            return Err(BadPin::Length);
        }
        let needed = if length == DELIVERED_LENGTH { DELIVERED_BYTES } else { (length * 5).div_ceil(8) };
        let bytes = bytes.get(..needed).ok_or(BadPin::TooFewBytes { length, needed })?;
        let mut text = Zeroizing::new(String::with_capacity(length));
        let (mut window, mut bits) = (0_u32, 0);
        // The last of 26 characters has three bits of the 128, and two noughts.
        let mut rest = bytes.iter().chain([&0]);
        while text.len() < length {
            if bits < 5 {
                window = (window << 8 | u32::from(*rest.next().unwrap_or(&0))) & 0xFFFF;
                bits += 8;
            }
            bits -= 5;
            text.extend(ALPHABET.get((window >> bits & 31) as usize).map(|letter| char::from(*letter)));
        }
        Ok(Self(text))
    }

    /// The PIN itself, for the one place that gives it out or sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What it is looked up by.
    #[must_use]
    pub fn digest(&self) -> PinDigest {
        PinDigest(hex::encode(Sha256::digest(self.0.as_bytes())))
    }
}

impl FromStr for Pin {
    type Err = BadPin;
    /// Reads a PIN as people write it: small letters, O for 0, I and L for 1; hyphens and spaces don't count.
    fn from_str(text: &str) -> Result<Self, BadPin> {
        if text.len() > LONGEST_TEXT {
            return Err(BadPin::Length);
        }
        let mut pin = Zeroizing::new(String::with_capacity(LONGEST_TEXT));
        for c in text.chars().filter(|c| !matches!(c, '-' | ' ')) {
            let letter = match c.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            };
            if !u8::try_from(letter).is_ok_and(|letter| ALPHABET.contains(&letter)) {
                return Err(BadPin::Character);
            }
            pin.push(letter);
        }
        let fits = (SHORTEST..=DELIVERED_LENGTH).contains(&pin.len());
        if fits { Ok(Self(pin)) } else { Err(BadPin::Length) }
    }
}

impl PartialEq for Pin {
    /// Takes the same time wherever the two differ.
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Pin {}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<'de> Deserialize<'de> for Pin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Zeroizing::new(String::deserialize(deserializer)?).parse().map_err(serde::de::Error::custom)
    }
}

/// Writes a PIN where a device sends it. A PIN has no `Serialize` of its own, so that it gets into nothing by mistake.
pub(super) fn write_pin<S: Serializer>(pin: &Pin, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(pin.expose())
}

/// What an invitation is looked up by: a digest of its PIN or key, in 64 lower-case hexadecimal digits.
///
/// That of a key or a delivered PIN is no use to who sees it. A typed PIN is short enough to be found from it, by trying; it
/// is worth something only until it expires.
#[derive(Clone, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PinDigest(String);

impl PinDigest {
    /// The digest as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for PinDigest {
    /// Takes the same time wherever the two differ.
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for PinDigest {}

impl std::hash::Hash for PinDigest {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl TryFrom<String> for PinDigest {
    type Error = BadDigest;
    fn try_from(text: String) -> Result<Self, BadDigest> {
        let fits = text.len() == 64 && text.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
        if fits { Ok(Self(text)) } else { Err(BadDigest) }
    }
}

impl From<PinDigest> for String {
    fn from(digest: PinDigest) -> Self {
        digest.0
    }
}

impl fmt::Debug for PinDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}…", self.0)
    }
}

/// A text that is no digest, key or proof.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("this isn't 64 of the characters 0-9 a-f; send what was given out, unchanged")]
pub struct BadDigest;

/// A key that lets devices in (E13): a device proves that it has it and never sends it back. Wiped when dropped, never
/// printed.
#[derive(Clone)]
pub struct EnrollmentKey(Zeroizing<[u8; 32]>);

/// What a proof speaks for: all that the request says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claim<'a> {
    /// Which device asks.
    pub device: &'a DeviceId,
    /// Under which node ID.
    pub node: &'a NodeId,
    /// Which public key gets the certificate.
    pub key: &'a KeyFingerprint,
    /// Which attempt this is.
    pub attempt: Option<u64>,
    /// Which user was entered at the device.
    pub user: Option<&'a UserName>,
}

impl EnrollmentKey {
    /// A key from random bytes, or from bytes that were derived from a secret.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The key as it is delivered, for the one place that does: 64 hexadecimal digits, which no PIN has.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(self.0.as_slice()))
    }

    /// What it is looked up by.
    #[must_use]
    pub fn id(&self) -> PinDigest {
        let digest = Sha256::new().chain_update(b"hostler enrollment key, id\0").chain_update(self.0.as_slice());
        PinDigest(hex::encode(digest.finalize()))
    }

    /// Proves to have the key.
    #[must_use]
    pub fn proof(&self, claim: &Claim<'_>) -> Proof {
        Proof(self.mac(claim).finalize().into_bytes().into())
    }

    /// Whether somebody who has this key made the proof, for this very claim. Takes the same time wherever it is wrong.
    #[must_use]
    pub fn proves(&self, claim: &Claim<'_>, proof: &Proof) -> bool {
        self.mac(claim).verify(&proof.0.into()).is_ok()
    }

    fn mac(&self, claim: &Claim<'_>) -> Hmac<Sha256> {
        // Thirty-two bytes are half a block: used as they are.
        let mut block = Zeroizing::new([0; 64]);
        block.iter_mut().zip(self.0.iter()).for_each(|(to, from)| *to = *from);
        let mut mac = Hmac::<Sha256>::new((&*block).into());
        let attempt = claim.attempt.map(u64::to_be_bytes);
        let fields = [
            Some(&b"hostler enrollment, proof 1"[..]),
            Some(claim.device.as_str().as_bytes()),
            Some(claim.node.as_str().as_bytes()),
            Some(claim.key.as_str().as_bytes()),
            attempt.as_ref().map(<[u8; 8]>::as_slice),
            claim.user.map(|user| user.as_str().as_bytes()),
        ];
        for field in fields {
            // The length before each field, and all ones where there is none: no two claims read the same.
            let length = field.map_or(u32::MAX, |field| u32::try_from(field.len()).unwrap_or(u32::MAX - 1));
            mac.update(&length.to_be_bytes());
            mac.update(field.unwrap_or_default());
        }
        mac
    }
}

impl FromStr for EnrollmentKey {
    type Err = BadDigest;
    fn from_str(text: &str) -> Result<Self, BadDigest> {
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text, bytes.as_mut_slice()).map_err(|_| BadDigest)?;
        Ok(Self(bytes))
    }
}

impl fmt::Debug for EnrollmentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A proof that somebody has a key: the HMAC-SHA256 of what they claim, in 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Proof([u8; 32]);

impl TryFrom<String> for Proof {
    type Error = BadDigest;
    fn try_from(text: String) -> Result<Self, BadDigest> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| BadDigest)?;
        Ok(Self(bytes))
    }
}

impl From<Proof> for String {
    fn from(proof: Proof) -> Self {
        hex::encode(proof.0)
    }
}

impl PartialEq for Proof {
    /// Takes the same time wherever the two differ.
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Proof {}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn e06_a_pin_is_read_as_people_write_it() {
        let pin: Pin = "0123-ABCJ KMNP".parse().unwrap();
        assert_eq!(pin.expose(), "0123ABCJKMNP");
        assert_eq!("oI23-abcj-kmnp".parse::<Pin>().unwrap(), pin);
        assert_eq!("0l23abcjkmnp".parse::<Pin>().unwrap().digest(), pin.digest());
        for (bad, why) in [
            ("", BadPin::Length),
            ("123", BadPin::Length),
            ("UUUU", BadPin::Character),
            ("1234\n", BadPin::Character),
            ("12é4", BadPin::Character),
            (&"1".repeat(27), BadPin::Length),
            (&" ".repeat(1_000_000), BadPin::Length),
        ] {
            assert_eq!(bad.parse::<Pin>().unwrap_err(), why);
        }
    }

    #[test]
    fn e06_pins_and_keys_are_never_printed() {
        let pin = Pin::from_bytes(&[7; 16], DELIVERED_LENGTH).unwrap();
        assert_eq!(format!("{pin:?} {:?}", EnrollmentKey::from_bytes([7; 32])), "*** ***");
        assert!(!format!("{:?}", pin.digest()).contains(&pin.digest().as_str()[..7]));
    }

    #[test]
    fn e04_a_pin_is_as_strong_as_it_is_long() {
        assert_eq!(Pin::from_bytes(&[255; 16], 26).unwrap().expose(), "ZZZZZZZZZZZZZZZZZZZZZZZZZW");
        assert_eq!(Pin::from_bytes(&[0, 0, 0, 0, 1], 8).unwrap().expose(), "00000001");
        assert_eq!(Pin::from_bytes(&[0; 15], 26).unwrap_err(), BadPin::TooFewBytes { length: 26, needed: 16 });
        assert_eq!(Pin::from_bytes(&[0; 4], 7).unwrap_err(), BadPin::TooFewBytes { length: 7, needed: 5 });
        for length in [0, 3, 27] {
            assert_eq!(Pin::from_bytes(&[0; 32], length).unwrap_err(), BadPin::Length);
        }
    }

    #[test]
    fn e04_typed_pins_are_as_long_as_the_guesses_ask_for() {
        // A thousand guesses at a hundred PINs hit one with less than one in a million: more than 10^11 PINs, 37 bits.
        assert_eq!(typed_length(1_000, 100, 1e-6), 8);
        assert_eq!(typed_length(0, 0, 0.5), SHORTEST);
        for impossible in [0.0, -1.0, f64::NAN] {
            assert_eq!(typed_length(1, 1, impossible), DELIVERED_LENGTH);
        }
    }

    fn claim<'a>(device: &'a DeviceId, node: &'a NodeId, key: &'a KeyFingerprint) -> Claim<'a> {
        Claim { device, node, key, attempt: Some(1), user: None }
    }

    #[test]
    fn e13_a_proof_is_good_for_what_it_says_and_nothing_else() {
        let (device, other) = ("A1".parse().unwrap(), "A2".parse().unwrap());
        let (node, key) = ("node".parse().unwrap(), KeyFingerprint::of(b"key"));
        let (elsewhere, thief) = ("edon".parse().unwrap(), KeyFingerprint::of(b"thief"));
        let user = "u@example".parse().unwrap();
        let said = claim(&device, &node, &key);
        let secret = EnrollmentKey::from_bytes([1; 32]);
        let proof = secret.proof(&said);
        assert!(secret.proves(&said, &proof));
        assert!(!EnrollmentKey::from_bytes([2; 32]).proves(&said, &proof));
        for changed in [
            Claim { device: &other, ..said.clone() },
            Claim { node: &elsewhere, ..said.clone() },
            Claim { key: &thief, ..said.clone() },
            Claim { attempt: Some(2), ..said.clone() },
            Claim { attempt: None, ..said.clone() },
            Claim { user: Some(&user), ..said.clone() },
        ] {
            assert!(!secret.proves(&changed, &proof), "{changed:?}");
        }
    }

    #[test]
    fn e13_a_device_written_by_someone_else_can_make_the_same_proof() {
        // HMAC-SHA256 over each field behind its length, as Python's hmac makes it.
        let (device, node, key) = ("A1".parse().unwrap(), "node".parse().unwrap(), KeyFingerprint::of(b"key"));
        let secret = EnrollmentKey::from_bytes([1; 32]);
        assert_eq!(String::from(secret.proof(&claim(&device, &node, &key))), PROOF);
        assert_eq!(secret.id().as_str(), ID);
    }

    const PROOF: &str = "24a73818c013f6cbe0b35a42d7a4cc979bf060457b465c1006f15bcf146894e7";
    const ID: &str = "458074e3073ccb1667b0bb812c512c636aa3287cf4913c626d545e55f8234e25";

    #[test]
    fn e13_a_key_is_delivered_as_text_and_never_taken_for_a_pin() {
        let key = EnrollmentKey::from_bytes([0xAB; 32]);
        assert_eq!(key.expose().parse::<EnrollmentKey>().unwrap().id(), key.id());
        assert!(key.expose().parse::<Pin>().is_err());
        for bad in ["", "ab", &"g".repeat(64), &"a".repeat(66)] {
            assert!(bad.parse::<EnrollmentKey>().is_err());
        }
    }

    proptest! {
        #[test]
        fn e04_the_length_keeps_the_chance_and_is_the_shortest_that_does(
            guesses in 1_u64..1_000_000_000, places in 1_u64..100_000, digits in 1_i32..12,
        ) {
            let most_likely = 10_f64.powi(-digits);
            let length = typed_length(guesses, places, most_likely);
            let chance = |length: usize| guesses as f64 * places as f64 / 32_f64.powi(length as i32);
            prop_assert!(chance(length) < most_likely);
            prop_assert!(length == SHORTEST || chance(length - 1) >= most_likely);
        }

        #[test]
        fn e04_every_pin_is_read_as_it_was_made(bytes: [u8; 16], length in SHORTEST..=DELIVERED_LENGTH) {
            let pin = Pin::from_bytes(&bytes, length).unwrap();
            prop_assert_eq!(pin.expose().len(), length);
            prop_assert_eq!(&pin.expose().to_lowercase().parse::<Pin>().unwrap(), &pin);
            let written = pin.expose().chars().map(|c| format!("{c}-")).collect::<String>();
            prop_assert_eq!(written.parse::<Pin>().unwrap(), pin);
        }

        #[test]
        fn e06_any_text_is_a_pin_or_is_not(text in "\\PC{0,80}") {
            if let Ok(pin) = text.parse::<Pin>() {
                prop_assert!((SHORTEST..=DELIVERED_LENGTH).contains(&pin.expose().len()));
            }
        }
    }
}
