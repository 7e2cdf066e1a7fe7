//! What the savings finder asks: the traffic of templates, a look at their latest texts, numbers that never take a message;
//! and what was done about them.

mod fixes;
mod waste;

pub use fixes::{Fix, FixError, TemplateFix, fix_template, fixes, spared, suppress, unreachable};
pub use waste::{DeadNumber, SentText, dead_numbers, latest_texts, on_whatsapp, template_traffic};
