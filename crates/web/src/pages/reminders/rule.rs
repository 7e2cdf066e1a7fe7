//! Writing a rule: the form, and what it would do before it is saved.

use super::figures::{Hours, NextRun};
use super::{find, form};
use crate::AppState;
use crate::auth::Person;
use crate::error::PageResult;
use crate::filters;
use crate::forms::{Faults, Fields, Submitted};
use crate::view::{self, Frame, Section};
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use dakiya_core::message::Channel;
use dakiya_core::reminder::{ReminderChannel, ReminderRule, may_remind};
use dakiya_core::user::Permission;
use dakiya_scheduler::QuoteError;
use dakiya_store::reminder_rules::{self, StoredRule};
use dakiya_store::templates;

/// Runs shown before a rule is saved.
const NEXT_RUNS: usize = 8;

/// Templates to choose from.
const MOST_TEMPLATES: u64 = 500;

#[derive(Template)]
#[template(path = "reminders/rule.html")]
struct RulePage {
    frame: Frame,
    title: String,
    action: String,
    fields: Fields,
    faults: Faults,
    templates: Vec<(String, String)>,
    /// Whether the next runs were asked for.
    looked: bool,
    runs: Vec<NextRun>,
    /// What somebody should know before saving.
    warnings: Vec<String>,
    trouble: String,
}

/// What the page shows below the form.
#[derive(Default)]
struct Look {
    looked: bool,
    runs: Vec<NextRun>,
    warnings: Vec<String>,
    trouble: String,
}

async fn page(
    app: &AppState,
    person: &Person,
    stored: Option<&StoredRule>,
    fields: Fields,
    faults: Faults,
    look: Look,
) -> PageResult {
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = RulePage {
        frame: Frame::of(app, person, Section::Reminders).await?,
        title: stored.map_or_else(|| "New reminder rule".to_owned(), |stored| stored.rule.name.clone()),
        action: stored.map_or_else(
            || "/reminders/rules".to_owned(),
            |stored| format!("/reminders/rules/{}", stored.key),
        ),
        fields,
        faults,
        templates: choices(app).await?,
        looked: look.looked,
        runs: look.runs,
        warnings: look.warnings,
        trouble: look.trouble,
    };
    Ok((status, view::html(&page)).into_response())
}

async fn choices(app: &AppState) -> PageResult<Vec<(String, String)>> {
    let all = templates::list(&app.store, None, MOST_TEMPLATES).await?.items;
    let fit = all.into_iter().filter(|version| may_remind(version.category).is_ok());
    Ok(fit.map(|version| (version.key, version.name)).collect())
}

/// `GET /reminders/rules/new`
pub(super) async fn ask(State(app): State<AppState>, person: Person) -> PageResult {
    person.must(Permission::Send)?;
    let fields = form::suggested(app.config.timezone.name(), "payment_reminder");
    let look = match form::read(&fields, &mut Faults::default()) {
        Some(rule) => look(&app, &rule, None).await?,
        None => Look::default(),
    };
    page(&app, &person, None, fields, Faults::default(), look).await
}

/// `GET /reminders/rules/{key}`
pub(super) async fn show(State(app): State<AppState>, person: Person, Path(key): Path<String>) -> PageResult {
    person.must(Permission::Send)?;
    let stored = find(&app, &key).await?;
    let look = look(&app, &stored.rule, Some(&stored)).await?;
    page(&app, &person, Some(&stored), form::of(&stored.rule), Faults::default(), look).await
}

/// `POST /reminders/rules`
pub(super) async fn create(State(app): State<AppState>, submitted: Submitted) -> PageResult {
    submit(&app, submitted, None).await
}

/// `POST /reminders/rules/{key}`
pub(super) async fn save(
    State(app): State<AppState>,
    Path(key): Path<String>,
    submitted: Submitted,
) -> PageResult {
    let stored = find(&app, &key).await?;
    submit(&app, submitted, Some(stored)).await
}

async fn submit(app: &AppState, submitted: Submitted, stored: Option<StoredRule>) -> PageResult {
    let Submitted { person, fields } = submitted;
    person.must(Permission::Send)?;
    let mut faults = Faults::default();
    let rule = form::read(&fields, &mut faults);
    if let Some(rule) = &rule {
        check_templates(app, rule, &mut faults).await?;
    }
    let Some(rule) = rule.filter(|_| faults.is_empty()) else {
        return page(app, &person, stored.as_ref(), fields, faults, Look::default()).await;
    };
    if fields.text("do") != "save" {
        let look = look(app, &rule, stored.as_ref()).await?;
        return page(app, &person, stored.as_ref(), fields, faults, look).await;
    }
    let key = match stored {
        Some(stored) => stored.key,
        None => free_key(app, &rule.name).await?,
    };
    app.commands.put_reminder_rule(&key, &rule, &person.actor()).await?;
    Ok(Redirect::to("/reminders?done=saved").into_response())
}

