//! Message texts with `{{placeholder}}`s. No logic: registered Indian templates have slots only.

mod approved;

use crate::message::Category;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a recipient's placeholders stand for.
pub type Variables = BTreeMap<String, String>;

/// The placeholders Dakiya fills itself: `{{brand}}` and `{{opt_out_url}}`.
pub const BUILT_IN: [&str; 2] = ["brand", "opt_out_url"];

/// Twilio refuses longer bodies (error 21617).
pub const MAX_BODY_CHARACTERS: usize = 1_600;

/// A parsed text: literal parts and slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Slot(String),
}

/// A text that is not a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// `{{` without `}}`.
    #[error("\"{{{{\" at character {at} is never closed; write placeholders as {{{{name}}}}")]
    Unclosed {
        /// Character position, from 1.
        at: usize,
    },
    /// A slot's name has a character it may not have, or none.
    #[error("\"{name}\" at character {at} is not a placeholder's name; use letters, digits and _")]
    Name {
        /// What stood between the braces.
        name: String,
        /// Character position of the braces, from 1.
        at: usize,
    },
    /// Nothing to send.
    #[error("the message has no text")]
    Empty,
}

/// A slot without a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no value for the placeholder \"{name}\"")]
pub struct MissingVariable {
    /// The slot.
    pub name: String,
}

/// A template's DLT registration, kept as it was given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dlt {
    /// The registered entity.
    #[serde(default)]
    pub entity_id: Option<String>,
    /// The registered template.
    #[serde(default)]
    pub template_id: Option<String>,
    /// The header it is linked to.
    #[serde(default)]
    pub header: Option<String>,
}

/// A text longer than Twilio takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Too long: {characters} characters, at most {MAX_BODY_CHARACTERS}")]
pub struct BodyTooLong {
    /// How long it is.
    pub characters: usize,
}

/// Refuses a rendered text that Twilio would refuse for its length.
pub fn check_length(body: &str) -> Result<(), BodyTooLong> {
    // A character is at least a byte, so most texts need no counting.
    let characters = if body.len() <= MAX_BODY_CHARACTERS { 0 } else { body.chars().count() };
    if characters > MAX_BODY_CHARACTERS { Err(BodyTooLong { characters }) } else { Ok(()) }
}

/// Something a person should know while writing a text. None of them forbids saving it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Concern {
    /// People, and Indian rules, want to see who writes.
    #[error("The brand name is missing; add {{{{brand}}}}")]
    BrandMissing,
    /// Promotional, and no way to stop such messages.
    #[error("Promotional messages must say how to stop them; add {{{{opt_out_url}}}}")]
    OptOutMissing,
    /// A slot nobody will fill.
    #[error("Nothing is known as {{{{{name}}}}}")]
    UnknownPlaceholder {
        /// The slot.
        name: String,
    },
    /// Too long even before the slots are filled.
    #[error(transparent)]
    TooLong(#[from] BodyTooLong),
}

