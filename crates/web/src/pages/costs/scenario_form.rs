//! What-if months as forms: what people type, and what it comes to.

use crate::costs::Pricer;
use crate::filters::{exact_rupees, grouped};
use crate::forms::{Faults, Fields};
use dakiya_core::apportion;
use dakiya_core::fx_rate;
use dakiya_core::message::Direction;
use dakiya_core::money::Money;
use dakiya_core::rate_card::{NoRate, RateCard, RateItem, RateUnit};
use dakiya_core::scenario::{Scenario, ScenarioCost};

/// The fields of a month, as addresses and forms spell them.
pub(super) const FIELDS: [&str; 10] = [
    "requests_per_month",
    "sms_per_request",
    "phone_numbers",
    "whatsapp_percent",
    "in_window_percent",
    "rupee",
    "inbound_sms",
    "inbound_whatsapp",
    "usd_inr",
    "rate_card",
];

/// The word of a form for amounts with `₹`.
pub(super) const WITH_SIGN: &str = "sign";

/// A month as a form shows it.
pub(super) fn fields_of(scenario: &Scenario, rate_card: Option<&str>) -> Fields {
    let rupee = if scenario.rupee_sign { WITH_SIGN } else { "letters" };
    let values = [
        scenario.requests_per_month.to_string(),
        scenario.sms_per_request.to_string(),
        scenario.phone_numbers.to_string(),
        scenario.whatsapp_percent.to_string(),
        scenario.in_window_percent.to_string(),
        rupee.to_owned(),
        scenario.inbound_sms.to_string(),
        scenario.inbound_whatsapp.to_string(),
        scenario.usd_inr.map_or_else(String::new, |rate| rate.normalize().to_string()),
        rate_card.unwrap_or_default().to_owned(),
    ];
    Fields::from_pairs(FIELDS.iter().map(|name| (*name).to_owned()).zip(values).collect())
}

/// Reads a month and the card it names; an empty figure is none of it.
pub(super) fn read(
    fields: &Fields,
    pricer: &Pricer,
    faults: &mut Faults,
) -> Option<(Scenario, Option<String>)> {
    let mut count = |name: &str| faults.take(name, whole(fields.text(name)));
    let requests_per_month = count("requests_per_month");
    let sms_per_request = count("sms_per_request");
    let phone_numbers = count("phone_numbers");
    let (whatsapp_percent, in_window_percent) = (count("whatsapp_percent"), count("in_window_percent"));
    let (inbound_sms, inbound_whatsapp) = (count("inbound_sms"), count("inbound_whatsapp"));
    let usd_inr = match fields.text("usd_inr") {
        "" => Some(None),
        text => faults.take("usd_inr", fx_rate::parse(text)).map(|rate| Some(rate.inr_per_usd)),
    };
    let rate_card = match fields.text("rate_card") {
        "" => None,
        key => {
            if pricer.card(key).is_none() {
                faults.add("rate_card", format!("there is no rate card \"{key}\""));
            }
            Some(key.to_owned())
        }
    };
    let scenario = Scenario {
        requests_per_month: requests_per_month?,
        sms_per_request: sms_per_request?,
        phone_numbers: phone_numbers?,
        whatsapp_percent: percent(whatsapp_percent?),
        in_window_percent: percent(in_window_percent?),
        rupee_sign: fields.text("rupee") == WITH_SIGN,
        inbound_sms: inbound_sms?,
        inbound_whatsapp: inbound_whatsapp?,
        usd_inr: usd_inr?,
    };
    for error in scenario.validate().err().unwrap_or_default() {
        faults.add(error.field, error.message);
    }
    faults.is_empty().then_some((scenario, rate_card))
}

/// Too much stays too much.
fn percent(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// `1,00,000`, with or without commas; nothing is none.
fn whole(text: &str) -> Result<u64, String> {
    let digits: String = text.chars().filter(|c| *c != ',').collect();
    if digits.is_empty() {
        return Ok(0);
    }
    let shown: String = text.chars().take(40).collect();
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(format!("\"{shown}\" is not a whole number"));
    }
    digits.parse().map_err(|_| format!("\"{shown}\" is too large a number"))
}

/// One line of what a month comes to.
pub(super) struct LineView {
    pub(super) name: String,
    pub(super) quantity: String,
    pub(super) rate: Money,
    /// In paise; the lines add up to the total.
    pub(super) amount: Money,
}

