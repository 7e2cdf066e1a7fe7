//! What wording wastes, and the fix; and what a month of traffic wastes.
//!
//! Wording costs in text messages alone: WhatsApp bills messages, whatever their length.

mod traffic;

pub use traffic::{Traffic, Waste, scaled, scaled_count};

use crate::encoding::{
    Encoding, Measure, RUPEES_IN_GSM7, Segments, can_be_gsm7, forcing_characters, measure, smart_encode,
};
use crate::money::Money;
use crate::template::Template;
use crate::worded_enum;

worded_enum! {
    /// What wastes money in a text.
    SavingKind {
        /// `₹`, which is not in GSM-7, where `Rs.` would do.
        RupeeSign = "rupee_sign",
        /// Curly quotes, dashes and other typographic characters.
        Typography = "typography",
        /// A few characters over a segment for many recipients.
        JustOver = "just_over",
    }
}

/// One way to spend less on a text, priced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saving {
    /// What wastes.
    pub kind: SavingKind,
    /// The text that would not; `None` where a person must shorten it.
    pub fixed_body: Option<String>,
    /// Segments saved over the audience.
    pub segments: u64,
    /// Rupees saved over the audience, expected price, before tax.
    pub amount: Money,
    /// Recipients it concerns.
    pub recipients: u64,
    /// In words, for the page.
    pub advice: String,
}

/// Finds savings while an audience is counted; memory does not grow with the audience. The savings it finds are
/// alternatives: each says what it alone would save.
#[derive(Clone, Debug)]
pub struct SavingsFinder {
    template: Template,
    rewrites: Vec<Rewrite>,
    recipients: u64,
    /// People whose own values force UCS-2, and the segments that plain values would save.
    values: Tally,
    /// People by how many units their text is over a segment's end.
    just_over: [u64; JUST_OVER as usize],
    rendered: String,
}

/// So few characters over a segment's end can be cut by anyone.
const JUST_OVER: u32 = 5;
/// One in so many recipients must be just over a segment for advice to shorten the text.
const NOTICEABLE: u64 = 10;

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    recipients: u64,
    segments: u64,
}

impl Tally {
    fn add(&mut self, before: Segments, after: Segments) {
        if after < before {
            self.recipients += 1;
            self.segments += u64::from(before.0 - after.0);
        }
    }
}

/// The template with other words that mean the same.
#[derive(Clone, Debug)]
struct Rewrite {
    kind: SavingKind,
    advice: String,
    body: String,
    template: Template,
    saved: Tally,
}

impl SavingsFinder {
    /// Looks for what could be written differently in a template.
    pub fn new(template: &Template) -> Self {
        let rewrites = [
            (SavingKind::RupeeSign, template.with_text(plain_rupees)),
            (SavingKind::Typography, template.with_text(plain_typography)),
            (SavingKind::Typography, template.with_text(plain)),
        ];
        let original = template.with_text(str::to_owned);
        let mut kept: Vec<Rewrite> = Vec::new();
        for (kind, body) in rewrites {
            let is_new = body != original && kept.iter().all(|other| other.body != body);
            let helps = forcing_characters(&body).is_empty();
            if is_new
                && helps
                && let Ok(template) = Template::parse(&body)
            {
                let advice = rewrite_advice(&original, &body);
                kept.push(Rewrite { kind, advice, body, template, saved: Tally::default() });
            }
        }
        let values = Tally::default();
        let just_over = [0; JUST_OVER as usize];
        Self {
            template: template.clone(),
            rewrites: kept,
            recipients: 0,
            values,
            just_over,
            rendered: String::new(),
        }
    }

