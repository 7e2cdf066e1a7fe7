//! A text as it will look on a phone, with what makes it cost more.

use dakiya_core::encoding::{Encoding, ForcingCharacter, Measure, cuts, forcing_characters, measure};
use dakiya_core::template::{BUILT_IN, MissingVariable, Template, Variables};
use url::Url;

/// One stretch of the preview.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// `text`, `value` (filled in for this person), `costly` (forces UCS-2) or `cut` (a new segment begins).
    pub(crate) kind: &'static str,
    pub(crate) text: String,
}

/// A rendered text and what counting it finds.
#[derive(Clone, Debug)]
pub(crate) struct Preview {
    pub(crate) spans: Vec<Span>,
    pub(crate) characters: usize,
    pub(crate) measure: Measure,
    pub(crate) forcing: Vec<ForcingCharacter>,
    /// Units used and room, segment by segment.
    pub(crate) fill: Vec<(u32, u32)>,
}

/// Private-use characters that mark where a value begins and ends; no text that people write has them.
const VALUE_BEGINS: char = '\u{E0F0}';
const VALUE_ENDS: char = '\u{E0F1}';

impl Preview {
    /// Renders a text for one person.
    pub(crate) fn of(template: &Template, variables: &Variables) -> Result<Preview, MissingVariable> {
        let marked = variables
            .iter()
            .map(|(name, value)| (name.clone(), format!("{VALUE_BEGINS}{value}{VALUE_ENDS}")))
            .collect();
        Ok(Self::marked(&template.render(&marked)?))
    }

    /// A text that was rendered before; nothing is known of its values.
    pub(crate) fn of_body(body: &str) -> Preview {
        Self::marked(body)
    }

    fn marked(marked: &str) -> Preview {
        let body: String = marked.chars().filter(|c| !matches!(*c, VALUE_BEGINS | VALUE_ENDS)).collect();
        let (measure, forcing) = (measure(&body), forcing_characters(&body));
        let spans = spans(marked, &cuts(&body), &forcing);
        Preview { spans, characters: body.chars().count(), fill: fill(measure), measure, forcing }
    }

    /// Whether the alphabet is the dear one.
    pub(crate) fn is_unicode(&self) -> bool {
        self.measure.encoding == Encoding::Ucs2
    }

    /// `GSM-7, 160 to a segment` and the like.
    pub(crate) fn room_words(&self) -> String {
        let encoding = self.measure.encoding;
        let name = if self.is_unicode() { "Unicode" } else { "GSM-7" };
        let room =
            if self.measure.segments.0 == 1 { encoding.units_alone() } else { encoding.units_joined() };
        format!("{name}, {room} to a segment")
    }
}

fn spans(marked: &str, cuts: &[usize], forcing: &[ForcingCharacter]) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let (mut inside_value, mut offset) = (false, 0);
    for character in marked.chars() {
        if matches!(character, VALUE_BEGINS | VALUE_ENDS) {
            inside_value = character == VALUE_BEGINS;
            continue;
        }
        if cuts.contains(&offset) {
            spans.push(Span { kind: "cut", text: String::new() });
        }
        let costly = forcing.iter().any(|known| known.character == character && is_avoidable(known));
        let kind = if costly {
            "costly"
        } else if inside_value {
            "value"
        } else {
            "text"
        };
        match spans.last_mut() {
            Some(last) if last.kind == kind => last.text.push(character),
            _ => spans.push(Span { kind, text: character.to_string() }),
        }
        offset += character.len_utf8();
    }
    spans
}

/// Letters of Indian scripts need Unicode and are meant; marking every one of them would help nobody.
fn is_avoidable(character: &ForcingCharacter) -> bool {
    character.replacement.is_some()
}

fn fill(measure: Measure) -> Vec<(u32, u32)> {
    let segments = measure.segments.0;
    let room = if segments == 1 { measure.encoding.units_alone() } else { measure.encoding.units_joined() };
    (1..=segments)
        .map(
            |segment| {
                if segment == segments {
                    (room.saturating_sub(measure.units_left), room)
                } else {
                    (room, room)
                }
            },
        )
        .collect()
}

/// An opt-out link as long as a real one: its token has 22 characters.
pub(crate) fn sample_opt_out_url(public_url: &Url) -> String {
    format!("{}/o?t={}", public_url.as_str().trim_end_matches('/'), "x".repeat(22))
}

/// Values that look like the real ones, so that a template can be counted before there is a list.
pub(crate) fn sample_variables(template: &Template, brand: &str, opt_out_url: &str) -> Variables {
    template
        .placeholders()
        .into_iter()
        .map(|name| {
            let value = match name {
                "brand" => brand.to_owned(),
                "opt_out_url" => opt_out_url.to_owned(),
                _ => sample_value(name),
            };
            (name.to_owned(), value)
        })
        .collect()
}

fn sample_value(name: &str) -> String {
    let known = match name {
        "name" | "customer_name" | "first_name" => "Ramesh",
        "provider_name" => "Suresh Auto Works",
        "provider_id" => "P-2041",
        "request_id" | "reference" => "REQ-10482",
        "service" => "Tyre change",
        "status" => "received",
        "amount" => "1,499.00",
        "code" => "482913",
        "minutes" => "10",
        "due_on" | "due_date" => "21 Aug 2026",
        "pay_url" | "url" | "link" => "https://pay.example.in/r/K7Q2XM",
        "vehicle" => "KA05MN4321",
        _ => return name.replace('_', " "),
    };
    known.to_owned()
}

/// The placeholders a recipient's own row must fill.
pub(crate) fn own_placeholders(template: &Template) -> Vec<String> {
    template.placeholders().into_iter().filter(|name| !BUILT_IN.contains(name)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preview(text: &str, values: &[(&str, &str)]) -> Preview {
        let variables =
            values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Preview::of(&Template::parse(text).unwrap(), &variables).unwrap()
    }

    #[test]
    fn values_and_characters_that_cost_are_marked() {
        let shown = preview("Pay ₹{{amount}} now", &[("amount", "149")]);
        let kinds: Vec<_> = shown.spans.iter().map(|span| (span.kind, span.text.as_str())).collect();
        assert_eq!(kinds, [("text", "Pay "), ("costly", "₹"), ("value", "149"), ("text", " now")]);
        assert!(shown.is_unicode());
    }

    #[test]
    fn each_segment_but_the_last_is_full() {
        let shown = preview(&"a".repeat(170), &[]);
        assert_eq!(shown.fill, [(153, 153), (17, 153)]);
        assert_eq!(shown.spans.iter().filter(|span| span.kind == "cut").count(), 1);
    }
}
