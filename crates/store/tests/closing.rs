//! The monthly close: what was closed stays, and what is corrected later stands beside it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use chrono::NaiveDate;
use dakiya_core::encoding::Segments;
use dakiya_core::message::{Channel, EventSource, Status};
use dakiya_core::money::{Currency, Money, Price};
use dakiya_core::sender::SenderAddress;
use dakiya_core::settings::Settings;
use dakiya_core::tax::{Gst, GstMode};
use dakiya_core::time::Month;
use dakiya_store::audit;
use dakiya_store::costs::{self, CloseError, ClosedLine};
use dakiya_store::messages::{self, Finding, StatusReport};
use dakiya_store::{Store, StoreError, settings};
use support::sending::{SENDER, enqueue, follow_up, new_message, sender, sid, take_at};
use support::{TESTER, later, now};

fn november() -> Month {
    Month::parse("2026-11").unwrap()
}

fn december() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 12, 1).unwrap()
}

fn rupees(text: &str) -> Money {
    Money::parse(text).unwrap()
}

/// A number's rent, so that something is on record.
async fn something(store: &Store, day: &str) {
    let sender = SenderAddress::stored(SENDER.to_owned());
    let rent = costs::Rent { sender, channel: Channel::Sms, cost: rupees("100") };
    costs::book_rents(store, &[rent], day.parse().unwrap()).await.unwrap();
}

async fn close(store: &Store, month: Month) -> Result<costs::Close, CloseError> {
    costs::close(store, month, "as in the invoice", &TESTER, december(), later(60)).await
}

/// What Twilio charged for the nth message.
async fn price(store: &Store, message: dakiya_core::ids::MessageId, n: u64, dollars: &str) {
    let report = StatusReport {
        message_id: Some(message),
        sid: sid(n),
        status: Status::Delivered,
        error_code: None,
        consequence: None,
        at: later(70),
        source: EventSource::Poll,
    };
    let quoted = Price { amount: dollars.parse().unwrap(), currency: Currency::Usd };
    let finding = Finding {
        id: message,
        answered: true,
        report: Some(report),
        segments: Some(Segments(1)),
        price: Some((quoted, dakiya_core::fx_rate::parse("96").unwrap())),
        at: later(70),
    };
    messages::record_findings(store, &[finding], &follow_up().unknown_lookups).await.unwrap();
}

on_both_databases! {
    async fn a_closed_month_stays_as_it_was_and_corrections_stand_beside_it(store: Store) {
        sender(&store, SENDER, 100).await;
        let (first, second) = (enqueue(&store, new_message(1)).await, enqueue(&store, new_message(2)).await);
        take_at(&store, now()).await;
        price(&store, first.id, 1, "0.01").await;
        let done = close(&store, november()).await.unwrap();
        assert_eq!((done.spent, done.closed_by.as_str()), (rupees("1.76"), "test"));
        // The second one's price arrives after the close, and the first one's is changed.
        price(&store, second.id, 2, "0.0125").await;
        price(&store, first.id, 1, "0.02").await;
        let after = costs::closed(&store, november()).await.unwrap().unwrap();
        assert_eq!(after, done, "nothing changes what was closed");
        let lines = costs::closed_lines(&store, november()).await.unwrap();
        let closed: Money = lines.iter().map(|line| line.closed.spent()).sum();
        let corrections: Money = lines.iter().map(ClosedLine::correction).sum();
        assert_eq!((closed, corrections), (rupees("1.76"), rupees("1.36")));
        assert_eq!(costs::spent(&store, november()).await.unwrap(), closed + corrections);
        assert_eq!(lines[0].closed.outstanding, rupees("0.80"));
        costs::rebuild(&store).await.unwrap();
        assert_eq!(costs::closed_lines(&store, november()).await.unwrap(), lines);
    }

    async fn gst_of_a_month_that_is_over_stays_whatever_is_set_later(store: Store) {
        sender(&store, SENDER, 100).await;
        enqueue(&store, new_message(1)).await;
        take_at(&store, now()).await;
        let closed = close(&store, november()).await.unwrap();
        assert_eq!((closed.gst, closed.gst_rule.rate), (rupees("0.144"), 18.into()));
        let was = settings::get(&store).await.unwrap();
        let none = Gst { mode: GstMode::None, ..was.gst };
        for gst in [Gst { rate: 5.into(), ..was.gst }, none] {
            let settings = Settings { gst, ..settings::get(&store).await.unwrap() };
            settings::update(&store, &settings, &TESTER, later(90), december()).await.unwrap();
        }
        assert_eq!(settings::get(&store).await.unwrap().gst, none);
        let history = settings::gst(&store).await.unwrap();
        assert_eq!((history.on(november()), history.on(november().plus(1))), (was.gst, none));
        assert_eq!(costs::closed(&store, november()).await.unwrap(), Some(closed));
    }

    async fn a_month_before_anything_on_record_is_not_closed(store: Store) {
        let nothing = close(&store, november()).await;
        assert!(matches!(nothing, Err(CloseError::BeforeRecords { first: None, .. })), "{nothing:?}");
        something(&store, "2026-10-31").await;
        let september = Month::parse("2026-09").unwrap();
        let said = close(&store, september).await.unwrap_err().to_string();
        let expected = "2026-09 is before anything on record, which begins in 2026-10; there is nothing to close";
        assert_eq!(said, expected);
        assert!(close(&store, november()).await.is_ok(), "a month without traffic among others can be closed");
    }

    async fn a_month_is_closed_once_and_not_before_it_is_over(store: Store) {
        something(&store, "2026-10-31").await;
        let early = costs::close(&store, november(), "", &TESTER, december().pred_opt().unwrap(), now()).await;
        assert!(matches!(early, Err(CloseError::NotOver(_))), "{early:?}");
        assert!(matches!(close(&store, november().plus(3)).await, Err(CloseError::NotOver(_))));
        let (one, two) = tokio::join!(close(&store, november()), close(&store, november()));
        let again = [one, two].into_iter().filter(Result::is_err).collect::<Vec<_>>();
        assert!(matches!(again.as_slice(), [Err(CloseError::ClosedBefore { .. })]), "{again:?}");
        let month = costs::closed_months(&store, 10).await.unwrap();
        assert_eq!((month.len(), month[0].spent, month[0].note.as_str()), (1, Money::ZERO, "as in the invoice"));
        let log = audit::page(&store, None, 10).await.unwrap().items;
        assert_eq!(log.iter().filter(|line| line.action == "month.closed").count(), 1);
    }

    async fn what_comes_into_a_month_after_its_close_is_a_line_of_its_own(store: Store) {
        something(&store, "2026-10-31").await;
        close(&store, november()).await.unwrap();
        sender(&store, SENDER, 100).await;
        enqueue(&store, new_message(1)).await;
        take_at(&store, now()).await;
        let lines = costs::closed_lines(&store, november()).await.unwrap();
        assert_eq!((lines.len(), lines[0].closed.spent(), lines[0].correction()), (1, Money::ZERO, rupees("0.80")));
        let unknown: Result<_, StoreError> = costs::closed(&store, november().plus(1)).await;
        assert_eq!(unknown.unwrap(), None);
    }
}
