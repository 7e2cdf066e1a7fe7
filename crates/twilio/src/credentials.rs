//! Account SID and Auth Token: checked at the door, never shown.

use secrecy::{ExposeSecret, SecretString};

/// A credential that cannot be one. The value itself is never repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// Not an account SID.
    #[error("an account SID is AC and 32 hexadecimal digits; this one {0}")]
    AccountSid(&'static str),
    /// Not an auth token.
    #[error("an auth token is 32 hexadecimal digits; this one {0}")]
    AuthToken(&'static str),
}

/// A Twilio account: `AC` and 32 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AccountSid(String);

impl AccountSid {
    /// Reads an account SID, ignoring blanks around it.
    pub fn parse(text: &str) -> Result<Self, CredentialError> {
        let text = text.trim();
        let fault = match text.strip_prefix("AC") {
            _ if text.is_empty() => Some("is empty"),
            None => Some("does not begin with AC"),
            Some(digits) if digits.len() != 32 => Some("has another length"),
            Some(digits) if !is_hexadecimal(digits) => Some("has other characters"),
            Some(_) => None,
        };
        fault.map_or_else(|| Ok(Self(text.to_owned())), |fault| Err(CredentialError::AccountSid(fault)))
    }

    /// The SID as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for AccountSid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The account's primary Auth Token. `Debug` hides it.
#[derive(Clone, Debug)]
pub struct AuthToken(SecretString);

impl AuthToken {
    /// Reads a token, ignoring blanks around it. Any visible text is taken, because Twilio-compatible servers have
    /// tokens of their own; [`Self::has_twilios_shape`] tells whether Twilio itself could have issued it.
    pub fn parse(text: &str) -> Result<Self, CredentialError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(CredentialError::AuthToken("is empty"));
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(CredentialError::AuthToken("has blanks or other characters that no token has"));
        }
        Ok(Self(SecretString::from(text)))
    }

    /// Whether Twilio could have issued it: 32 hexadecimal digits.
    pub fn has_twilios_shape(&self) -> bool {
        let token = self.expose();
        token.len() == 32 && is_hexadecimal(token)
    }

    /// The secret itself, for signing and for HTTP Basic.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whether a password that came with a request is this token, in constant time.
    pub fn matches(&self, candidate: &str) -> bool {
        use subtle::ConstantTimeEq as _;
        self.expose().as_bytes().ct_eq(candidate.as_bytes()).into()
    }
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_sid_says_what_is_wrong_without_showing_it() {
        assert!(AccountSid::parse(" AC0123456789abcdef0123456789ABCDEF ").is_ok());
        for (text, said) in [
            ("", "is empty"),
            ("SK0123456789abcdef0123456789abcdef", "does not begin with AC"),
            ("AC0123", "has another length"),
            ("AC0123456789abcdef0123456789abcdeg", "has other characters"),
        ] {
            let error = AccountSid::parse(text).unwrap_err().to_string();
            assert!(error.ends_with(said), "{error}");
            assert!(text.is_empty() || !error.contains(text));
        }
    }

    #[test]
    fn a_token_is_never_shown() {
        let token = AuthToken::parse("0123456789abcdef0123456789abcdef").unwrap();
        assert!(token.has_twilios_shape());
        assert!(token.matches("0123456789abcdef0123456789abcdef") && !token.matches("0123"));
        assert!(!format!("{token:?}").contains("0123"));
        assert!(AuthToken::parse("two words").is_err());
        assert!(!AuthToken::parse("12345").unwrap().has_twilios_shape());
    }
}
