//! Webhook signatures: checks Twilio's and makes them for the simulator. Pure.
//!
//! What is signed: the URL as Twilio requested it (no fragment, nothing normalised), then for a form every distinct
//! parameter name in byte order with each of its distinct values in byte order. Twilio sometimes adds or drops the
//! port, so both spellings are tried. No time is signed: whoever handles a webhook must not mind repetition.

use crate::credentials::AuthToken;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac};
use secrecy::{ExposeSecret as _, SecretString};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use subtle::ConstantTimeEq as _;
use url::form_urlencoded;

/// The header that carries a signature.
pub const SIGNATURE_HEADER: &str = "X-Twilio-Signature";

/// The header that names the key and algorithm; without it the Auth Token and HMAC-SHA1 were used.
pub const SETTINGS_HEADER: &str = "X-Twilio-Webhooks-Signature-Settings";

/// A key that Twilio shares for signing webhooks alone (`webhooks_sharedkey_…`).
#[derive(Clone, Debug)]
pub struct SharedKey {
    id: String,
    secret: SecretString,
}

impl SharedKey {
    /// A key by its id and secret.
    pub fn new(id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self { id: id.into(), secret: SecretString::from(secret.into()) }
    }
}

/// Why a webhook is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Another secret, another URL, or another body.
    #[error("the signature does not fit the request; check the public URL and the Auth Token")]
    Mismatch,
    /// The URL names another hash than the body has.
    #[error("the body is not the one that was signed")]
    BodyMismatch,
    /// Signed with a key that is not configured.
    #[error("signed with a key that is not configured here")]
    UnknownKey,
    /// Signed in a way that does not exist.
    #[error("signed in a way that is not understood here")]
    UnknownAlgorithm,
}

/// What a request carried.
#[derive(Clone, Copy, Debug)]
pub enum SignedBody<'a> {
    /// Nothing, or nothing that is signed (GET).
    Empty,
    /// A form, decoded; see [`form_params`].
    Form(&'a [(String, String)]),
    /// Anything else, whose hash stands in the URL as `bodySHA256`.
    Raw(&'a [u8]),
}

/// Decodes a form body, keeping order and repetition.
pub fn form_params(body: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(body).into_owned().collect()
}

/// Signs a form for a URL with the Auth Token, as Twilio does. A fragment is left out.
pub fn sign<N: AsRef<str>, V: AsRef<str>>(token: &AuthToken, url: &str, params: &[(N, V)]) -> String {
    let url = url.split('#').next().unwrap_or(url);
    STANDARD.encode(hmac_sha1(token.expose(), &signed_text(url, params)))
}

/// Checks signatures.
#[derive(Clone, Debug)]
pub struct Validator {
    token: AuthToken,
    shared_keys: Vec<SharedKey>,
}

impl Validator {
    /// Believes the account's primary token, and shared keys if there are any.
    pub fn new(token: AuthToken, shared_keys: Vec<SharedKey>) -> Self {
        Self { token, shared_keys }
    }

    /// Whether Twilio sent this to `url` (the public one, with its query, byte for byte).
    pub fn validate(
        &self,
        url: &str,
        body: SignedBody<'_>,
        signature: &str,
        settings: Option<&str>,
    ) -> Result<(), SignatureError> {
        let none: &[(String, String)] = &[];
        let params = match body {
            SignedBody::Form(params) => params,
            SignedBody::Raw(raw) => {
                check_body_hash(url, raw)?;
                none
            }
            SignedBody::Empty => none,
        };
        let key = self.key(settings)?;
        let fits = |url: &str| {
            let expected = STANDARD.encode(key.hmac(&signed_text(url, params)));
            bool::from(expected.as_bytes().ct_eq(signature.as_bytes()))
        };
        let spellings = spellings(url);
        if spellings.iter().any(|url| fits(url)) { Ok(()) } else { Err(SignatureError::Mismatch) }
    }

    fn key(&self, settings: Option<&str>) -> Result<Key<'_>, SignatureError> {
        let Some(settings) = settings else { return Ok(Key::Token(&self.token)) };
        let setting = |name: &str| {
            settings
                .split(',')
                .filter_map(|pair| pair.trim().split_once('='))
                .find(|(n, _)| *n == name)
                .map(|(_, v)| v)
        };
        match (setting("algorithm"), setting("key")) {
            (Some("HMAC_SHA256"), Some(id)) => {
                let key = self.shared_keys.iter().find(|key| key.id == id);
                key.map(|key| Key::Shared(&key.secret)).ok_or(SignatureError::UnknownKey)
            }
            (Some("HMAC_SHA1"), None) => Ok(Key::Token(&self.token)),
            _ => Err(SignatureError::UnknownAlgorithm),
        }
    }
}