impl Template {
    /// Parses a text. Spaces inside the braces do not matter, nor does the case of names: they become lower-case.
    pub fn parse(text: &str) -> Result<Template, TemplateError> {
        if text.trim().is_empty() {
            return Err(TemplateError::Empty);
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, opened)) = rest.split_once("{{") {
            let at = || text[..text.len() - opened.len() - 2].chars().count() + 1;
            let Some((inside, after)) = opened.split_once("}}") else {
                return Err(TemplateError::Unclosed { at: at() });
            };
            let name = inside.trim();
            if !is_name(name) {
                return Err(TemplateError::Name { name: name.to_owned(), at: at() });
            }
            push_text(&mut parts, before);
            parts.push(Part::Slot(name.to_lowercase()));
            rest = after;
        }
        push_text(&mut parts, rest);
        Ok(Template { parts })
    }

    /// The placeholders, each once, in the order they first appear; built-in ones included.
    pub fn placeholders(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for part in &self.parts {
            match part {
                Part::Slot(name) if !names.contains(&name.as_str()) => names.push(name.as_str()),
                _ => {}
            }
        }
        names
    }

    /// The placeholders that are neither built in nor among those known.
    pub fn unknown_placeholders(&self, known: &[&str]) -> Vec<&str> {
        let is_known =
            |name: &&str| BUILT_IN.contains(name) || known.iter().any(|it| it.eq_ignore_ascii_case(name));
        self.placeholders().into_iter().filter(|name| !is_known(name)).collect()
    }

    /// The text with every slot filled. A value may be empty, not missing. Values are never parsed again.
    pub fn render(&self, variables: &Variables) -> Result<String, MissingVariable> {
        let mut body = String::new();
        self.render_into(&mut body, |name| value_of(variables, name))?;
        Ok(body)
    }

    /// Like [`Self::render`], into a buffer that a loop over many recipients can use again; its content is
    /// replaced. `value` gives what a placeholder stands for.
    pub fn render_into<'v>(
        &self,
        body: &mut String,
        value: impl Fn(&str) -> Option<&'v str>,
    ) -> Result<(), MissingVariable> {
        body.clear();
        for part in &self.parts {
            match part {
                Part::Text(text) => body.push_str(text),
                Part::Slot(name) => {
                    body.push_str(value(name).ok_or_else(|| MissingVariable { name: name.clone() })?);
                }
            }
        }
        Ok(())
    }

    /// The values that a text of this template was made with; `None` if it was not. Where several readings fit, the one with
    /// the shortest values first.
    pub fn read(&self, body: &str) -> Option<Variables> {
        let mut values = Variables::new();
        let mut rest = body;
        for (index, part) in self.parts.iter().enumerate() {
            match part {
                Part::Text(text) => rest = rest.strip_prefix(text.as_str())?,
                Part::Slot(name) => {
                    let end = match (values.get(name), self.parts.get(index + 1)) {
                        (Some(known), _) => known.len(),
                        (None, None) => rest.len(),
                        (None, Some(Part::Slot(_))) => 0,
                        // The last words stand at the end, whatever a value before them says.
                        (None, Some(Part::Text(text))) if index + 2 == self.parts.len() => {
                            rest.strip_suffix(text.as_str())?.len()
                        }
                        (None, Some(Part::Text(text))) => rest.find(text.as_str())?,
                    };
                    values.insert(name.clone(), rest.get(..end)?.to_owned());
                    rest = rest.get(end..)?;
                }
            }
        }
        let told = self.render(&values).ok()?;
        (rest.is_empty() && told == body).then_some(values)
    }

    /// The text with some slots filled and the others left open, written out as people write templates. A value that
    /// would itself be read as a slot stays open.
    pub fn fill_some<'v>(&self, value: impl Fn(&str) -> Option<&'v str>) -> String {
        let filled = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Slot(name) => match value(name).filter(|value| !value.contains("{{")) {
                Some(value) => value.to_owned(),
                None => format!("{{{{{name}}}}}"),
            },
        };
        self.parts.iter().map(filled).collect()
    }

    /// What a person writing the text should know. `known` names what an audience can fill; `None` when there is no
    /// audience yet.
    pub fn concerns(&self, category: Category, brand: &str, known: Option<&[&str]>) -> Vec<Concern> {
        let mut found = Vec::new();
        if !self.has_slot("brand") && !self.says(brand) {
            found.push(Concern::BrandMissing);
        }
        if category == Category::Promotional && !self.has_slot("opt_out_url") {
            found.push(Concern::OptOutMissing);
        }
        for name in known.map(|known| self.unknown_placeholders(known)).unwrap_or_default() {
            found.push(Concern::UnknownPlaceholder { name: name.to_owned() });
        }
        found.extend(check_length(&self.literal_text()).err().map(Concern::TooLong));
        found
    }

    /// The same text with its fixed words changed and its slots kept, written out as people write templates.
    pub fn with_text(&self, change: impl Fn(&str) -> String) -> String {
        let written = |part: &Part| match part {
            Part::Text(text) => change(text),
            Part::Slot(name) => format!("{{{{{name}}}}}"),
        };
        self.parts.iter().map(written).collect()
    }

    fn has_slot(&self, wanted: &str) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Slot(name) if name == wanted))
    }

    fn says(&self, words: &str) -> bool {
        self.literal_text().to_lowercase().contains(&words.to_lowercase())
    }

    fn literal_text(&self) -> String {
        let literal = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Slot(_) => String::new(),
        };
        self.parts.iter().map(literal).collect()
    }
}