/// `POST /reminders/rules/{key}/switch`
pub(super) async fn switch(
    State(app): State<AppState>,
    Path(key): Path<String>,
    Submitted { person, fields }: Submitted,
) -> PageResult {
    person.must(Permission::Send)?;
    let stored = find(&app, &key).await?;
    let enabled = fields.text("enabled") == "yes";
    let rule = ReminderRule { enabled, ..stored.rule };
    app.commands.put_reminder_rule(&key, &rule, &person.actor()).await?;
    Ok(Redirect::to(if enabled { "/reminders?done=on" } else { "/reminders?done=off" }).into_response())
}

async fn look(app: &AppState, rule: &ReminderRule, stored: Option<&StoredRule>) -> PageResult<Look> {
    let hours = Hours::of(app).await?;
    let warnings = warnings(app, rule, stored, &hours).await?;
    match app.commands.coming_runs(rule, stored, NEXT_RUNS, 1).await {
        Ok(runs) => {
            let runs = runs.into_iter().map(|run| NextRun::unsaved(rule, run, &hours)).collect();
            Ok(Look { looked: true, runs, warnings, trouble: String::new() })
        }
        Err(QuoteError::Store(error)) => Err(error.into()),
        Err(error) => {
            let trouble = format!("The next runs cannot be reckoned: {error}.");
            Ok(Look { warnings, trouble, ..Look::default() })
        }
    }
}

/// What somebody should know before saving a rule.
async fn warnings(
    app: &AppState,
    rule: &ReminderRule,
    stored: Option<&StoredRule>,
    hours: &Hours,
) -> PageResult<Vec<String>> {
    let mut warnings = vec![hours.warning(rule, app.clock.now())];
    let others = reminder_rules::running(&app.store).await?;
    let others = others.iter().filter(|other| stored.is_none_or(|stored| stored.id != other.id));
    for other in others.filter(|other| other.rule.payments.overlaps(&rule.payments)) {
        warnings.push(format!(
            "“{}” reminds of the same payments. Each rule’s next runs and cost are reckoned as if it were alone; limits hold for all rules together.",
            other.rule.name
        ));
    }
    if rule.channel.first() == Channel::Whatsapp && !is_approved(app, rule).await? {
        warnings.push(
            "WhatsApp delivers this only to people who wrote in the last 24 hours: a template has no content SID.".to_owned(),
        );
    }
    if rule.channel == ReminderChannel::WhatsappThenSms {
        warnings.push(
            "The cost is that of the WhatsApp messages; text messages that follow come on top.".to_owned(),
        );
    }
    warnings.retain(|warning| !warning.is_empty());
    Ok(warnings)
}

/// Whether WhatsApp approved every text of a rule.
async fn is_approved(app: &AppState, rule: &ReminderRule) -> PageResult<bool> {
    let own = rule.steps.iter().filter_map(|step| step.template.as_deref());
    for key in std::iter::once(rule.template.as_str()).chain(own) {
        let Some(latest) = templates::get(&app.store, key, None).await? else { continue };
        let variants = templates::variants(&app.store, latest.template_id, i32::MAX).await?;
        if variants.iter().any(|variant| variant.content_sid.is_none()) {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn check_templates(app: &AppState, rule: &ReminderRule, faults: &mut Faults) -> PageResult<()> {
    let own = rule.steps.iter().filter_map(|step| step.template.as_deref());
    for (field, key) in
        std::iter::once(("template", rule.template.as_str())).chain(own.map(|key| ("templates", key)))
    {
        match templates::get(&app.store, key, None).await? {
            None => faults.add(field, format!("there is no template \"{key}\"")),
            Some(version) => {
                if let Err(error) = may_remind(version.category) {
                    faults.add(field, format!("\"{key}\" cannot remind: {error}"));
                }
            }
        }
    }
    Ok(())
}

/// A key made of a name, with a number behind it if another rule has it.
async fn free_key(app: &AppState, name: &str) -> PageResult<String> {
    let base = super::key_of(name);
    let mut key = base.clone();
    let mut number = 2;
    while reminder_rules::get(&app.store, &key).await?.is_some() {
        key = format!("{base}-{number}");
        number += 1;
    }
    Ok(key)
}
