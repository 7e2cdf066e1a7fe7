//! How many message bodies are counted in a second, beside a naive scan that knows no grapheme clusters.

use dakiya_core::encoding::measure;
use divan::counter::{BytesCount, ItemsCount};

const BODIES: usize = 10_000;

fn main() {
    divan::main();
}

const GSM7: &str =
    "VehicAid: Payment pending for request SR-00471. Amount: Rs.1,250. Pay here: https://vehicaid.com/pay?r=";
const RUPEE: &str = "VehicAid: Payment pending for Request #123. Amount: ₹500. Pay now: vehicaid.com/pay/";
const HINDI: &str =
    "VehicAid: अनुरोध SR-00471 का भुगतान बाकी है। राशि: ₹1,250। यहाँ भुगतान करें: https://vehicaid.com/pay?r=";
const TAMIL: &str =
    "VehicAid: உங்கள் கோரிக்கைக்கான கட்டணம் நிலுவையில் உள்ளது. தொகை: ₹1,250. செலுத்த: https://vehicaid.com/pay?r=";
const EMOJI: &str = "Your mechanic is on the way 🚗👍🏽 Track: https://vehicaid.com/t?r=";
const LONG: &str = "Dear customer, your vehicle's yearly service is due. Book a slot at our workshop in Pune and get the pick-up \
                    and drop included. Call us or use the link, we are open on all days {9-7}. https://vehicaid.com/b?r=";

/// Half of the bodies are plain English; the others are what Indian lists hold.
fn mixed() -> Vec<String> {
    let kinds = [GSM7, RUPEE, GSM7, HINDI, GSM7, TAMIL, GSM7, EMOJI, GSM7, LONG];
    (0..BODIES).map(|at| format!("{}{at}", kinds[at % kinds.len()])).collect()
}

fn one_kind(body: &str) -> Vec<String> {
    (0..BODIES).map(|at| format!("{body}{at}")).collect()
}

fn total(bodies: &[String], segments: impl Fn(&str) -> u32) -> u32 {
    bodies.iter().map(|body| segments(body)).sum()
}

fn run(bencher: divan::Bencher<'_, '_>, bodies: &[String], segments: impl Fn(&str) -> u32 + Sync) {
    let bytes: usize = bodies.iter().map(String::len).sum();
    bencher
        .counter(ItemsCount::new(BODIES))
        .counter(BytesCount::new(bytes))
        .bench(|| total(divan::black_box(bodies), &segments));
}

#[divan::bench]
fn mixed_bodies(bencher: divan::Bencher<'_, '_>) {
    run(bencher, &mixed(), |body| measure(body).segments.0);
}

/// Code point by code point through a table, then a division: what a quick implementation does, wrong for clusters.
#[divan::bench]
fn mixed_bodies_naive_scan(bencher: divan::Bencher<'_, '_>) {
    let mut costs = [0_u8; 0x400];
    let basic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
    basic.chars().for_each(|c| costs[c as usize] = 1);
    "\u{C}^{}\\[~]|".chars().for_each(|c| costs[c as usize] = 2);
    run(bencher, &mixed(), |body| {
        let (mut septets, mut units, mut gsm7) = (0_u32, 0_u32, true);
        for character in body.chars() {
            let cost =
                if character == '€' { 2 } else { costs.get(character as usize).copied().unwrap_or(0) };
            gsm7 &= cost > 0;
            septets += u32::from(cost);
            units += character.len_utf16() as u32;
        }
        match (gsm7, septets, units) {
            (true, ..=160, _) | (false, _, ..=70) => 1,
            (true, septets, _) => septets.div_ceil(153),
            (false, _, units) => units.div_ceil(67),
        }
    });
}

#[divan::bench(args = [GSM7, RUPEE, HINDI, TAMIL, EMOJI, LONG])]
fn one_body(bencher: divan::Bencher<'_, '_>, body: &str) {
    run(bencher, &one_kind(body), |body| measure(body).segments.0);
}
