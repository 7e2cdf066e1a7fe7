//! Every variable Dakiya reads: typed, documented, checked at start.
//!
//! The environment wins over a `.env` file in the working directory. A value that does not fit stops the program
//! with a sentence that names the variable; credentials are never repeated in it.

use chrono_tz::Tz;
use dakiya_core::phone::PhoneNumber;
use dakiya_core::sender::{SenderAddress, SenderKind};
use dakiya_twilio::{AccountSid, AuthToken};
use dakiya_web::{PaymentWebhooks, WebhookSecret};
use std::net::SocketAddr;
use std::time::Duration;
use url::Url;

/// Reads one variable; `None` when it is not set or empty.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The whole configuration.
pub struct Config {
    /// `DAKIYA_LISTEN`: where the web server listens.
    pub listen: SocketAddr,
    /// `DAKIYA_DATABASE_URL`: `sqlite://FILE` or `postgres://…`. May hold a password: never shown.
    pub database_url: String,
    /// `DAKIYA_PUBLIC_URL`: where Twilio and people reach this server, without a slash at the end.
    pub public_url: Option<Url>,
    /// `DAKIYA_TIMEZONE`: the business's zone.
    pub timezone: Tz,
    /// `DAKIYA_BRAND`: what `{{brand}}` stands for.
    pub brand: String,
    /// `DAKIYA_POST_TIMEOUT`: how long a POST to Twilio may take in all.
    pub post_timeout: Duration,
    /// `DAKIYA_UNKNOWN_LOOKUPS`: when, after the POST, an unknown message is looked up.
    pub unknown_lookups: Vec<Duration>,
    /// `DAKIYA_PAYMENT_WEBHOOK_SECRET` and `DAKIYA_RAZORPAY_WEBHOOK_SECRET`: what payment providers sign with.
    pub payment_webhooks: PaymentWebhooks,
    /// Twilio, or the simulator when no Twilio variable is set.
    pub twilio: Option<TwilioConfig>,
}

/// A Twilio account, whole.
pub struct TwilioConfig {
    /// `TWILIO_ACCOUNT_SID`.
    pub account_sid: AccountSid,
    /// `TWILIO_AUTH_TOKEN`.
    pub auth_token: AuthToken,
    /// The senders of `TWILIO_PHONE_NUMBER`, `TWILIO_WHATSAPP_NUMBER` and `TWILIO_MESSAGING_SERVICE_SID`.
    pub senders: Vec<(SenderAddress, SenderKind)>,
    /// `TWILIO_API_BASE_URL`.
    pub api_base_url: Url,
    /// `TWILIO_PRICING_BASE_URL`.
    pub pricing_base_url: Url,
}

/// Why the configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A value that does not fit.
    #[error("{variable} is \"{value}\": {expected}")]
    Value {
        /// Which variable.
        variable: &'static str,
        /// What it says.
        value: String,
        /// What it should say.
        expected: String,
    },
    /// A secret value that does not fit.
    #[error("{variable} is malformed: {expected}")]
    Secret {
        /// Which variable.
        variable: &'static str,
        /// What it should look like.
        expected: String,
    },
    /// Some Twilio variables, but not all.
    #[error(
        "Twilio is set up in part: {} missing. Set {}, or remove every TWILIO_ variable to use the simulator",
        missing.join(" and "),
        if missing.len() == 1 { "it" } else { "them" }
    )]
    Partial {
        /// What is missing.
        missing: Vec<&'static str>,
    },
}

const TWILIO_VARIABLES: [&str; 7] = [
    "TWILIO_ACCOUNT_SID",
    "TWILIO_AUTH_TOKEN",
    "TWILIO_PHONE_NUMBER",
    "TWILIO_WHATSAPP_NUMBER",
    "TWILIO_MESSAGING_SERVICE_SID",
    "TWILIO_API_BASE_URL",
    "TWILIO_PRICING_BASE_URL",
];