    /// Counts a recipient: the text as it would be sent, its measure, and what each placeholder stands for. A text of
    /// another template (another language) counts as a recipient with nothing to save.
    pub fn add<'v>(&mut self, rendered: &str, found: Measure, value: impl Fn(&str) -> Option<&'v str>) {
        self.recipients += 1;
        if found.segments.0 == 1 || !self.is_rendering(rendered, &value) {
            return;
        }
        let over = units_over(found);
        if let Some(people) = self.just_over.get_mut(over.wrapping_sub(1) as usize) {
            *people += 1;
        }
        if found.encoding == Encoding::Gsm7 {
            return;
        }
        for rewrite in &mut self.rewrites {
            if rewrite.template.render_into(&mut self.rendered, &value).is_ok() {
                rewrite.saved.add(found.segments, in_gsm7(&self.rendered, found.segments));
            }
        }
        if rendered.chars().all(can_be_gsm7) {
            self.values.add(found.segments, measure(&plain(rendered)).segments);
        }
    }

    fn is_rendering<'v>(&mut self, text: &str, value: &impl Fn(&str) -> Option<&'v str>) -> bool {
        self.template.render_into(&mut self.rendered, value).is_ok() && self.rendered == text
    }

    /// What would save anything, the largest first. `unit_price` is that of one segment, expected, before tax.
    pub fn finish(mut self, unit_price: Money) -> Vec<Saving> {
        let shorten = self.shorten();
        let saving = |kind, body, tally: Tally, advice| Saving {
            kind,
            fixed_body: body,
            segments: tally.segments,
            amount: unit_price * tally.segments,
            recipients: tally.recipients,
            advice,
        };
        let mut found: Vec<Saving> = Vec::new();
        let mut best = 0;
        for rewrite in self.rewrites.drain(..) {
            // The last rewrite holds the others; it is worth naming only when it does more.
            if rewrite.saved.segments > best {
                best = rewrite.saved.segments;
                found.push(saving(rewrite.kind, Some(rewrite.body), rewrite.saved, rewrite.advice));
            }
        }
        if self.values.segments > best {
            let advice = "Some values in the list hold ₹ or typographic characters, which are not in the SMS alphabet; \
                          write Rs. and plain quotes in the list";
            found.push(saving(SavingKind::Typography, None, self.values, advice.to_owned()));
        }
        found.extend(shorten.map(|(tally, advice)| saving(SavingKind::JustOver, None, tally, advice)));
        found.sort_by_key(|saving| std::cmp::Reverse(saving.segments));
        found
    }

    /// How many characters to remove, and what that would save; `None` when few are just over a segment.
    fn shorten(&self) -> Option<(Tally, String)> {
        let people: u64 = self.just_over.iter().sum();
        let characters = self.just_over.iter().rposition(|people| *people > 0)? + 1;
        if people * NOTICEABLE < self.recipients {
            return None;
        }
        let s = if characters == 1 { "" } else { "s" };
        let advice = format!(
            "{people} of {} people get a further segment for at most {characters} character{s}; \
             shorten the text by {characters} character{s}",
            self.recipients
        );
        Some((Tally { recipients: people, segments: people }, advice))
    }
}

/// Units that must go for the text to take one segment less.
fn units_over(found: Measure) -> u32 {
    if found.segments.0 == 2 {
        found.units - found.encoding.units_alone().min(found.units)
    } else {
        found.encoding.units_joined() - found.units_left
    }
}

/// The segments of a text if it is in GSM-7, else `otherwise`: plain characters in a Hindi text save nothing and
/// may change it.
fn in_gsm7(text: &str, otherwise: Segments) -> Segments {
    let found = measure(text);
    if found.encoding == Encoding::Gsm7 { found.segments } else { otherwise }
}

fn plain(text: &str) -> String {
    plain_typography(&plain_rupees(text))
}

/// `₹500` and `₹ 500` as `Rs.500`.
fn plain_rupees(text: &str) -> String {
    text.replace("₹ ", RUPEES_IN_GSM7).replace('₹', RUPEES_IN_GSM7)
}

fn plain_typography(text: &str) -> String {
    smart_encode(text).into_owned()
}