/// What a month comes to on one card.
pub(super) struct PricedView {
    pub(super) key: String,
    pub(super) card: String,
    pub(super) in_force: bool,
    pub(super) lines: Vec<LineView>,
    pub(super) total: Money,
    pub(super) gst: Money,
    pub(super) with_gst: Money,
    /// Low to high, where they differ.
    pub(super) range: Option<(Money, Money)>,
    pub(super) usd_inr: String,
    pub(super) assumptions: Vec<String>,
    /// `No price for texts`; then there are no figures. Empty otherwise.
    pub(super) no_price: String,
}

impl PricedView {
    pub(super) fn of(pricer: &Pricer, scenario: &Scenario, card: &RateCard) -> Self {
        let mut view = PricedView {
            key: card.key.clone(),
            card: card.name.clone(),
            in_force: card.key == pricer.in_force,
            lines: Vec::new(),
            total: Money::ZERO,
            gst: Money::ZERO,
            with_gst: Money::ZERO,
            range: None,
            usd_inr: String::new(),
            assumptions: Vec::new(),
            no_price: String::new(),
        };
        match pricer.price(scenario, card) {
            Ok(cost) => view.fill(cost),
            Err(error) => view.no_price = no_price_words(&error),
        }
        view
    }

    fn fill(&mut self, cost: ScenarioCost) {
        let amounts: Vec<Money> = cost.lines.iter().map(|line| line.amount).collect();
        let shown = apportion::to_paise(&amounts);
        self.lines = cost
            .lines
            .into_iter()
            .zip(shown)
            .map(|(line, amount)| LineView {
                quantity: format!(
                    "{} {}",
                    grouped(line.quantity.into()),
                    unit_words(line.unit, line.quantity)
                ),
                name: line.name,
                rate: line.rate,
                amount,
            })
            .collect();
        self.total = cost.total.rounded_to_paise();
        self.gst = cost.gst.rounded_to_paise();
        self.with_gst = self.total + self.gst;
        self.range = (cost.low != cost.high).then_some((cost.low, cost.high));
        self.usd_inr = exact_rupees(Money::new(cost.usd_inr));
        self.assumptions = cost.assumptions;
    }
}

fn no_price_words(error: &NoRate) -> String {
    let what = match (error.item, error.direction) {
        (RateItem::Sms, Direction::Outbound) => "texts",
        (RateItem::Sms, Direction::Inbound) => "texts received",
        (RateItem::Whatsapp, Direction::Outbound) => "WhatsApp messages",
        (RateItem::Whatsapp, Direction::Inbound) => "WhatsApp messages received",
        (RateItem::Number, _) => "numbers",
        (RateItem::Other, _) => "other charges",
    };
    format!("No price for {what}")
}

fn unit_words(unit: RateUnit, quantity: u64) -> &'static str {
    match (unit, quantity) {
        (RateUnit::Segment, 1) => "segment",
        (RateUnit::Segment, _) => "segments",
        (RateUnit::Message, 1) => "message",
        (RateUnit::Message, _) => "messages",
        (RateUnit::Month, 1) => "number",
        (RateUnit::Month, _) => "numbers",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_as_people_write_them() {
        assert_eq!(whole("1,00,000"), Ok(100_000));
        assert_eq!(whole(""), Ok(0));
        for text in ["-1", "1.5", "many"] {
            assert!(whole(text).unwrap_err().ends_with("is not a whole number"), "{text}");
        }
        assert_eq!(
            whole("99999999999999999999").unwrap_err(),
            "\"99999999999999999999\" is too large a number"
        );
    }

    #[test]
    fn a_month_comes_back_from_its_form() {
        let scenario = Scenario {
            requests_per_month: 1_000,
            sms_per_request: 3,
            phone_numbers: 1,
            whatsapp_percent: 40,
            rupee_sign: true,
            usd_inr: Some("98.25".parse().unwrap_or_default()),
            ..Scenario::default()
        };
        let fields = fields_of(&scenario, Some("twilio-list"));
        assert_eq!(
            FIELDS.map(|name| fields.text(name)),
            ["1000", "3", "1", "40", "0", "sign", "0", "0", "98.25", "twilio-list",]
        );
    }
}
