//! Roll-ups: what a day cost, kept with every message and equal to what the log says.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use chrono::{NaiveDate, TimeDelta};
use dakiya_core::encoding::Segments;
use dakiya_core::fx_rate;
use dakiya_core::ids::{CampaignId, MessageId};
use dakiya_core::ledger::Cause;
use dakiya_core::message::{Category, Channel, Direction, EventSource, Status};
use dakiya_core::money::{Currency, FxRate, Money, Price};
use dakiya_core::rate_card::RateItem;
use dakiya_core::sender::SenderAddress;
use dakiya_core::time::{Month, Timestamp};
use dakiya_store::costs::{self, CostLine, Costs, Rent};
use dakiya_store::inbound::{self, NewInbound, PriceFinding};
use dakiya_store::messages::{self, Answer, Finding, Message, MessageFilter, NewMessage, StatusReport};
use dakiya_store::{Store, campaigns};
use support::sending::{
    SENDER, accepted, answer, campaign, enqueue, follow_up, new_message, reload, sender, sid, take_at,
};
use support::{later, now, phone};

fn november() -> Month {
    Month::parse("2026-11").unwrap()
}

fn rupees(text: &str) -> Money {
    Money::parse(text).unwrap()
}

fn fx(rate: &str) -> FxRate {
    fx_rate::parse(rate).unwrap()
}

/// What Twilio says about a message that ended.
fn priced(
    id: MessageId,
    n: u64,
    status: Status,
    segments: u32,
    price: &str,
    rate: &str,
    at: Timestamp,
) -> Finding {
    let report = StatusReport {
        message_id: Some(id),
        sid: sid(n),
        status,
        error_code: None,
        consequence: None,
        at,
        source: EventSource::Poll,
    };
    let price = Price { amount: price.parse().unwrap(), currency: Currency::Usd };
    Finding {
        id,
        answered: true,
        report: Some(report),
        segments: Some(Segments(segments)),
        price: Some((price, fx(rate))),
        at,
    }
}

async fn find(store: &Store, finding: Finding) {
    messages::record_findings(store, &[finding], &follow_up().unknown_lookups).await.unwrap();
}

async fn total(store: &Store) -> Costs {
    let lines = costs::month(store, november()).await.unwrap();
    lines.iter().fold(Costs::default(), |sum, line| sum + line.costs)
}

/// Everything roll-ups say about some months.
async fn everything(store: &Store) -> Vec<(Month, Money, Vec<CostLine>)> {
    let mut all = Vec::new();
    for months in 0..3 {
        let month = Month::parse("2026-10").unwrap().plus(months);
        let lines = costs::month(store, month).await.unwrap();
        let days = costs::by_day(store, month.first_day(), month.last_day()).await.unwrap();
        let sum = |sum: Costs, costs| sum + costs;
        assert_eq!(
            lines.iter().map(|line| line.costs).fold(Costs::default(), sum),
            days.iter().map(|(_, line)| line.costs).fold(Costs::default(), sum),
            "{month} is the sum of its days"
        );
        all.push((month, costs::spent(store, month).await.unwrap(), lines));
    }
    all
}

/// What is kept of a campaign's money: what waits to be sent, and all that is set aside.
async fn set_aside(store: &Store, id: CampaignId) -> (Money, Money) {
    let campaign = campaigns::get(store, id).await.unwrap().unwrap();
    (campaign.waiting_cost, campaign.reserved)
}

