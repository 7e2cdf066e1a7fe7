//! Problem documents (RFC 9457): every refusal of the API, and the one list of its codes and statuses.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use dakiya_core::field_error::FieldError;
use dakiya_core::worded_enum;
use dakiya_store::StoreError;
use serde::Serialize;
use utoipa::ToSchema;

worded_enum! {
    /// What went wrong, as a word that programs can rely on.
    Code {
        /// The body is not JSON, or not UTF-8.
        MalformedJson = "malformed_json",
        /// The Idempotency-Key header cannot be used as a key.
        InvalidIdempotencyKey = "invalid_idempotency_key",
        /// No API key, or one that is not known or was revoked.
        Unauthorized = "unauthorized",
        /// The API key may not do this.
        InsufficientScope = "insufficient_scope",
        /// There is nothing at this address, or nothing with this id.
        NotFound = "not_found",
        /// The address exists, but not for this method.
        MethodNotAllowed = "method_not_allowed",
        /// What was asked does not fit the state it is in.
        InvalidState = "invalid_state",
        /// Audience, text or cost changed since the quote was made.
        QuoteChanged = "quote_changed",
        /// The first request with this Idempotency-Key is still being answered.
        RequestInProgress = "request_in_progress",
        /// The body is larger than this address takes.
        TooLarge = "too_large",
        /// The body is of a kind this address does not read.
        UnsupportedMediaType = "unsupported_media_type",
        /// A field is missing, unknown, or of the wrong kind.
        InvalidRequest = "invalid_request",
        /// Not a number that can receive messages.
        InvalidPhone = "invalid_phone",
        /// The owner does not send to this country.
        CountryNotAllowed = "country_not_allowed",
        /// No template has this key.
        UnknownTemplate = "unknown_template",
        /// No such sender, or none for this channel.
        UnknownSender = "unknown_sender",
        /// The text is not a valid template.
        InvalidTemplate = "invalid_template",
        /// A placeholder has no value.
        MissingVariable = "missing_variable",
        /// The person asked for no messages of this kind.
        RecipientOptedOut = "recipient_opted_out",
        /// A team key reaches the numbers of the team alone.
        RecipientNotInTeam = "recipient_not_in_team",
        /// The number is known not to receive messages.
        Unreachable = "unreachable",
        /// Promotional, and no consent is on record.
        NoConsent = "no_consent",
        /// The sender is not declared fit for promotional messages.
        SenderNotPromotional = "sender_not_promotional",
        /// More than 1,600 characters.
        BodyTooLong = "body_too_long",
        /// It would cost more than its budget.
        OverBudget = "over_budget",
        /// Nobody in the audience can be sent to.
        NobodyToSendTo = "nobody_to_send_to",
        /// The rate card in force has no price for it.
        NoRate = "no_rate",
        /// The file is not a CSV file that can be read.
        InvalidCsv = "invalid_csv",
        /// The cursor did not come from this list.
        InvalidCursor = "invalid_cursor",
        /// This Idempotency-Key was used with another request.
        IdempotencyKeyReused = "idempotency_key_reused",
        /// The number had its messages for this hour.
        RateLimited = "rate_limited",
        /// Twilio could not be asked, or refused to answer.
        TwilioUnavailable = "twilio_unavailable",
        /// A fault of ours.
        Internal = "internal",
    }
}