impl Config {
    /// Reads the process's environment, after `.env` has filled what it leaves unset.
    pub fn from_environment() -> Result<Config, ConfigError> {
        dotenvy::dotenv().ok();
        Self::read(&|name| std::env::var(name).ok())
    }

    /// Reads from any source of variables.
    pub fn read(source: Lookup<'_>) -> Result<Config, ConfigError> {
        let get =
            |name: &str| source(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let or = |name: &str, default: &str| get(name).unwrap_or_else(|| default.to_owned());
        let listen = or("DAKIYA_LISTEN", "127.0.0.1:8001");
        let timezone = or("DAKIYA_TIMEZONE", "Asia/Kolkata");
        let post_timeout = or("DAKIYA_POST_TIMEOUT", "30s");
        let unknown_lookups = or("DAKIYA_UNKNOWN_LOOKUPS", "1m,5m,15m,1h,6h,24h");
        Ok(Config {
            listen: listen.parse().map_err(|_| {
                value("DAKIYA_LISTEN", &listen, "write an address and a port, for example 127.0.0.1:8001")
            })?,
            database_url: database_url(or("DAKIYA_DATABASE_URL", "sqlite://dakiya.db"))?,
            public_url: get("DAKIYA_PUBLIC_URL")
                .map(|url| http_url("DAKIYA_PUBLIC_URL", &url))
                .transpose()?,
            timezone: timezone.parse().map_err(|_| {
                value("DAKIYA_TIMEZONE", &timezone, "write an IANA zone, for example Asia/Kolkata")
            })?,
            brand: or("DAKIYA_BRAND", "VehicAid"),
            post_timeout: duration(&post_timeout).filter(|timeout| !timeout.is_zero()).ok_or_else(|| {
                value("DAKIYA_POST_TIMEOUT", &post_timeout, "write a duration, for example 30s")
            })?,
            unknown_lookups: durations(&unknown_lookups).ok_or_else(|| {
                value(
                    "DAKIYA_UNKNOWN_LOOKUPS",
                    &unknown_lookups,
                    "write rising durations, for example 1m,5m,15m,1h,6h,24h",
                )
            })?,
            payment_webhooks: PaymentWebhooks {
                generic: get("DAKIYA_PAYMENT_WEBHOOK_SECRET").map(WebhookSecret::new),
                razorpay: get("DAKIYA_RAZORPAY_WEBHOOK_SECRET").map(WebhookSecret::new),
            },
            twilio: twilio(&get)?,
        })
    }

    /// The public URL as text without a slash at the end; `http://` and the listen address when none is set.
    pub fn public_url_for(&self, listening: SocketAddr) -> String {
        match &self.public_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => format!("http://{listening}"),
        }
    }
}

/// The tracing filter of `DAKIYA_LOG`; `info` for our crates by default.
pub fn log_filter() -> String {
    dotenvy::dotenv().ok();
    std::env::var("DAKIYA_LOG")
        .ok()
        .filter(|filter| !filter.is_empty())
        .unwrap_or_else(|| "info,sqlx=warn,sea_orm_migration=warn,tokio_cron_scheduler=warn".to_owned())
}

fn value(variable: &'static str, value: &str, expected: impl Into<String>) -> ConfigError {
    ConfigError::Value { variable, value: value.to_owned(), expected: expected.into() }
}

fn database_url(url: String) -> Result<String, ConfigError> {
    if url.starts_with("sqlite:") || url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(url);
    }
    let expected = "it must begin with sqlite:// or postgres://, for example sqlite://dakiya.db".to_owned();
    Err(ConfigError::Secret { variable: "DAKIYA_DATABASE_URL", expected })
}

fn http_url(variable: &'static str, text: &str) -> Result<Url, ConfigError> {
    let fault = || value(variable, text, "write a whole address, for example https://messages.example.in");
    let url = Url::parse(text).map_err(|_| fault())?;
    let plain = url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if matches!(url.scheme(), "http" | "https") && url.has_host() && plain { Ok(url) } else { Err(fault()) }
}