fn rewrite_advice(original: &str, rewritten: &str) -> String {
    let left = forcing_characters(rewritten);
    let gone = forcing_characters(original)
        .into_iter()
        .filter(|forcing| left.iter().all(|other| other.character != forcing.character));
    let named: Vec<String> = gone
        .map(|forcing| match forcing.replacement {
            Some("") | None => format!("leave out U+{:04X}", forcing.character as u32),
            Some(plain) => format!("write {plain} for {}", forcing.character),
        })
        .collect();
    let list = named.join(", ");
    let sentence: String =
        list.chars().take(1).flat_map(char::to_uppercase).chain(list.chars().skip(1)).collect();
    format!("{sentence}: characters outside the SMS alphabet halve what fits into a segment")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::Variables;
    use rust_decimal::Decimal;

    /// The savings of a template over recipients who differ in one value.
    fn savings(body: &str, values: &[&str]) -> Vec<Saving> {
        let template = Template::parse(body).unwrap();
        let mut finder = SavingsFinder::new(&template);
        for value in values {
            let variables = Variables::from([("x".to_owned(), (*value).to_owned())]);
            let text = template.render(&variables).unwrap();
            finder.add(&text, measure(&text), |_| Some(value));
        }
        finder.finish(Money::new(Decimal::new(80, 2)))
    }

    /// What a fix really saves, counted afresh.
    fn recount(body: &str, fixed: &str, values: &[&str]) -> u64 {
        let segments = |body: &str| -> u64 {
            let template = Template::parse(body).unwrap();
            let texts = values
                .iter()
                .map(|value| template.render(&Variables::from([("x".to_owned(), (*value).to_owned())])));
            texts.map(|text| u64::from(measure(&text.unwrap()).segments.0)).sum()
        };
        segments(body) - segments(fixed)
    }

    const REMINDER: &str =
        "VehicAid: Payment pending for Request #{{x}}. Amount: ₹500. Pay now: vehicaid.com/pay/123";

    #[test]
    fn the_rupee_sign_is_priced_and_fixed_in_one_click() {
        let values = ["123"; 1_000];
        let found = savings(REMINDER, &values);
        assert_eq!(found.len(), 1);
        let saving = &found[0];
        assert_eq!((saving.kind, saving.segments, saving.recipients), (SavingKind::RupeeSign, 1_000, 1_000));
        assert_eq!(saving.amount, Money::new(Decimal::from(800)));
        let fixed = saving.fixed_body.as_deref().unwrap();
        assert_eq!(fixed, REMINDER.replace('₹', "Rs."));
        assert_eq!(recount(REMINDER, fixed, &values), saving.segments);
        assert!(saving.advice.starts_with("Write Rs. for ₹: "), "{}", saving.advice);
    }

    #[test]
    fn only_the_fix_that_saves_is_offered_when_two_characters_force_ucs2() {
        let body = REMINDER.replace("Pay now", "“Pay” now…");
        let found = savings(&body, &["123", "124"]);
        assert_eq!(found.len(), 1);
        let fixed = found[0].fixed_body.as_deref().unwrap();
        assert_eq!(fixed, REMINDER.replace('₹', "Rs.").replace("Pay now", "\"Pay\" now..."));
        assert_eq!(recount(&body, fixed, &["123", "124"]), found[0].segments);
    }

    #[test]
    fn nothing_is_offered_that_saves_nothing() {
        assert_eq!(savings("Rs.500 – due {{x}}", &["now"]), [], "one segment anyway");
        let hindi = "भुगतान बाकी है… ₹{{x}} कृपया आज ही भुगतान करें ताकि आपकी सेवा बिना रुकावट चलती रहे। धन्यवाद।";
        assert_eq!(savings(hindi, &["500"]), [], "Hindi needs UCS-2 whatever the rupee sign does");
        assert_eq!(savings(&format!("{} ₹{{{{x}}}}", "a".repeat(157)), &["5"]).len(), 1);
    }

    #[test]
    fn values_that_force_ucs2_are_told_apart_from_the_text() {
        let body = REMINDER.replace("₹500", "{{x}}");
        let found = savings(&body, &["₹500", "₹600", "Rs.700"]);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].fixed_body.as_deref(), found[0].segments, found[0].recipients), (None, 2, 2));
    }

    #[test]
    fn texts_in_another_language_are_left_alone() {
        let mut finder = SavingsFinder::new(&Template::parse(REMINDER).unwrap());
        let hindi = "भुगतान".repeat(12);
        finder.add(&hindi, measure(&hindi), |_| Some("123"));
        assert_eq!(finder.finish(Money::new(Decimal::ONE)), []);
    }

    #[test]
    fn people_just_over_a_segment_are_counted_with_the_characters_to_remove() {
        let body = format!("{}{{{{x}}}}", "a".repeat(158));
        let values = ["123", "12345", "1", "123456789012"];
        let found = savings(&body, &values);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].kind, found[0].segments), (SavingKind::JustOver, 2));
        assert_eq!(
            found[0].advice,
            "2 of 4 people get a further segment for at most 3 characters; shorten the text by 3 characters"
        );
        let shorter = format!("{}{{{{x}}}}", "a".repeat(155));
        assert_eq!(recount(&body, &shorter, &values), found[0].segments);
    }

    #[test]
    fn a_few_people_just_over_a_segment_are_no_reason_to_rewrite() {
        let body = format!("{}{{{{x}}}}", "a".repeat(158));
        let mut values = vec!["1"; 99];
        values.push("123");
        assert_eq!(savings(&body, &values), []);
    }
}
