//! What surrounds every page: the menu, the mode, who is signed in; and times as people read them.

use crate::AppState;
use crate::auth::Person;
use crate::error::{PageError, PageResult};
use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use chrono::{Datelike, NaiveDate, Offset, TimeZone};
use chrono_tz::{OffsetName, Tz};
use dakiya_core::campaign::CampaignState;
use dakiya_core::time::Timestamp;
use dakiya_core::user::{Permission, Role};
use dakiya_store::Cursor;
use dakiya_store::campaigns;
use dakiya_store::sending::Halt;
use std::collections::HashMap;

/// Renders a page or a part of one.
pub(crate) fn html(template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => Html(text).into_response(),
        Err(error) => PageError::internal(&error).into_response(),
    }
}

/// The sign-in page that leads back to `next`.
pub(crate) fn sign_in_href(next: &str) -> String {
    if next == "/" { "/sign-in".to_owned() } else { href("/sign-in", &[("next", next)]) }
}

/// An address with a query; empty values are left out.
pub(crate) fn href(path: &str, query: &[(&str, &str)]) -> String {
    let mut pairs = url::form_urlencoded::Serializer::new(String::new());
    pairs.extend_pairs(query.iter().filter(|(_, value)| !value.is_empty()));
    let query = pairs.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// Where a list goes on, from its address.
pub(crate) fn cursor(query: &HashMap<String, String>) -> Option<Cursor> {
    query.get("cursor").filter(|cursor| !cursor.is_empty()).map(Cursor::new)
}

/// The pages of the menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Dashboard,
    Campaigns,
    Reminders,
    Templates,
    Contacts,
    Costs,
    Budgets,
    OptOuts,
    Messages,
    ApiKeys,
    Settings,
    /// The person's own password; not in the menu's groups.
    Account,
}

struct MenuItem {
    section: Section,
    href: &'static str,
    label: &'static str,
    needs: Permission,
}

struct MenuGroup {
    label: &'static str,
    items: &'static [MenuItem],
}

const fn item(section: Section, href: &'static str, label: &'static str, needs: Permission) -> MenuItem {
    MenuItem { section, href, label, needs }
}

static MENU: [MenuGroup; 4] = [
    MenuGroup {
        label: "Send",
        items: &[
            item(Section::Dashboard, "/", "Dashboard", Permission::View),
            item(Section::Campaigns, "/campaigns", "Campaigns", Permission::View),
            item(Section::Reminders, "/reminders", "Reminders", Permission::View),
            item(Section::Templates, "/templates", "Templates", Permission::View),
            item(Section::Contacts, "/contacts", "Contacts", Permission::View),
        ],
    },
    MenuGroup {
        label: "Money",
        items: &[
            item(Section::Costs, "/costs", "Cost projection", Permission::View),
            item(Section::Budgets, "/budgets", "Budgets and rates", Permission::View),
        ],
    },
    MenuGroup {
        label: "Records",
        items: &[
            item(Section::OptOuts, "/opt-outs", "Opt-outs", Permission::View),
            item(Section::Messages, "/messages", "Message log", Permission::View),
        ],
    },
    MenuGroup {
        label: "Set up",
        items: &[
            item(Section::ApiKeys, "/api-keys", "API keys", Permission::ManageSettings),
            item(Section::Settings, "/settings", "Team and settings", Permission::View),
        ],
    },
];

/// A group of the menu as one person sees it.
pub(crate) struct Group {
    pub(crate) label: &'static str,
    pub(crate) links: Vec<Link>,
}

/// One entry of the menu.
pub(crate) struct Link {
    pub(crate) href: &'static str,
    pub(crate) label: &'static str,
    pub(crate) current: bool,
    /// Said beside it, for instance `1 live`.
    pub(crate) note: String,
}