/// Whole seconds, minutes or hours: `30s`, `5m`, `24h`.
fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let unit = text.chars().last()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        _ => return None,
    };
    let count: u64 = text[..text.len() - 1].parse().ok()?;
    Some(Duration::from_secs(count.checked_mul(seconds)?))
}

fn durations(text: &str) -> Option<Vec<Duration>> {
    let all: Vec<Duration> = text.split(',').map(duration).collect::<Option<_>>()?;
    all.windows(2).all(|pair| pair[0] < pair[1]).then_some(all)
}

fn twilio(get: &dyn Fn(&str) -> Option<String>) -> Result<Option<TwilioConfig>, ConfigError> {
    if TWILIO_VARIABLES.iter().all(|name| get(name).is_none()) {
        return Ok(None);
    }
    let sid = get("TWILIO_ACCOUNT_SID");
    let token = get("TWILIO_AUTH_TOKEN");
    let senders = twilio_senders(get)?;
    let (Some(sid), Some(token), false) = (&sid, &token, senders.is_empty()) else {
        let mut missing = Vec::new();
        if sid.is_none() {
            missing.push("TWILIO_ACCOUNT_SID");
        }
        if token.is_none() {
            missing.push("TWILIO_AUTH_TOKEN");
        }
        if senders.is_empty() {
            missing.push("TWILIO_PHONE_NUMBER (or TWILIO_WHATSAPP_NUMBER, or TWILIO_MESSAGING_SERVICE_SID)");
        }
        return Err(ConfigError::Partial { missing });
    };
    let base =
        |name: &'static str, default: &str| http_url(name, &get(name).unwrap_or_else(|| default.to_owned()));
    Ok(Some(TwilioConfig {
        account_sid: AccountSid::parse(sid).map_err(|error| ConfigError::Secret {
            variable: "TWILIO_ACCOUNT_SID",
            expected: error.to_string(),
        })?,
        auth_token: auth_token(token, get("TWILIO_API_BASE_URL").is_some())?,
        senders,
        api_base_url: base("TWILIO_API_BASE_URL", "https://api.twilio.com")?,
        pricing_base_url: base("TWILIO_PRICING_BASE_URL", "https://pricing.twilio.com")?,
    }))
}

/// Servers that speak like Twilio make tokens of their own shape; Twilio's have one.
fn auth_token(text: &str, elsewhere: bool) -> Result<AuthToken, ConfigError> {
    let fault = |expected| ConfigError::Secret { variable: "TWILIO_AUTH_TOKEN", expected };
    let token = AuthToken::parse(text).map_err(|error| fault(error.to_string()))?;
    if elsewhere || token.has_twilios_shape() {
        Ok(token)
    } else {
        Err(fault("Twilio's tokens are 32 hexadecimal digits".to_owned()))
    }
}

