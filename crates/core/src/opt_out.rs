//! Who asked not to be messaged, and how people say so.

use crate::encoding::smart_encode;
use crate::message::Category;
use crate::worded_enum;
use std::collections::HashMap;
use std::sync::LazyLock;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_security::skeleton;

worded_enum! {
    /// What an opt-out stops.
    OptOutScope {
        /// Every message.
        All = "all",
        /// Promotional messages alone.
        Promotional = "promotional",
    }
}

impl OptOutScope {
    /// Whether an opt-out of this scope stops a message of a category.
    pub const fn covers(self, category: Category) -> bool {
        match self {
            OptOutScope::All => true,
            OptOutScope::Promotional => matches!(category, Category::Promotional),
        }
    }
}

worded_enum! {
    /// How we learned of it.
    OptOutSource {
        /// The public opt-out page.
        Link = "link",
        /// A reply by SMS.
        Sms = "sms",
        /// A reply by WhatsApp.
        Whatsapp = "whatsapp",
        /// A Twilio error that means it.
        TwilioError = "twilio_error",
        /// A person, in the browser.
        Person = "person",
        /// An imported file.
        Csv = "csv",
        /// The API.
        Api = "api",
    }
}

worded_enum! {
    /// What an entry of the history did.
    OptOutAction {
        /// Stopped messages.
        OptOut = "opt_out",
        /// Allowed them again.
        OptIn = "opt_in",
    }
}

worded_enum! {
    /// What an incoming text asks for.
    Keyword {
        /// No more messages.
        Stop = "stop",
        /// Messages again.
        Start = "start",
        /// Who is this?
        Help = "help",
    }
}

/// Reads an incoming text as a keyword: the whole message, whatever its case, punctuation, width of letters or
/// look-alike letters, in English, Hindi and other Indian languages. `None`: ordinary text.
pub fn keyword(text: &str) -> Option<Keyword> {
    if text.len() > LONGEST_KEYWORD_TEXT {
        return None;
    }
    let words = words(text);
    let whole = words.concat();
    folded_keyword(&whole).or_else(|| {
        // "STOP STOP", "Stop. Unsubscribe!": every word says the same.
        let mut kinds = words.iter().map(|word| folded_keyword(word));
        let first = kinds.next()??;
        kinds.all(|kind| kind == Some(first)).then_some(first)
    })
}

/// A keyword with all the ornaments people add is shorter; ordinary long texts are not examined.
const LONGEST_KEYWORD_TEXT: usize = 400;

/// What each keyword is written like, without spaces. The first of each kind are Twilio's own ("Default keywords"
/// of its opt-out support); the Indian ones want a native speaker's review.
#[rustfmt::skip]
const KEYWORDS: [(Keyword, &[&str]); 3] = [
    (
        Keyword::Stop,
        &[
            "stop", "unsubscribe", "end", "quit", "stopall", "revoke", "optout", "cancel",
            "bandkaro", "bandkaren", "roko",
            "बंद", "बन्द", "बंदकरो", "बंदकरें", "बन्दकरो", "बन्दकरें", "रोको", "रोकें", "रुको",
            "थांबवा", "थांबा", "बंदकरा",
            "நிறுத்து", "நிறுத்துங்கள்", "நிறுத்தவும்",
            "ఆపు", "ఆపండి", "ఆపివేయండి",
            "বন্ধ", "বন্ধকরুন", "বন্ধকরো", "থামুন", "থামাও", "বন্ধকৰক",
            "બંધ", "બંધકરો", "રોકો",
            "ನಿಲ್ಲಿಸಿ", "ನಿಲ್ಲಿಸು",
            "നിർത്തുക", "നിർത്തൂ", "നിർത്ത്",
            "ਬੰਦ", "ਬੰਦਕਰੋ", "ਰੋਕੋ",
            "ବନ୍ଦ", "ବନ୍ଦକରନ୍ତୁ",
            "بند", "بندکرو", "بندکریں", "روکو",
        ],
    ),
    (
        Keyword::Start,
        &[
            "start", "yes", "unstop", "optin",
            "शुरू", "शुरु", "शुरूकरो", "शुरूकरें", "चालू", "सुरू", "सुरूकरा",
            "தொடங்கு", "ప్రారంభించు", "ప్రారంభించండి", "শুরু", "শুরুকরুন", "চালু", "શરૂ", "શરૂકરો", "ચાલુ",
            "ಪ್ರಾರಂಭಿಸಿ", "തുടങ്ങുക", "ਸ਼ੁਰੂ", "ਸ਼ੁਰੂਕਰੋ", "ଆରମ୍ଭ", "شروع",
        ],
    ),
    (
        Keyword::Help,
        &[
            "help", "info",
            "मदद", "सहायता", "मदत", "जानकारी", "माहिती",
            "உதவி", "సహాయం", "সাহায্য", "મદદ", "ಸಹಾಯ", "സഹായം", "ਮਦਦ", "ସାହାଯ୍ୟ", "مدد",
        ],
    ),
];