/// A column's or attribute's name as a placeholder: `Request ID` is `request_id`.
pub fn placeholder_name(column: &str) -> String {
    let lower = column.trim().to_lowercase();
    lower.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

fn push_text(parts: &mut Vec<Part>, text: &str) {
    if !text.is_empty() {
        parts.push(Part::Text(text.to_owned()));
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// A placeholder's value; names given by an API client may differ in case.
pub fn value_of<'v>(variables: &'v Variables, name: &str) -> Option<&'v str> {
    let in_any_case =
        || variables.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    variables.get(name).or_else(in_any_case).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn template(text: &str) -> Template {
        Template::parse(text).unwrap()
    }

    fn variables(pairs: &[(&str, &str)]) -> Variables {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn slots_are_filled_once_and_values_are_never_parsed() {
        let reminder = template("{{brand}}: Rs.{{ amount }} due. Pay: {{Pay_Url}} {{amount}}");
        assert_eq!(reminder.placeholders(), ["brand", "amount", "pay_url"]);
        let values =
            variables(&[("brand", "{{amount}}"), ("amount", ""), ("PAY_URL", "https://x.in/?r=1}}")]);
        assert_eq!(reminder.render(&values).unwrap(), "{{amount}}: Rs. due. Pay: https://x.in/?r=1}} ");
    }

    #[test]
    fn a_column_fills_the_placeholder_people_would_write_for_it() {
        assert_eq!(placeholder_name(" Request ID "), "request_id");
        assert_eq!(placeholder_name("pay-url"), "pay_url");
    }

    #[test]
    fn a_text_tells_the_values_it_was_made_with() {
        let reminder = template("{{brand}}: {{name}}, Rs.{{amount}} is due. {{brand}}");
        let read = |body: &str| reminder.read(body);
        let values = variables(&[("brand", "VehicAid"), ("name", "Rao, A"), ("amount", "1,499")]);
        assert_eq!(read("VehicAid: Rao, A, Rs.1,499 is due. VehicAid"), Some(values));
        assert_eq!(read("VehicAid: Rao, Rs.1 is due. Other"), None, "one placeholder, one value");
        assert_eq!(read("VehicAid: Rao owes Rs.1"), None);
        assert_eq!(template("Rs.{{amount}}.").read("Rs.5. Rs.6."), Some(variables(&[("amount", "5. Rs.6")])));
    }

    #[test]
    fn a_missing_value_is_named() {
        let missing = template("{{a}} {{b}}").render(&variables(&[("a", "1")])).unwrap_err();
        assert_eq!(missing.to_string(), "no value for the placeholder \"b\"");
    }

    #[test]
    fn mistakes_are_shown_where_they_are() {
        for (text, words) in [
            ("", "the message has no text"),
            (" \n", "the message has no text"),
            ("₹ {{a}} {{b", "\"{{\" at character 9 is never closed; write placeholders as {{name}}"),
            (
                "Hi {{first name}}",
                "\"first name\" at character 4 is not a placeholder's name; use letters, digits and _",
            ),
            ("{{}}", "\"\" at character 1 is not a placeholder's name; use letters, digits and _"),
            ("{{{a}}}", "\"{a\" at character 1 is not a placeholder's name; use letters, digits and _"),
        ] {
            assert_eq!(Template::parse(text).unwrap_err().to_string(), words, "{text}");
        }
        assert_eq!(template("a } b }} {c}").render(&Variables::new()).unwrap(), "a } b }} {c}");
    }

    #[test]
    fn the_editor_names_what_is_missing() {
        let offer = template("20% off at VEHICAID for {{name}}, {{car}}");
        assert_eq!(
            offer.concerns(Category::Promotional, "VehicAid", Some(&["Name"])),
            [Concern::OptOutMissing, Concern::UnknownPlaceholder { name: "car".to_owned() }]
        );
        assert_eq!(template("Paid.").concerns(Category::Service, "VehicAid", None), [Concern::BrandMissing]);
        let complete = template("{{brand}}: offer. Stop: {{opt_out_url}}");
        assert_eq!(complete.concerns(Category::Promotional, "VehicAid", Some(&[])), []);
    }

    #[test]
    fn bodies_end_at_1600_characters_of_any_alphabet() {
        assert_eq!(check_length(&"क".repeat(1_600)), Ok(()));
        assert_eq!(check_length(&"a".repeat(1_601)), Err(BodyTooLong { characters: 1_601 }));
    }

    proptest! {
        #[test]
        fn text_without_braces_is_sent_as_it_is(text in "[^{}]{0,80}[a-z]") {
            prop_assert_eq!(template(&text).render(&Variables::new()).unwrap(), text);
        }

        #[test]
        fn values_that_are_read_make_the_same_text_again(
            before in "[a-z ]{0,6}", between in "[a-z:,]{1,3}", a in "\\PC{0,12}", b in "\\PC{0,12}",
        ) {
            let text = template(&format!("{before}{{{{a}}}}{between}{{{{b}}}}."));
            let body = text.render(&variables(&[("a", &a), ("b", &b)])).unwrap();
            let read = text.read(&body);
            prop_assert!(read.is_some(), "{} is not read", body);
            prop_assert_eq!(text.render(&read.unwrap()).unwrap(), body);
        }

        #[test]
        fn any_text_parses_or_says_why(text in "(?s).{0,10}(\\{\\{|\\}\\}|[a-z ]){0,12}.{0,10}") {
            if let Ok(parsed) = Template::parse(&text) {
                let again = Template::parse(&parsed.with_text(str::to_owned));
                prop_assert_eq!(again.as_ref(), Ok(&parsed));
            }
        }
    }
}