/// Everything around a page's own content.
pub(crate) struct Frame {
    pub(crate) asset_version: &'static str,
    pub(crate) brand: String,
    pub(crate) simulator: bool,
    /// How fast the clock runs; 1 outside a demo.
    pub(crate) speed: u32,
    /// Why nothing is sent at the moment, when nothing is.
    pub(crate) halted: Option<String>,
    pub(crate) menu: Vec<Group>,
    pub(crate) email: String,
    pub(crate) role: Role,
    pub(crate) csrf: String,
    pub(crate) zone: Zone,
    pub(crate) now: Timestamp,
}

impl Frame {
    /// The frame around a page of `section`, for this person, now.
    pub(crate) async fn of(app: &AppState, person: &Person, section: Section) -> PageResult<Frame> {
        let live = sending_campaigns(app).await?;
        let sending = dakiya_store::sending::state(&app.store).await?;
        let zone = Zone(app.config.timezone);
        Ok(Frame {
            asset_version: crate::assets::version(),
            brand: app.config.brand.clone(),
            simulator: app.config.simulated_people.is_some(),
            speed: app.clock.speed(),
            halted: sending.halted().map(|halt| halted_sentence(halt, zone)),
            menu: menu(person.role, section, live),
            email: person.email.clone(),
            role: person.role,
            csrf: person.csrf.clone(),
            zone,
            now: app.clock.now(),
        })
    }

    /// Whether the person may send.
    pub(crate) fn may_send(&self) -> bool {
        self.role.may(Permission::Send)
    }

    /// Whether the person may record money that came.
    pub(crate) fn may_record_payments(&self) -> bool {
        self.may_send() || self.role.may(Permission::ManageMoney)
    }

    /// Whether the person may halt all sending and let it go on.
    pub(crate) fn may_stop(&self) -> bool {
        self.role.may(Permission::StopSending)
    }

    /// Whether the person keeps opt-outs.
    pub(crate) fn may_keep_opt_outs(&self) -> bool {
        self.role.may(Permission::ManageOptOuts)
    }

    /// Whether the person sets budgets, rate cards and exchange rates.
    pub(crate) fn may_keep_money(&self) -> bool {
        self.role.may(Permission::ManageMoney)
    }

    /// Whether the person changes settings.
    pub(crate) fn may_set(&self) -> bool {
        self.role.may(Permission::ManageSettings)
    }

    /// The role as people say it.
    pub(crate) fn role_words(&self) -> &'static str {
        role_words(self.role)
    }
}

/// How many campaigns are going out; a hundred stands for all beyond.
pub(crate) async fn sending_campaigns(app: &AppState) -> PageResult<u64> {
    Ok(campaigns::list(&app.store, Some(CampaignState::Sending), None, 100).await?.items.len() as u64)
}

/// A role as people say it.
pub(crate) fn role_words(role: Role) -> &'static str {
    match role {
        Role::Owner => "Owner",
        Role::Admin => "Admin",
        Role::Finance => "Finance",
        Role::Compliance => "Compliance",
        Role::Viewer => "Viewer",
    }
}

fn halted_sentence(halt: &Halt, zone: Zone) -> String {
    format!("Since {}: {}", zone.when(&halt.since), halt.reason)
}

fn menu(role: Role, current: Section, live_campaigns: u64) -> Vec<Group> {
    let note = |section| match section {
        Section::Campaigns if live_campaigns > 0 => format!("{live_campaigns} live"),
        _ => String::new(),
    };
    let link = |item: &MenuItem| Link {
        href: item.href,
        label: item.label,
        current: item.section == current,
        note: note(item.section),
    };
    MENU.iter()
        .map(|group| Group {
            label: group.label,
            links: group.items.iter().filter(|item| role.may(item.needs)).map(link).collect(),
        })
        .filter(|group| !group.links.is_empty())
        .collect()
}

/// The zone in which pages show times.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Zone(pub(crate) Tz);

impl Zone {
    fn show(self, at: &Timestamp, format: &str) -> String {
        at.with_timezone(&self.0).format(format).to_string()
    }

