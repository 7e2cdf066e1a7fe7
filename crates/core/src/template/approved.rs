//! What goes to Twilio in place of a text whose wording WhatsApp approved.

use super::{Template, Variables};

impl Template {
    /// The values with which an approved template says `body`: `"1"` stands for the placeholder that appears first in this
    /// text, `"2"` for the next one. `None` when `body` was not made of this text.
    ///
    /// Where several readings fit they all say `body`, so it does not matter which one is sent.
    pub fn numbered_values(&self, body: &str) -> Option<Variables> {
        let mut values = self.read(body)?;
        let numbered = self.placeholders().into_iter().zip(1..);
        Some(
            numbered
                .map(|(name, number)| (number.to_string(), values.remove(name).unwrap_or_default()))
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn numbered(text: &str, body: &str) -> Option<Vec<(String, String)>> {
        Some(Template::parse(text).unwrap().numbered_values(body)?.into_iter().collect())
    }

    #[test]
    fn placeholders_are_numbered_as_they_first_appear() {
        let values =
            numbered("{{name}}, pay {{amount}} now. Bye {{ Name }}.", "Ravi, pay 1,499.00 now. Bye Ravi.")
                .unwrap();
        let told: Vec<_> = values.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(told, [("1", "Ravi"), ("2", "1,499.00")]);
        assert_eq!(numbered("No values.", "No values."), Some(Vec::new()));
    }

    #[test]
    fn a_text_of_another_template_has_no_values() {
        assert_eq!(numbered("Dear {{name}}, pay.", "Dear Ravi, thank you."), None);
    }

    proptest! {
        #[test]
        fn the_approved_template_says_the_same(
            values in prop::collection::vec("[a-z0-9 ,.]{0,12}", 3),
            words in prop::collection::vec("[A-Z ]{0,6}", 4),
        ) {
            let text = |slots: [&str; 3]| {
                let [first, second, third, fourth] = [0, 1, 2, 3].map(|at: usize| words[at].as_str());
                format!("x{first}{}{second}{}{third}{}{fourth}", slots[0], slots[1], slots[2])
            };
            let ours = Template::parse(&text(["{{a}}", "{{b}}", "{{c}}"])).unwrap();
            let body = text([0, 1, 2].map(|at| values[at].as_str()));
            if let Some(values) = ours.numbered_values(&body) {
                let theirs = Template::parse(&text(["{{1}}", "{{2}}", "{{3}}"])).unwrap();
                prop_assert_eq!(theirs.render(&values).unwrap(), body);
            }
        }
    }
}