/// What its messages say about it.
async fn in_the_log(store: &Store, id: CampaignId) -> (Money, Money) {
    let filter = MessageFilter { campaign: Some(id), ..MessageFilter::default() };
    let log = messages::page(store, &filter, None, 100).await.unwrap().items;
    let sum = |of: fn(&Message) -> bool| {
        log.iter().filter(|message| of(message)).map(|message| message.estimated_cost).sum()
    };
    (sum(|message| message.status == Status::Queued), sum(Message::is_reserved))
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Lets something happen to a message, whatever its state is; what does not fit changes nothing.
async fn happen(store: &Store, dice: &mut Dice, id: MessageId, n: u64, at: Timestamp) {
    let statuses = [
        Status::Accepted,
        Status::Sent,
        Status::Delivered,
        Status::Undelivered,
        Status::Failed,
        Status::Canceled,
    ];
    let status = statuses[dice.roll(6) as usize];
    match dice.roll(9) {
        0 => answer(store, id, accepted(n), at).await,
        1 => answer(store, id, Answer::Rejected { code: 21211, consequence: None }, at).await,
        2 => answer(store, id, Answer::NotSent { retry_after: None, why: "429".to_owned() }, at).await,
        3 => answer(store, id, Answer::NotBegun, at).await,
        4 => answer(store, id, Answer::Unknown { why: "no answer".to_owned(), consequence: None }, at).await,
        5 => drop(messages::cancel(store, id, at).await.unwrap()),
        6 => {
            let cents = format!("0.{:04}", dice.roll(2_000));
            let rate = ["95.5", "96", "97.123456"][dice.roll(3) as usize];
            find(store, priced(id, n, status, dice.roll(4) as u32, &cents, rate, at)).await;
        }
        _ => {
            let report = StatusReport {
                message_id: Some(id),
                sid: sid(n),
                status,
                error_code: None,
                consequence: None,
                at,
                source: EventSource::Callback,
            };
            messages::apply_status(store, report).await.unwrap();
        }
    }
}

on_both_databases! {
    async fn a_message_is_filed_under_the_day_it_is_sent_and_settled_on_its_price(store: Store) {
        sender(&store, SENDER, 100).await;
        let new = NewMessage { estimated_cost: rupees("7.9872"), estimated_fx: Some(fx("96")), ..new_message(1) };
        let message = enqueue(&store, new).await;
        assert_eq!(total(&store).await, Costs::default(), "what waits has cost nothing");
        take_at(&store, now()).await;
        let sent = total(&store).await;
        assert_eq!((sent.messages, sent.estimated, sent.outstanding), (1, rupees("7.9872"), rupees("7.9872")));
        find(&store, priced(message.id, 1, Status::Delivered, 2, "0.18", "98", later(60))).await;
        let settled = total(&store).await;
        assert_eq!((settled.actual, settled.outstanding, settled.segments), (rupees("17.64"), Money::ZERO, 2));
        let causes: Vec<_> = settled.differences.causes().map(|(cause, amount)| (cause, amount.to_plain())).collect();
        let expected = [(Cause::Segments, "7.9872"), (Cause::Rate, "1.3056"), (Cause::Fx, "0.36")];
        assert_eq!(causes, expected.map(|(cause, amount)| (cause, amount.to_owned())));
        assert_eq!(costs::spent(&store, november()).await.unwrap(), rupees("17.64"));
        let stored = reload(&store, message.id).await;
        assert_eq!(stored.cost_day, NaiveDate::from_ymd_opt(2026, 11, 22));
        assert_eq!((stored.estimated_fx, stored.quoted.map(|(_, rate)| rate)), (Some(fx("96")), Some(fx("98"))));
    }

    async fn the_day_is_one_of_the_business_not_of_utc(store: Store) {
        sender(&store, SENDER, 100).await;
        enqueue(&store, new_message(1)).await;
        let midnight_in_india: Timestamp = "2026-11-30T18:30:00Z".parse().unwrap();
        take_at(&store, midnight_in_india).await;
        assert_eq!(total(&store).await.messages, 0);
        assert_eq!(costs::spent(&store, november().plus(1)).await.unwrap(), rupees("0.80"));
    }

    async fn what_was_certainly_not_sent_costs_nothing(store: Store) {
        sender(&store, SENDER, 100).await;
        let campaign = campaign(&store, "Diwali", Category::Service, &[phone(1), phone(2), phone(3)]).await;
        let taken = take_at(&store, now()).await.to_post;
        answer(&store, taken[0].id, Answer::Rejected { code: 21211, consequence: None }, later(1)).await;
        answer(&store, taken[1].id, Answer::NotSent { retry_after: None, why: "429".to_owned() }, later(1)).await;
        let costs = costs::by_campaign(&store, campaign.id).await.unwrap();
        assert_eq!((costs.messages, costs.spent()), (1, rupees("0.80")));
        let stored = campaigns::get(&store, campaign.id).await.unwrap().unwrap();
        assert_eq!((stored.reserved, stored.waiting_cost), (rupees("1.60"), rupees("0.80")));
    }

    async fn a_new_numbers_rent_is_booked_also_when_another_number_lost_its_own(store: Store) {
        let day = NaiveDate::from_ymd_opt(2026, 11, 3).unwrap();
        let rent = |sender: &str| Rent {
            sender: SenderAddress::stored(sender.to_owned()), channel: Channel::Sms, cost: rupees("150"),
        };
        assert_eq!(costs::book_rents(&store, &[rent(SENDER)], day).await.unwrap(), 1);
        assert_eq!(costs::book_rents(&store, &[rent("+15005550007")], day).await.unwrap(), 1);
        assert_eq!(costs::spent(&store, november()).await.unwrap(), rupees("300"));
    }

    async fn rents_and_what_people_send_are_counted_once(store: Store) {
        let day = NaiveDate::from_ymd_opt(2026, 11, 3).unwrap();
        let rent = Rent {
            sender: SenderAddress::stored(SENDER.to_owned()), channel: Channel::Sms, cost: rupees("150"),
        };
        assert_eq!(costs::book_rents(&store, std::slice::from_ref(&rent), day).await.unwrap(), 1);
        assert_eq!(costs::book_rents(&store, &[rent], day.succ_opt().unwrap()).await.unwrap(), 0);
        let new = NewInbound {
            twilio_sid: sid(1), from: phone(1).to_string(), recipient: SENDER.to_owned(), channel: Channel::Sms,
            body: "Thanks".to_owned(), keyword: None, segments: Segments(1), day, estimated_cost: rupees("0.60"),
            estimated_fx: None,
        };
        assert!(inbound::record(&store, &new, now()).await.unwrap());
        assert!(!inbound::record(&store, &new, now()).await.unwrap());
        assert_eq!(costs::spent(&store, november()).await.unwrap(), rupees("150.60"));
        let due = inbound::unpriced(&store, later(30), 10).await.unwrap();
        let price = Price { amount: "0.0075".parse().unwrap(), currency: Currency::Usd };
        let finding = PriceFinding { id: due[0].id, price: Some((price, fx("96"))), at: later(30) };
        for _ in 0..2 {
            inbound::record_prices(&store, std::slice::from_ref(&finding)).await.unwrap();
        }
        assert_eq!(costs::spent(&store, november()).await.unwrap(), rupees("150.72"));
        let lines = costs::month(&store, november()).await.unwrap();
        let shown: Vec<_> = lines.iter().map(|line| (line.item, line.direction, line.costs.spent())).collect();
        let expected = [
            (RateItem::Number, Direction::Outbound, rupees("150")), (RateItem::Sms, Direction::Inbound, rupees("0.72")),
        ];
        assert_eq!(shown, expected);
        let before = everything(&store).await;
        costs::rebuild(&store).await.unwrap();
        assert_eq!(everything(&store).await, before);
    }

    // Whatever happens to messages, in whatever order, and repeated: what was kept is what the log says.
    async fn roll_ups_always_equal_the_log(store: Store) {
        sender(&store, SENDER, 1_000).await;
        let mut dice = Dice(20_261_122);
        let people: Vec<_> = (0..12).map(phone).collect();
        let campaign = campaign(&store, "Diwali", Category::Service, &people).await;
        let mut ids: Vec<MessageId> = Vec::new();
        for n in 100..112 {
            let category = Category::ALL[dice.roll(3) as usize];
            let estimated_fx = (dice.roll(2) == 0).then(|| fx("96"));
            ids.push(enqueue(&store, NewMessage { category, estimated_fx, ..new_message(n) }).await.id);
        }
        for round in 0..60 {
            // Over nine days, from one month into the next.
            let at = now() + TimeDelta::hours(4 * round);
            ids.extend(take_at(&store, at).await.to_post.iter().map(|message| message.id));
            ids.sort_unstable();
            ids.dedup();
            for _ in 0..6 {
                let n = dice.roll(ids.len() as u64);
                happen(&store, &mut dice, ids[n as usize], n, at + TimeDelta::seconds(1)).await;
            }
            assert_eq!(set_aside(&store, campaign.id).await, in_the_log(&store, campaign.id).await);
        }
        let kept = everything(&store).await;
        for (month, spent, lines) in &kept {
            assert_eq!(lines.iter().map(|line| line.costs.spent()).sum::<Money>(), *spent, "{month}");
            for line in lines {
                let Costs { estimated, actual, outstanding, differences, .. } = line.costs;
                let explained = estimated + Money::from_micros(differences.total());
                assert_eq!(explained, actual + outstanding, "{month} {line:?}");
            }
        }
        let priced: i64 = kept.iter().flat_map(|(_, _, lines)| lines).map(|line| line.costs.priced).sum();
        assert!(priced > 5, "too little happened: {priced} priced");
        costs::rebuild(&store).await.unwrap();
        assert_eq!(everything(&store).await, kept);
        assert!(!costs::catch_up(&store, chrono_tz::Asia::Kolkata).await.unwrap());
    }
}
