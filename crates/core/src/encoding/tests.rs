//! Segments as Twilio counts them.

use super::*;
use proptest::prelude::*;

#[derive(serde::Deserialize)]
struct Published {
    vectors: Vec<Vector>,
}

#[derive(serde::Deserialize)]
struct Vector {
    id: String,
    text: String,
    smart_encoding: bool,
    encoding: Encoding,
    segments: u32,
    units: u32,
}

#[derive(serde::Deserialize)]
struct Calculated {
    text: String,
    smart_encoding: bool,
    encoding: Encoding,
    /// Bytes of text in each segment.
    lengths: Vec<usize>,
}

fn as_sent(text: &str, smart: bool) -> String {
    if smart { smart_encode(text).into_owned() } else { text.to_owned() }
}

#[test]
fn every_published_vector_is_counted_as_twilio_counts_it() {
    let published: Published =
        serde_json::from_str(include_str!("../../tests/data/segments_vectors.json")).unwrap();
    assert!(published.vectors.len() >= 120);
    for vector in published.vectors {
        let found = measure(&as_sent(&vector.text, vector.smart_encoding));
        let expected = (vector.encoding, Segments(vector.segments), vector.units);
        assert_eq!((found.encoding, found.segments, found.units), expected, "{}", vector.id);
    }
}

#[test]
fn segments_begin_where_twilios_calculator_begins_them() {
    let calculated: Vec<Calculated> =
        serde_json::from_str(include_str!("../../tests/data/calculator_vectors.json")).unwrap();
    for vector in calculated {
        let text = as_sent(&vector.text, vector.smart_encoding);
        let found = measure(&text);
        assert_eq!(
            (found.encoding, found.segments.0 as usize),
            (vector.encoding, vector.lengths.len()),
            "{text:?}"
        );
        let mut begin = 0;
        let begins = vector.lengths[..vector.lengths.len() - 1].iter().map(|length| {
            begin += length;
            begin
        });
        assert_eq!(cuts(&text), begins.collect::<Vec<_>>(), "{text:?}");
    }
}

#[test]
fn one_segment_ends_at_160_septets_and_at_70_units() {
    for (text, segments, left) in [
        (String::new(), 1, 160),
        ("a".repeat(160), 1, 0),
        ("a".repeat(161), 2, 145),
        ("€".repeat(80), 1, 0),
        (format!("{}€", "a".repeat(159)), 2, 145),
        ("€".repeat(77), 1, 6),
        (format!("{}{}", "a".repeat(152), "€".repeat(5)), 2, 143),
        ("₹".repeat(70), 1, 0),
        ("₹".repeat(71), 2, 63),
        ("😀".repeat(35), 1, 0),
    ] {
        let found = measure(&text);
        assert_eq!((found.segments.0, found.units_left), (segments, left), "{text}");
    }
}

#[test]
fn the_rupee_sign_doubles_the_price_of_a_payment_reminder() {
    let with_sign = "VehicAid: Payment pending for Request #123. Amount: ₹500. Pay now: vehicaid.com/pay/123";
    assert_eq!((measure(with_sign).encoding, measure(with_sign).segments), (Encoding::Ucs2, Segments(2)));
    let without = with_sign.replace('₹', RUPEES_IN_GSM7);
    assert_eq!((measure(&without).encoding, measure(&without).segments), (Encoding::Gsm7, Segments(1)));
    let forcing = forcing_characters(with_sign);
    assert_eq!(forcing, [ForcingCharacter { character: '₹', count: 1, replacement: Some("Rs.") }]);
}

#[test]
fn whatsapp_bills_the_message_and_sms_the_segment() {
    let long = "a".repeat(400);
    assert_eq!(billed_units(Channel::Whatsapp, &long), Segments(1));
    assert_eq!(billed_units(Channel::Sms, &long), Segments(3));
}

#[test]
fn smart_encoding_leaves_plain_text_and_other_alphabets_alone() {
    assert!(matches!(smart_encode("Plain, 100% plain!\r\n"), std::borrow::Cow::Borrowed(_)));
    assert!(matches!(smart_encode("नमस्ते ₹5"), std::borrow::Cow::Borrowed(_)));
    assert_eq!(smart_encode("“It’s” … `x`\t\u{200B}"), "\"It's\" ... 'x'       ");
}

proptest! {
    #[test]
    fn measuring_agrees_with_the_cuts_and_cuts_are_character_boundaries(text in "(?s)[a-z€\r\n₹कि्😀\u{1F1EE}\u{FE0F}\u{200D}ம்]{0,400}") {
        let found = measure(&text);
        let cuts = cuts(&text);
        prop_assert_eq!(found.segments.0 as usize, cuts.len() + 1);
        prop_assert!(cuts.iter().all(|cut| text.is_char_boundary(*cut)));
        prop_assert!(cuts.is_sorted());
    }

    #[test]
    fn any_text_can_be_measured(text in any::<String>()) {
        let found = measure(&text);
        prop_assert!(found.segments.0 >= 1);
        prop_assert_eq!(found.encoding == Encoding::Ucs2, !forcing_characters(&text).is_empty());
    }
}