impl Code {
    /// The HTTP status that goes with it; what has none of its own is a fault of the request's content.
    pub const fn status(self) -> StatusCode {
        match self {
            Code::MalformedJson | Code::InvalidIdempotencyKey => StatusCode::BAD_REQUEST,
            Code::Unauthorized => StatusCode::UNAUTHORIZED,
            Code::InsufficientScope => StatusCode::FORBIDDEN,
            Code::NotFound => StatusCode::NOT_FOUND,
            Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Code::InvalidState | Code::QuoteChanged | Code::RequestInProgress => StatusCode::CONFLICT,
            Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Code::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Code::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Code::TwilioUnavailable => StatusCode::BAD_GATEWAY,
            Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }

    /// One line that is the same for every problem of this code.
    pub const fn title(self) -> &'static str {
        match self {
            Code::MalformedJson => "The body is not JSON",
            Code::InvalidIdempotencyKey => "The Idempotency-Key cannot be used",
            Code::Unauthorized => "A valid API key is needed",
            Code::InsufficientScope => "This API key may not do this",
            Code::NotFound => "Nothing is here",
            Code::MethodNotAllowed => "This address does not take this method",
            Code::InvalidState => "This does not fit the present state",
            Code::QuoteChanged => "The quote no longer holds",
            Code::RequestInProgress => "The first request is still being answered",
            Code::TooLarge => "The body is too large",
            Code::UnsupportedMediaType => "This kind of body is not read here",
            Code::InvalidRequest => "The request is not valid",
            Code::InvalidPhone => "Not a number that can receive messages",
            Code::CountryNotAllowed => "This country is not sent to",
            Code::UnknownTemplate => "No such template",
            Code::UnknownSender => "No such sender",
            Code::InvalidTemplate => "The text is not a valid template",
            Code::MissingVariable => "A placeholder has no value",
            Code::RecipientOptedOut => "The recipient opted out",
            Code::RecipientNotInTeam => "The recipient is not of the team",
            Code::Unreachable => "The recipient cannot be reached",
            Code::NoConsent => "No consent is on record",
            Code::SenderNotPromotional => "The sender is not for promotional messages",
            Code::BodyTooLong => "The text is too long",
            Code::OverBudget => "It costs more than its budget",
            Code::NobodyToSendTo => "Nobody can be sent to",
            Code::NoRate => "It has no price",
            Code::InvalidCsv => "The file cannot be read",
            Code::InvalidCursor => "The cursor is not valid",
            Code::IdempotencyKeyReused => "The Idempotency-Key was used for another request",
            Code::RateLimited => "Too many messages to this number",
            Code::TwilioUnavailable => "Twilio could not be asked",
            Code::Internal => "Something failed on our side",
        }
    }
}

/// A refusal, ready to be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    code: Code,
    detail: String,
    errors: Vec<FieldError>,
    retry_after_seconds: Option<u64>,
}

/// The document as it is written.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Document {
    /// A page that explains the code.
    #[serde(rename = "type")]
    #[schema(example = "/api/docs#invalid_phone")]
    kind: String,
    /// One line that is the same for every problem of this code.
    title: &'static str,
    /// The HTTP status, again.
    #[schema(example = 422)]
    status: u16,
    /// What happened this time.
    detail: String,
    /// A word that programs can rely on.
    #[schema(value_type = super::schema::Code)]
    code: Code,
    /// The fields at fault, when fields are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<super::schema::FieldError>, required = false)]
    errors: Vec<FieldError>,
}

impl Problem {
    /// A problem with a sentence on what happened.
    pub fn new(code: Code, detail: impl ToString) -> Self {
        Self { code, detail: detail.to_string(), errors: Vec::new(), retry_after_seconds: None }
    }

    /// A fault of one field; the document's code is the field's.
    pub fn field(field: &str, code: Code, message: impl ToString) -> Self {
        Self::fields(vec![FieldError::new(field, code.as_str(), message.to_string())])
    }

    /// Faults of several fields. The document's code is theirs when they agree on one, `invalid_request` otherwise.
    pub fn fields(errors: Vec<FieldError>) -> Self {
        let first = errors.first().map_or("", |error| error.code);
        let agreed = errors.iter().all(|error| error.code == first);
        let code = Code::parse(first).ok().filter(|_| agreed).unwrap_or(Code::InvalidRequest);
        let detail = match errors.as_slice() {
            [only] => format!("{}: {}", only.field, only.message),
            several => format!("{} fields need attention", several.len()),
        };
        Self { errors, ..Self::new(code, detail) }
    }

    /// Nothing with this name exists.
    pub fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("there is no such {what}"))
    }

    /// Says when another try makes sense.
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// A fault of ours: logged whole, told in one sentence.
    pub fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "a request failed");
        Self::new(Code::Internal, "the request failed on our side; try again with the same Idempotency-Key")
    }

    /// Its code.
    #[cfg(test)]
    pub fn code(&self) -> Code {
        self.code
    }

    /// What happened, in a sentence.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The fields at fault.
    #[cfg(test)]
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let document = Document {
            kind: format!("/api/docs#{}", self.code),
            title: self.code.title(),
            status: self.code.status().as_u16(),
            detail: self.detail,
            code: self.code,
            errors: self.errors,
        };
        let mut response = (self.code.status(), axum::Json(document)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.code == Code::Unauthorized {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"dakiya\""));
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::NotFound { what, .. } => Problem::not_found(what),
            StoreError::Conflict(_) => Problem::new(Code::InvalidState, error),
            StoreError::NulCharacter => Problem::new(Code::InvalidRequest, error),
            StoreError::Cursor(_) => {
                Problem::field("cursor", Code::InvalidCursor, "use next_cursor of the page before, unchanged")
            }
            _ => Problem::internal(&error),
        }
    }
}
