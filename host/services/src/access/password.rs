//! Passwords: hashed with argon2id, slowly, away from the threads that serve.

use crate::error::ServiceError;
use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use hostler_core::Secret;

/// Characters that a password needs.
const SHORTEST: usize = 10;
/// Bytes that it may have: more would only make the hash work.
const LONGEST: usize = 1_024;

fn broken(error: impl std::fmt::Display) -> ServiceError {
    ServiceError::Internal(format!("a password could not be worked with: {error}"))
}

/// Whether a new password is long enough.
pub(super) fn check(password: &Secret) -> Result<(), ServiceError> {
    let password = password.expose();
    if password.chars().count() < SHORTEST || password.len() > LONGEST {
        return Err(ServiceError::Invalid(format!(
            "a password has {SHORTEST} characters at least and {LONGEST} bytes at most"
        )));
    }
    Ok(())
}

pub(super) async fn hash(password: Secret) -> Result<String, ServiceError> {
    let work = move || {
        let hash = Argon2::default().hash_password(password.expose().as_bytes()).map_err(broken)?;
        Ok(hash.to_string())
    };
    tokio::task::spawn_blocking(work).await.map_err(broken)?
}

/// Whether it is the password. Where there is no hash the same time passes, so that nobody learns who exists.
pub(super) async fn verify(password: Secret, hash: Option<String>) -> Result<bool, ServiceError> {
    if password.expose().len() > LONGEST {
        return Ok(false);
    }
    let work = move || match hash {
        Some(hash) => {
            let parsed = PasswordHash::new(&hash).map_err(broken)?;
            Ok(Argon2::default().verify_password(password.expose().as_bytes(), &parsed).is_ok())
        }
        None => {
            let _ = Argon2::default().hash_password(password.expose().as_bytes()).map_err(broken)?;
            Ok(false)
        }
    };
    tokio::task::spawn_blocking(work).await.map_err(broken)?
}

/// 256 bits, in hexadecimal, with a beginning by which scanners for leaked secrets know it.
pub(super) fn random_token() -> Result<Secret, ServiceError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(broken)?;
    Ok(Secret::new(format!("hostler_{}", hex::encode(bytes))))
}

/// A password that people can type: five groups of four of 31 characters that nobody confuses, 99 bits.
pub(super) fn generate() -> Result<Secret, ServiceError> {
    const ALPHABET: &[u8; 31] = b"23456789abcdefghjkmnpqrstuvwxyz";
    let mut text = String::new();
    let mut letters = 0;
    while letters < 20 {
        let mut byte = [0];
        getrandom::fill(&mut byte).map_err(broken)?;
        // Bytes beyond the last whole multiple would make some characters likelier.
        if let Some(letter) = (byte[0] < 248).then(|| ALPHABET.get(usize::from(byte[0] % 31))).flatten() {
            if letters > 0 && letters % 4 == 0 {
                text.push('-');
            }
            text.push(char::from(*letter));
            letters += 1;
        }
    }
    Ok(Secret::new(text))
}