static FOLDED: LazyLock<HashMap<String, Keyword>> = LazyLock::new(|| {
    KEYWORDS.iter().flat_map(|(kind, words)| words.iter().map(|word| (fold(word), *kind))).collect()
});

fn folded_keyword(word: &str) -> Option<Keyword> {
    FOLDED.get(&fold(word)).copied()
}

/// The words of a text: letters, digits and the marks that belong to them. Punctuation and emoji only part them.
fn words(text: &str) -> Vec<String> {
    let normal: String = text.nfkc().filter(|c| !is_joiner(*c)).collect();
    let is_letter = |c: char| c.is_alphanumeric() || is_combining_mark(c);
    normal.split(|c| !is_letter(c)).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// What stands inside words without being seen.
fn is_joiner(character: char) -> bool {
    matches!(character, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}')
}

/// One spelling for all words that look alike: Cyrillic `ЅТОР`, small capitals, `ST0P`, `QU1T`.
fn fold(word: &str) -> String {
    let normal: String = word.nfkc().collect();
    let skeleton: String = skeleton(&normal).collect();
    let lower = smart_encode(&skeleton).to_lowercase();
    lower
        .nfkd()
        .map(|c| {
            if matches!(c, 'l' | '1' | '|') {
                'i'
            } else if c == '0' {
                'o'
            } else {
                c
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_listed_word_is_understood_however_it_is_written() {
        for (kind, words) in KEYWORDS {
            for word in words {
                for text in [
                    word.to_string(),
                    word.to_uppercase(),
                    format!(" \"{word}\"!! 🛑\n"),
                    format!("{word} {word}"),
                ] {
                    assert_eq!(keyword(&text), Some(kind), "{text}");
                }
            }
        }
    }

    #[test]
    fn disguised_letters_are_seen_through() {
        for text in [
            "ＳＴＯＰ",
            "ЅТОР",
            "sтop",
            "ST0P",
            "S.T.O.P.",
            "s t o p",
            "𝐒𝐓𝐎𝐏",
            "ⓢⓣⓞⓟ",
            "ꜱᴛᴏᴘ",
            "S\u{200B}TOP",
            "Ｏｐｔ－Ｏｕｔ",
            "OPT OUT",
            "Stop all",
            "qu1t",
            "QUIT",
            "Cancel",
            "बंद करो",
            "बंद!",
            "Stop. Unsubscribe.",
            "STOP👍🏽",
        ] {
            assert_eq!(keyword(text), Some(Keyword::Stop), "{text}");
        }
        assert_eq!(keyword("НЕLР"), Some(Keyword::Help), "Cyrillic letters");
    }

    #[test]
    fn ordinary_sentences_are_not_keywords() {
        for text in [
            "",
            "?",
            "👍",
            "Please stop by at 5",
            "do not stop",
            "The bus stop",
            "when does it end",
            "I need help with my car",
            "yes please come",
            "No",
            "stopped",
            "STOP START",
            "गाड़ी बंद है",
            "मेरी गाड़ी बंद हो गई",
            "start the car",
            "tap",
            "1",
            "help stop",
        ] {
            assert_eq!(keyword(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_can_be_read(text in any::<String>()) {
            let _ = keyword(&text);
        }
    }
}
