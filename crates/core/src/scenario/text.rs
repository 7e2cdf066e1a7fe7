//! How many segments a scenario's texts have: counted, not guessed.

use crate::encoding::{RUPEES_IN_GSM7, measure};
use crate::starter::STARTER_TEMPLATES;
use crate::template::{Template, Variables};

/// The text that stands for all texts: the payment reminder, with values of usual length.
const VALUES: [(&str, &str); 4] = [
    ("brand", "VehicAid"),
    ("request_id", "SR-2026-004711"),
    ("amount", "1,250.00"),
    ("pay_url", "https://vehicaid.com/pay?r=004711"),
];

/// Segments of the starter set's payment reminder, with `₹` in front of the amount or with `Rs.`.
pub fn segments_per_text(rupee_sign: bool) -> u32 {
    let body = STARTER_TEMPLATES
        .iter()
        .find(|starter| starter.key == "payment_reminder")
        .and_then(|starter| starter.bodies.first())
        .map_or("", |(_, body)| *body);
    let body = if rupee_sign { body.replace(RUPEES_IN_GSM7, "₹") } else { body.to_owned() };
    let values: Variables = VALUES.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let text = Template::parse(&body).ok().and_then(|template| template.render(&values).ok());
    measure(text.as_deref().unwrap_or(&body)).segments.0
}
