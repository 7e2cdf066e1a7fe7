//! Signatures of payment webhooks: HMAC-SHA256 of the body exactly as it came, in hexadecimal.

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

/// A secret shared with a payment provider. Not shown by `Debug`.
#[derive(Clone, Debug)]
pub struct WebhookSecret(SecretString);

impl WebhookSecret {
    /// A secret as it was configured.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(SecretString::from(secret.into()))
    }

    /// Whether this secret made the signature, compared without telling how much of it was right. `sha256=` may stand
    /// before it.
    pub(super) fn has_signed(&self, body: &[u8], signature: &str) -> bool {
        let digits = signature.trim();
        let digits = digits.strip_prefix("sha256=").unwrap_or(digits);
        let Some(given) = bytes(digits) else { return false };
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.expose_secret().as_bytes()) else {
            return false;
        };
        mac.update(body);
        mac.verify_slice(&given).is_ok()
    }
}

/// Hexadecimal digits as the bytes they stand for.
fn bytes(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.as_bytes();
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    if digits.len() != 64 {
        return None;
    }
    digits.chunks_exact(2).map(|pair| Some(value(pair[0])? << 4 | value(pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test cases 1 and 2.
    #[test]
    fn the_published_vectors_fit() {
        let ones = String::from_utf8(vec![0x0b; 20]).unwrap();
        for (key, body, signature) in [
            (ones.as_str(), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                "Jefe",
                "what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
        ] {
            let secret = WebhookSecret::new(key);
            assert!(secret.has_signed(body.as_bytes(), signature));
            assert!(secret.has_signed(body.as_bytes(), &format!("sha256={signature}")));
            assert!(secret.has_signed(body.as_bytes(), &signature.to_uppercase()));
            assert!(!secret.has_signed(b"another body", signature));
            assert!(!WebhookSecret::new("another").has_signed(body.as_bytes(), signature));
            for wrong in
                ["", "sha256=", &signature[2..], &format!("{signature}00"), &signature.replace('b', "x")]
            {
                assert!(!secret.has_signed(body.as_bytes(), wrong), "{wrong}");
            }
        }
        assert!(!format!("{:?}", WebhookSecret::new("Jefe")).contains("Jefe"));
    }
}