enum Key<'a> {
    Token(&'a AuthToken),
    Shared(&'a SecretString),
}

impl Key<'_> {
    fn hmac(&self, text: &str) -> Vec<u8> {
        match self {
            Key::Token(token) => hmac_sha1(token.expose(), text),
            Key::Shared(secret) => hmac_sha256(secret.expose_secret(), text),
        }
    }
}

fn hmac_sha1(secret: &str, text: &str) -> Vec<u8> {
    // HMAC takes keys of every length, so there is always one.
    Hmac::<Sha1>::new_from_slice(secret.as_bytes())
        .map(|mac| mac.chain_update(text).finalize().into_bytes().to_vec())
        .unwrap_or_default()
}

fn hmac_sha256(secret: &str, text: &str) -> Vec<u8> {
    Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .map(|mac| mac.chain_update(text).finalize().into_bytes().to_vec())
        .unwrap_or_default()
}

fn signed_text<N: AsRef<str>, V: AsRef<str>>(url: &str, params: &[(N, V)]) -> String {
    let distinct: BTreeSet<(&str, &str)> =
        params.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
    let mut text = String::from(url);
    for (name, value) in distinct {
        text.push_str(name);
        text.push_str(value);
    }
    text
}

fn check_body_hash(url: &str, raw: &[u8]) -> Result<(), SignatureError> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let claimed = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "bodySHA256");
    let actual: String = Sha256::digest(raw).iter().map(|byte| format!("{byte:02x}")).collect();
    match claimed {
        Some((_, hash)) if bool::from(hash.as_bytes().ct_eq(actual.as_bytes())) => Ok(()),
        _ => Err(SignatureError::BodyMismatch),
    }
}

/// The URL as it is, without its port, and with its scheme's usual port. Only the authority is touched: everything
/// else must stay byte for byte.
fn spellings(url: &str) -> Vec<String> {
    let url = url.split('#').next().unwrap_or(url);
    let mut spellings = vec![url.to_owned()];
    let Some((scheme, rest)) = url.split_once("://") else { return spellings };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    // The port follows the last colon, unless that colon is inside an IPv6 literal or the user's name.
    let host_at = authority.rfind('@').map_or(0, |at| at + 1);
    let host_end = authority.rfind(']').map_or(host_at, |bracket| bracket + 1);
    let host_only = authority[host_end..].find(':').map(|colon| &authority[..host_end + colon]);
    match (host_only, scheme) {
        (Some(bare), _) => spellings.push(format!("{scheme}://{bare}{path}")),
        (None, "https") => spellings.push(format!("{scheme}://{authority}:443{path}")),
        (None, "http") => spellings.push(format!("{scheme}://{authority}:80{path}")),
        (None, _) => {}
    }
    spellings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_found_behind_user_names_and_ipv6_literals() {
        for (url, other) in [
            ("https://a.in/x?y=1:2", "https://a.in:443/x?y=1:2"),
            ("http://a.in:80?q", "http://a.in?q"),
            ("http://[::1]:4010/w", "http://[::1]/w"),
            ("http://[::1]/w", "http://[::1]:80/w"),
            ("https://user:pass@a.in/x", "https://user:pass@a.in:443/x"),
            ("https://user:pass@a.in:8443/x", "https://user:pass@a.in/x"),
        ] {
            assert_eq!(spellings(url), [url, other]);
        }
    }

    #[test]
    fn a_shared_key_is_checked_with_sha256_and_an_unknown_one_refused() {
        let params = vec![("b".to_owned(), "2".to_owned()), ("a".to_owned(), "1".to_owned())];
        let token = AuthToken::parse("12345").unwrap();
        let validator = Validator::new(token.clone(), vec![SharedKey::new("webhooks_sharedkey_1", "secret")]);
        let url = "https://a.in/x";
        let signature = STANDARD.encode(hmac_sha256("secret", "https://a.in/xa1b2"));
        let check = |settings| validator.validate(url, SignedBody::Form(&params), &signature, settings);
        assert_eq!(check(Some("key=webhooks_sharedkey_1,algorithm=HMAC_SHA256")), Ok(()));
        assert_eq!(
            check(Some("key=webhooks_sharedkey_2,algorithm=HMAC_SHA256")),
            Err(SignatureError::UnknownKey)
        );
        assert_eq!(check(Some("algorithm=none")), Err(SignatureError::UnknownAlgorithm));
        assert_eq!(check(None), Err(SignatureError::Mismatch));
        let ours = sign(&token, "https://a.in/x#rc=3", &params);
        assert_eq!(validator.validate(url, SignedBody::Form(&params), &ours, None), Ok(()));
    }
}
