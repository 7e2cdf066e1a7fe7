//! Data that is the same in every run: made from a seed.

use harness::seeded::Seeded;

/// The ten digits of an Indian mobile number that no other index has.
pub fn national(index: u64) -> String {
    format!("98{:08}", index % 100_000_000)
}

/// One number as Indian lists write it, now and then damaged.
pub fn dirty_number(random: &mut Seeded) -> String {
    let start = random.one_of(&["98", "97", "99", "90", "91", "88", "70", "63"]);
    let digits = format!("{start}{:08}", random.below(100_000_000));
    match random.below(20) {
        0..=6 => digits,
        7..=9 => format!("+91{digits}"),
        10 | 11 => format!("+91 {} {}", &digits[..5], &digits[5..]),
        12 => format!("0{digits}"),
        13 => format!("91{digits}"),
        14 => format!("+91-{}-{}", &digits[..5], &digits[5..]),
        15 => format!("{}-{}-{}", &digits[..3], &digits[3..6], &digits[6..]),
        16 => format!("{digits}.0"),
        17 => format!("{}E+11", &digits[..6]),
        18 => digits[..8].to_owned(),
        _ => digits.replace('9', "O"),
    }
}

/// Texts of every kind that is sent: short, long, Hindi, with a rupee sign, with emoji.
pub fn body(random: &mut Seeded) -> String {
    let name = name(random);
    match random.below(10) {
        0..=3 => format!("VehicAid: hello {name}, request {} was received.", random.below(1_000_000)),
        4 | 5 => format!(
            "VehicAid: dear {name}, Rs.{} is due on 12 Dec for your towing service. Pay at https://pay.example.in/{} \
             or answer this message. Thank you for choosing us, and drive safely on the way home today.",
            random.below(100_000),
            random.below(1_000_000)
        ),
        6 => format!("Pay \u{20b9}{} today, {name}", random.below(10_000)),
        7 | 8 => {
            format!("नमस्ते {name}, आपकी गाड़ी तैयार है। कृपया शाम छह बजे से पहले ले जाएँ। धन्यवाद, आपका दिन शुभ हो।")
        }
        _ => format!("{name}, your mechanic is near \u{1F697}\u{1F527}! [track] {{live}}"),
    }
}

/// A first name.
pub fn name(random: &mut Seeded) -> &'static str {
    random.one_of(&[
        "Asha", "Ravi", "Meera", "Arjun", "Lakshmi", "Imran", "Zoë", "Harpreet", "Anjali", "Vikram",
    ])
}
