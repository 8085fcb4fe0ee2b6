//! Passwords: hashed with argon2id, slowly, away from the threads that serve, and few at a time: each takes 19 MiB.

use crate::error::ServiceError;
use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use hostler_core::Secret;
use tokio::sync::Semaphore;

/// Characters that a password needs.
const SHORTEST: usize = 10;
/// Bytes that it may have: more would only make the hash work.
const LONGEST: usize = 1_024;
/// So many are hashed at a time in this process; further ones wait.
static PLACES: Semaphore = Semaphore::const_new(2);

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

/// Works when there is a place, and holds it until the work is done, even when nobody waits for that any more.
async fn in_turn<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ServiceError> + Send + 'static,
) -> Result<T, ServiceError> {
    let place = PLACES.acquire().await.map_err(broken)?;
    let work = move || {
        let _place = place;
        work()
    };
    tokio::task::spawn_blocking(work).await.map_err(broken)?
}

pub(super) async fn hash(password: Secret) -> Result<String, ServiceError> {
    let work = move || {
        let hash = Argon2::default().hash_password(password.expose().as_bytes()).map_err(broken)?;
        Ok(hash.to_string())
    };
    in_turn(work).await
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
    in_turn(work).await
}

/// 256 bits, in hexadecimal, with a beginning by which scanners for leaked secrets know it.
pub(crate) fn random_token() -> Result<Secret, ServiceError> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::{Duration, Instant};

    #[tokio::test]
    async fn only_two_are_hashed_at_a_time() {
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let work = (0..8).map(|_| {
            let (running, most) = (Arc::clone(&running), Arc::clone(&most));
            in_turn(move || {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                // Time for a third one to come, where it can.
                let end = Instant::now() + Duration::from_millis(50);
                while most.load(Ordering::SeqCst) < 3 && Instant::now() < end {
                    std::thread::yield_now();
                }
                running.fetch_sub(1, Ordering::SeqCst);
                Ok(())
            })
        });
        futures::future::try_join_all(work).await.unwrap();
        assert!(most.load(Ordering::SeqCst) <= 2);
    }
}
