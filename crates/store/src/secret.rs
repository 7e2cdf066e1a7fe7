//! Secrets that are shown once and kept as hashes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// 32 random bytes. An error means that the system has no randomness, and nothing secret can be made.
pub(crate) fn random() -> Result<[u8; 32], crate::StoreError> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes).map_err(|fault| {
        crate::StoreError::Inconsistent(format!("the system gives no random bytes: {fault}"))
    })?;
    Ok(bytes)
}

/// 32 random bytes as 43 characters that fit into a URL, a header or a cookie.
pub(crate) fn token() -> Result<String, crate::StoreError> {
    random().map(|bytes| URL_SAFE_NO_PAD.encode(bytes))
}

/// What is kept of a secret with enough randomness of its own.
pub(crate) fn sha256(text: &str) -> Vec<u8> {
    Sha256::digest(text.as_bytes()).to_vec()
}

/// What is kept of something guessable, such as a phone number: hexadecimal, useless without the key.
pub(crate) fn keyed_hash(key: &[u8; 32], text: &str) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        unreachable!("HMAC takes keys of any length")
    };
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}
