//! The templates a new installation starts with. Everyone edits them; the brand's name comes from its setting.

use crate::message::Category;

/// A template as it is first stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StarterTemplate {
    /// Its key in API and CSV.
    pub key: &'static str,
    /// Its name on pages.
    pub name: &'static str,
    /// Why such messages are sent.
    pub category: Category,
    /// Its texts: language code and body, English first.
    pub bodies: &'static [(&'static str, &'static str)],
}

/// The starter set. English texts stay in GSM-7; Hindi needs UCS-2 anyway, so there `₹` costs nothing.
pub const STARTER_TEMPLATES: [StarterTemplate; 6] = [
    StarterTemplate {
        key: "service_request_received",
        name: "Service request received",
        category: Category::Transactional,
        bodies: &[
            (
                "en",
                "{{brand}}: We received your request {{request_id}} for {{service}}. Status: {{status}}. We will message you when help is on the way.",
            ),
            ("hi", "{{brand}}: {{service}} के लिए आपका अनुरोध {{request_id}} मिल गया है। स्थिति: {{status}}।"),
        ],
    },
    StarterTemplate {
        key: "provider_assigned",
        name: "Provider assigned",
        category: Category::Transactional,
        bodies: &[
            (
                "en",
                "{{brand}}: {{provider_name}} (ID {{provider_id}}) will attend to your request {{request_id}} and contact you shortly.",
            ),
            (
                "hi",
                "{{brand}}: आपके अनुरोध {{request_id}} के लिए {{provider_name}} (ID {{provider_id}}) आ रहे हैं। वे जल्द ही आपसे संपर्क करेंगे।",
            ),
        ],
    },
    StarterTemplate {
        key: "service_started",
        name: "Service started",
        category: Category::Transactional,
        bodies: &[
            ("en", "{{brand}}: Work on your request {{request_id}} has started."),
            ("hi", "{{brand}}: आपके अनुरोध {{request_id}} पर काम शुरू हो गया है।"),
        ],
    },
    StarterTemplate {
        key: "service_completed",
        name: "Service completed",
        category: Category::Transactional,
        bodies: &[
            ("en", "{{brand}}: Your request {{request_id}} is complete. Thank you for calling us."),
            ("hi", "{{brand}}: आपका अनुरोध {{request_id}} पूरा हो गया है। धन्यवाद।"),
        ],
    },
    StarterTemplate {
        key: "otp",
        name: "One-time password",
        category: Category::Otp,
        bodies: &[
            (
                "en",
                "{{brand}}: {{code}} is your one-time password. It is valid for {{minutes}} minutes. Never share it with anyone.",
            ),
            ("hi", "{{brand}}: आपका OTP {{code}} है। यह {{minutes}} मिनट तक मान्य है। इसे किसी को न बताएं।"),
        ],
    },
    StarterTemplate {
        key: "payment_reminder",
        name: "Payment reminder",
        category: Category::Service,
        bodies: &[
            (
                "en",
                "{{brand}}: Payment pending for request {{request_id}}. Amount: Rs.{{amount}}. Pay here: {{pay_url}}",
            ),
            (
                "hi",
                "{{brand}}: अनुरोध {{request_id}} का भुगतान बाकी है। राशि: ₹{{amount}}। यहाँ भुगतान करें: {{pay_url}}",
            ),
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::{Encoding, Segments, measure};
    use crate::template::{Template, Variables};

    #[test]
    fn every_text_has_the_placeholders_its_callers_send_and_no_others() {
        for (key, expected) in [
            ("service_request_received", &["request_id", "service", "status"][..]),
            ("provider_assigned", &["provider_id", "provider_name", "request_id"]),
            ("service_started", &["request_id"]),
            ("service_completed", &["request_id"]),
            ("otp", &["code", "minutes"]),
            ("payment_reminder", &["amount", "pay_url", "request_id"]),
        ] {
            let starter = STARTER_TEMPLATES.iter().find(|starter| starter.key == key).unwrap();
            for (language, body) in starter.bodies {
                let template = Template::parse(body).unwrap();
                let mut slots = template.unknown_placeholders(&[]);
                slots.sort_unstable();
                assert_eq!(slots, expected, "{key} {language}");
                assert_eq!(template.concerns(starter.category, "VehicAid", None), [], "{key} {language}");
            }
        }
    }

    #[test]
    fn english_texts_with_usual_values_are_one_segment() {
        let values: Variables = [
            ("brand", "VehicAid"),
            ("request_id", "SR-2026-004711"),
            ("service", "Flat tyre"),
            ("status", "Received"),
            ("provider_name", "Ravi Kumar"),
            ("provider_id", "P-1042"),
            ("code", "482913"),
            ("minutes", "10"),
            ("amount", "1,250.00"),
            ("pay_url", "https://vehicaid.com/pay?r=004711"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        for starter in STARTER_TEMPLATES {
            let body = Template::parse(starter.bodies[0].1).unwrap().render(&values).unwrap();
            let found = measure(&body);
            assert_eq!(
                (found.encoding, found.segments),
                (Encoding::Gsm7, Segments(1)),
                "{body} ({})",
                found.units
            );
        }
    }
}