    /// `Tue 18 Aug 2026, 17:45`
    pub(crate) fn when(self, at: &Timestamp) -> String {
        self.show(at, "%a %-d %b %Y, %H:%M")
    }

    /// `18 Aug 17:45:09`
    pub(crate) fn exact(self, at: &Timestamp) -> String {
        self.show(at, "%-d %b %H:%M:%S")
    }

    /// `17:45`
    pub(crate) fn time(self, at: &Timestamp) -> String {
        self.show(at, "%H:%M")
    }

    /// `17:45:09`
    pub(crate) fn time_exact(self, at: &Timestamp) -> String {
        self.show(at, "%H:%M:%S")
    }

    /// `18 Aug 2026`
    pub(crate) fn day(self, at: &Timestamp) -> String {
        self.show(at, "%-d %b %Y")
    }

    /// `18 Aug`
    pub(crate) fn short_day(self, at: &Timestamp) -> String {
        self.show(at, "%-d %b")
    }

    /// `Tuesday 18 August`
    pub(crate) fn long_day(self, at: &Timestamp) -> String {
        self.show(at, "%A %-d %B")
    }

    /// `August`
    pub(crate) fn month(self, at: &Timestamp) -> String {
        self.show(at, "%B")
    }

    /// `2026-08-18`, as date fields want it.
    pub(crate) fn date_field(self, at: &Timestamp) -> String {
        self.show(at, "%Y-%m-%d")
    }

    /// The calendar day of an instant.
    pub(crate) fn date(self, at: &Timestamp) -> NaiveDate {
        dakiya_core::time::day_in(*at, self.0)
    }

    /// `Day 18 of 31`
    pub(crate) fn day_of_month(self, at: &Timestamp) -> String {
        let today = self.date(at);
        format!("Day {} of {}", today.day(), today.num_days_in_month())
    }

    /// The first instant of a day.
    pub(crate) fn day_start(self, day: NaiveDate) -> Timestamp {
        let midnight = dakiya_core::time::TimeOfDay::new(0, 0);
        midnight
            .map_or_else(Timestamp::default, |midnight| dakiya_core::time::instant_of(day, midnight, self.0))
    }

    /// `IST (UTC+5:30)`
    pub(crate) fn name(self) -> String {
        let offset = self.0.offset_from_utc_date(&NaiveDate::default());
        let seconds = offset.fix().local_minus_utc();
        let (hours, minutes) = (seconds / 3600, seconds.abs() % 3600 / 60);
        let name = offset.abbreviation().unwrap_or(self.0.name()).to_owned();
        format!("{name} (UTC{hours:+}:{minutes:02})")
    }

    /// `IST`
    pub(crate) fn short_name(self) -> String {
        self.name().split(' ').next().unwrap_or_default().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IST: Zone = Zone(chrono_tz::Asia::Kolkata);

    #[test]
    fn times_are_shown_in_the_business_zone() {
        let at: Timestamp = "2026-08-18T12:15:09Z".parse().unwrap();
        assert_eq!(IST.when(&at), "Tue 18 Aug 2026, 17:45");
        assert_eq!(IST.exact(&at), "18 Aug 17:45:09");
        assert_eq!(IST.day_of_month(&at), "Day 18 of 31");
    }

    #[test]
    fn a_query_leaves_empty_filters_out_and_escapes_the_rest() {
        assert_eq!(href("/messages", &[("status", ""), ("phone", "+91 98")]), "/messages?phone=%2B91+98");
        assert_eq!(href("/messages", &[("status", "")]), "/messages");
    }

    #[test]
    fn a_viewer_sees_no_page_that_would_refuse_him() {
        let labels: Vec<_> = menu(Role::Viewer, Section::Dashboard, 0)
            .into_iter()
            .flat_map(|group| group.links)
            .map(|link| link.label)
            .collect();
        assert!(!labels.contains(&"API keys"));
        assert!(labels.contains(&"Message log"));
    }
}
