//! What is checked before something can go, as a list people read.

use crate::pages::preview::own_placeholders;
use dakiya_core::message::Category;
use dakiya_core::template::{MAX_BODY_CHARACTERS, Template};

/// One line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gate {
    /// `ok`, `warn` (can go, but look) or `bad` (cannot go).
    pub(crate) level: &'static str,
    pub(crate) words: String,
}

impl Gate {
    /// Nothing to worry about.
    pub(crate) fn ok(words: impl Into<String>) -> Gate {
        Gate { level: "ok", words: words.into() }
    }

    /// Can go, but somebody should look.
    pub(crate) fn warn(words: impl Into<String>) -> Gate {
        Gate { level: "warn", words: words.into() }
    }

    /// Cannot go.
    pub(crate) fn bad(words: impl Into<String>) -> Gate {
        Gate { level: "bad", words: words.into() }
    }

    /// A shape that carries the level without colour.
    pub(crate) fn mark(&self) -> &'static str {
        match self.level {
            "ok" => "✓",
            "warn" => "◆",
            _ => "■",
        }
    }

    /// The level for those who do not see the shape.
    pub(crate) fn spoken(&self) -> &'static str {
        match self.level {
            "ok" => "Fine",
            "warn" => "Attention",
            _ => "Blocks sending",
        }
    }
}

/// What can be said of a text before there is an audience.
pub(crate) fn of_text(template: &Template, body: &str, category: Category, brand: &str) -> Vec<Gate> {
    let placeholders = template.placeholders();
    let mut gates = Vec::new();
    let own = own_placeholders(template);
    gates.push(if own.is_empty() {
        Gate::ok("Says the same to everyone")
    } else {
        Gate::ok(format!("Each row must bring: {}", own.join(", ")))
    });
    gates.push(if placeholders.contains(&"brand") || body.contains(brand) {
        Gate::ok("Says who it is from")
    } else {
        Gate::warn(format!("Does not say who it is from; add {{{{brand}}}} or {brand}"))
    });
    if category == Category::Promotional {
        gates.push(if placeholders.contains(&"opt_out_url") || body.to_uppercase().contains("STOP") {
            Gate::ok("Says how to stop such messages")
        } else {
            Gate::bad("Promotional, and does not say how to stop such messages; add {{opt_out_url}}")
        });
    }
    if let Some(shortener) =
        ["bit.ly/", "tinyurl.com/", "goo.gl/", "t.co/", "is.gd/"].iter().find(|known| body.contains(**known))
    {
        gates.push(Gate::warn(format!(
            "Has a shortened link ({}), which carriers block",
            shortener.trim_end_matches('/')
        )));
    }
    gates
}

/// Whether Twilio takes a rendered text at all.
pub(crate) fn of_length(characters: usize) -> Option<Gate> {
    (characters > MAX_BODY_CHARACTERS)
        .then(|| Gate::bad(format!("{characters} characters; Twilio takes at most 1,600")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promotional_text_must_say_how_to_stop() {
        let levels = |body: &str| {
            of_text(&Template::parse(body).unwrap(), body, Category::Promotional, "VehicAid")
                .iter()
                .map(|gate| gate.level)
                .collect::<Vec<_>>()
        };
        assert!(levels("VehicAid: sale").contains(&"bad"));
        assert!(!levels("VehicAid: sale {{opt_out_url}}").contains(&"bad"));
    }
}
