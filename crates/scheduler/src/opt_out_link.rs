//! The link in a message through which a person opts out: short, unguessable, the same each time for one number.

use crate::context::EngineConfig;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dakiya_core::phone::PhoneNumber;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

/// The placeholder that stands for the link.
pub(crate) const PLACEHOLDER: &str = "opt_out_url";

/// Bytes of the token: 128 bits, 22 characters.
const TOKEN_BYTES: usize = 16;

/// Makes links.
pub(crate) struct Links {
    key: [u8; 32],
    base: String,
}

impl Links {
    pub(crate) fn new(key: [u8; 32], config: &EngineConfig) -> Self {
        Self { key, base: config.address("o?t=") }
    }

    /// A person's link, and the hash under which its token is remembered.
    pub(crate) fn of(&self, phone: PhoneNumber) -> (String, [u8; 32]) {
        let token = self.token(phone);
        let hash = Sha256::digest(token.as_bytes()).into();
        (format!("{}{token}", self.base), hash)
    }

    /// As long as any person's link, and nobody's: for estimates.
    pub(crate) fn placeholder(&self) -> String {
        format!("{}{}", self.base, URL_SAFE_NO_PAD.encode([0; TOKEN_BYTES]))
    }

    fn token(&self, phone: PhoneNumber) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else {
            unreachable!("HMAC takes any key")
        };
        mac.update(phone.to_string().as_bytes());
        URL_SAFE_NO_PAD.encode(&mac.finalize().into_bytes()[..TOKEN_BYTES])
    }
}
