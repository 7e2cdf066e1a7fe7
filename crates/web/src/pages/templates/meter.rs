//! What a text costs and needs, counted while it is typed.

use crate::AppState;
use crate::error::PageResult;
use crate::filters;
use crate::forms::{Fields, Submitted};
use crate::pages::gates::{self, Gate};
use crate::pages::preview::{Preview, sample_opt_out_url, sample_variables};
use crate::pages::prices::Prices;
use crate::view;
use axum::extract::State;
use dakiya_core::encoding::{RUPEES_IN_GSM7, measure, smart_encode};
use dakiya_core::message::{Category, Channel};
use dakiya_core::money::Money;
use dakiya_core::template::Template;

/// Segments beyond this are worth a word even when no character forces them.
const LONG: u32 = 3;

/// What wastes money in the text.
pub(super) struct Notice {
    pub(super) title: String,
    pub(super) advice: String,
    pub(super) saved: Option<Money>,
    pub(super) button: Option<&'static str>,
}

/// A text that could be counted.
pub(super) struct Counted {
    pub(super) notice: Option<Notice>,
    pub(super) preview: Preview,
    pub(super) sender_words: &'static str,
    pub(super) is_sms: bool,
    pub(super) price: String,
    pub(super) equation: String,
    pub(super) gates: Vec<Gate>,
}

/// The meter beside a text.
pub(super) enum Meter {
    /// It is no template, and why.
    Faulty(String),
    /// What counting it found.
    Counted(Box<Counted>),
}

#[derive(askama::Template)]
#[template(path = "templates/_meter.html")]
struct Fragment {
    meter: Meter,
}

/// `POST /templates/meter`: the meter alone, while somebody types.
pub(super) async fn show(State(app): State<AppState>, Submitted { fields, .. }: Submitted) -> PageResult {
    Ok(view::html(&Fragment { meter: of_fields(&app, &fields).await? }))
}

/// The meter of what a form says.
pub(super) async fn of_fields(app: &AppState, fields: &Fields) -> PageResult<Meter> {
    let channel = Channel::parse(fields.text("channel")).unwrap_or(Channel::Sms);
    let category = Category::parse(fields.text("category")).unwrap_or(Category::Service);
    let prices = Prices::now(app).await?;
    let body = fields.text("body").replace("\r\n", "\n");
    Ok(match Template::parse(&body) {
        Ok(template) => Meter::Counted(Box::new(count(app, &template, &body, channel, category, &prices))),
        Err(error) => Meter::Faulty(format!("{error}.")),
    })
}

fn count(
    app: &AppState,
    template: &Template,
    body: &str,
    channel: Channel,
    category: Category,
    prices: &Prices,
) -> Counted {
    let variables =
        sample_variables(template, &app.config.brand, &sample_opt_out_url(&app.config.public_url));
    let preview = Preview::of(template, &variables).unwrap_or_else(|_| Preview::of_body(body));
    let is_sms = channel == Channel::Sms;
    let unit = prices.unit(channel, category).map(|price| price.expected);
    let units = if is_sms { preview.measure.segments.0 } else { 1 };
    let rendered = template.render(&variables).unwrap_or_else(|_| body.to_owned());
    let mut gates = gates::of_text(template, body, category, &app.config.brand);
    gates.extend(gates::of_length(rendered.chars().count()));
    Counted {
        notice: if is_sms { notice(&rendered, &preview, unit) } else { None },
        sender_words: if is_sms { "text message" } else { "WhatsApp" },
        is_sms,
        price: unit.map_or_else(|| "No price".to_owned(), |unit| (unit * u64::from(units)).with_sign()),
        equation: match (is_sms, unit) {
            (_, None) => "The rate card in force has no price for such messages.".to_owned(),
            (true, Some(_)) => format!(
                "{units} × {}, before GST. Rate card: {}.",
                prices.words(channel, category),
                prices.card_name()
            ),
            (false, Some(_)) => {
                format!("{}, before GST. Rate card: {}.", prices.words(channel, category), prices.card_name())
            }
        },
        preview,
        gates,
    }
}

/// The text with plain characters for those that can be had cheaper.
pub(super) fn fixed(body: &str) -> String {
    smart_encode(&body.replace('₹', RUPEES_IN_GSM7)).into_owned()
}

fn notice(rendered: &str, preview: &Preview, unit: Option<Money>) -> Option<Notice> {
    let segments = preview.measure.segments.0;
    let avoidable: Vec<String> = preview
        .forcing
        .iter()
        .filter(|known| known.replacement.is_some())
        .map(|known| format!("“{}”", known.character))
        .collect();
    let cheaper = measure(&fixed(rendered)).segments.0;
    if !avoidable.is_empty() && cheaper < segments {
        let rupee = preview.forcing.iter().any(|known| known.character == '₹');
        let (one, list) = (avoidable.len() == 1, avoidable.join(", "));
        return Some(Notice {
            title: format!(
                "{segments} segments, because of {}",
                if one { "one character".to_owned() } else { format!("{} characters", avoidable.len()) }
            ),
            advice: format!(
                "{list} {} the limit from 160 characters to 70. With plain characters it is {cheaper}.",
                if one { "drops" } else { "drop" }
            ),
            saved: unit.map(|unit| unit * u64::from(segments - cheaper)),
            button: Some(if rupee { "Write Rs. instead of ₹" } else { "Use plain characters" }),
        });
    }
    let over = preview.fill.last().map_or(0, |(used, _)| *used);
    if segments > 1 && over <= 10 {
        return Some(Notice {
            title: format!("{over} character{} too many", if over == 1 { "" } else { "s" }),
            advice: format!("Make it {over} shorter and it is {} instead of {segments}.", segments - 1),
            saved: unit,
            button: None,
        });
    }
    (segments >= LONG).then(|| Notice {
        title: format!("{segments} segments"),
        advice: "A long text. Each segment is charged like a message of its own.".to_owned(),
        saved: None,
        button: None,
    })
}

/// Segments and price of a text with sample details, for a list.
pub(super) fn summary(
    body: &str,
    channel: Channel,
    category: Category,
    prices: &Prices,
    app: &AppState,
) -> (String, String) {
    let Ok(template) = Template::parse(body) else { return ("–".to_owned(), "–".to_owned()) };
    let counted = count(app, &template, body, channel, category, prices);
    let segments =
        if counted.is_sms { counted.preview.measure.segments.0.to_string() } else { "–".to_owned() };
    (segments, counted.price)
}