fn twilio_senders(
    get: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<(SenderAddress, SenderKind)>, ConfigError> {
    let kinds = [
        ("TWILIO_PHONE_NUMBER", SenderKind::Number),
        ("TWILIO_WHATSAPP_NUMBER", SenderKind::Whatsapp),
        ("TWILIO_MESSAGING_SERVICE_SID", SenderKind::Service),
    ];
    let mut senders = Vec::new();
    for (variable, kind) in kinds {
        let Some(text) = get(variable) else { continue };
        let address =
            SenderAddress::parse(&text, kind).map_err(|error| value(variable, &text, error.to_string()))?;
        if kind == SenderKind::Whatsapp && PhoneNumber::from_e164(address.as_str()).is_none() {
            return Err(value(variable, &text, "write the number as + and digits"));
        }
        senders.push((address, kind));
    }
    Ok(senders)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SID: (&str, &str) = ("TWILIO_ACCOUNT_SID", "AC00000000000000000000000000000000");
    const TOKEN: (&str, &str) = ("TWILIO_AUTH_TOKEN", "0123456789abcdef0123456789abcdef");
    const NUMBER: (&str, &str) = ("TWILIO_PHONE_NUMBER", "+15005550006");

    fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::read(&|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn refusal(variables: &[(&str, &str)]) -> String {
        read(variables).map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn nothing_set_means_the_defaults_and_the_simulator() {
        let config = read(&[]).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8001");
        assert_eq!(config.public_url_for(config.listen), "http://127.0.0.1:8001");
        assert_eq!(config.unknown_lookups.len(), 6);
        assert!(config.twilio.is_none());
    }

    #[test]
    fn a_whole_account_is_accepted_and_an_empty_variable_counts_as_unset() {
        let config = read(&[SID, TOKEN, NUMBER, ("TWILIO_WHATSAPP_NUMBER", "")]).unwrap();
        let twilio = config.twilio.unwrap();
        assert_eq!(twilio.senders.len(), 1);
        assert_eq!(twilio.api_base_url.as_str(), "https://api.twilio.com/");
    }

    #[test]
    fn a_server_that_speaks_like_twilio_may_have_tokens_of_its_own_shape() {
        let own =
            [SID, ("TWILIO_AUTH_TOKEN", "short"), NUMBER, ("TWILIO_API_BASE_URL", "http://127.0.0.1:9")];
        assert!(read(&own).is_ok());
        assert!(refusal(&own[..3]).contains("TWILIO_AUTH_TOKEN"));
    }

    #[test]
    fn whatsapp_numbers_are_taken_with_and_without_their_prefix() {
        for text in ["+14155238886", "whatsapp:+14155238886"] {
            let twilio = read(&[SID, TOKEN, ("TWILIO_WHATSAPP_NUMBER", text)]).unwrap().twilio.unwrap();
            assert_eq!(twilio.senders[0].0.as_str(), "+14155238886");
        }
    }

    #[test]
    fn a_partial_account_is_refused_naming_what_is_missing() {
        assert!(refusal(&[SID]).contains("TWILIO_AUTH_TOKEN and TWILIO_PHONE_NUMBER"));
        assert!(refusal(&[SID, NUMBER]).contains("TWILIO_AUTH_TOKEN missing"));
        assert!(refusal(&[TOKEN, NUMBER]).contains("TWILIO_ACCOUNT_SID missing"));
        assert!(refusal(&[("TWILIO_API_BASE_URL", "http://127.0.0.1:1")]).contains("TWILIO_ACCOUNT_SID"));
    }

    #[test]
    fn malformed_values_are_refused_by_name_and_secrets_are_not_repeated() {
        let secret = "not-a-token-but-secret";
        let message = refusal(&[SID, ("TWILIO_AUTH_TOKEN", secret), NUMBER]);
        assert!(message.contains("TWILIO_AUTH_TOKEN") && !message.contains(secret), "{message}");
        for (name, text) in [
            ("DAKIYA_LISTEN", "8001"),
            ("DAKIYA_PUBLIC_URL", "messages.example.in"),
            ("DAKIYA_TIMEZONE", "IST+5:30"),
            ("DAKIYA_POST_TIMEOUT", "30"),
            ("DAKIYA_UNKNOWN_LOOKUPS", "5m,1m"),
            ("DAKIYA_DATABASE_URL", "mysql://x"),
        ] {
            assert!(refusal(&[(name, text)]).contains(name), "{name}");
        }
        assert!(refusal(&[("TWILIO_ACCOUNT_SID", "AC12"), TOKEN, NUMBER]).contains("TWILIO_ACCOUNT_SID"));
        assert!(refusal(&[SID, TOKEN, ("TWILIO_PHONE_NUMBER", "phone")]).contains("TWILIO_PHONE_NUMBER"));
    }
}
