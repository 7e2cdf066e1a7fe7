//! The queue: what is taken, when, and what becomes of it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use dakiya_core::encoding::Segments;
use dakiya_core::message::{Category, EventSource, Status, SuppressedReason};
use dakiya_core::opt_out::{OptOutAction, OptOutScope, OptOutSource};
use dakiya_core::phone::PhoneNumber;
use dakiya_core::settings::Settings;
use dakiya_core::time::Timestamp;
use dakiya_store::messages::{
    self, Answer, Applied, Consequence, Enqueued, FenceScope, MessageFilter, StatusReport,
};
use dakiya_store::opt_outs::{self, Change};
use dakiya_store::{Store, sending, settings};
use support::sending::{SENDER, accepted, answer, enqueue, new_message, reload, sender, sid, take_at};
use support::{TESTER, later, now, phone};

fn report(n: u64, status: Status) -> StatusReport {
    StatusReport {
        message_id: None,
        sid: sid(n),
        status,
        error_code: None,
        consequence: None,
        at: later(30),
        source: EventSource::Callback,
    }
}

async fn opt_out(store: &Store, phone: PhoneNumber, scope: OptOutScope) {
    let change = Change {
        phone,
        action: OptOutAction::OptOut,
        scope,
        source: OptOutSource::Sms,
        evidence: "STOP".to_owned(),
    };
    opt_outs::record(store, &change, &TESTER, now()).await.unwrap();
}

/// Takes, again and again, moving on to each slot, until nothing is due any more; in the order of the slots.
async fn drain(store: &Store) -> Vec<(u64, Timestamp)> {
    let (mut at, mut order) = (now(), Vec::new());
    for _ in 0..1_000 {
        let taken = take_at(store, at).await;
        for message in &taken.to_post {
            let digits = message.phone.to_string();
            order.push((digits[5..].parse().unwrap(), message.slot));
        }
        match taken.next_wake {
            None if taken.to_post.is_empty() && !taken.moved => return order,
            wake => at = wake.unwrap_or(at).max(at + chrono::TimeDelta::milliseconds(50)),
        }
    }
    panic!("it never ends");
}

on_both_databases! {
    async fn the_same_key_is_the_same_message(store: Store) {
        let first = enqueue(&store, new_message(1)).await;
        let again = messages::enqueue(&store, new_message(1), None, later(5)).await.unwrap();
        assert_eq!(again, Enqueued::Existing(first.clone()));
        assert_eq!((first.status, first.attempts, first.test), (Status::Queued, 0, false));
    }

    async fn a_message_is_taken_once_and_says_so_before_it_is_posted(store: Store) {
        sender(&store, SENDER, 100).await;
        let message = enqueue(&store, new_message(1)).await;
        let taken = take_at(&store, now()).await;
        assert_eq!(taken.to_post.len(), 1);
        let stored = reload(&store, message.id).await;
        assert_eq!((stored.status, stored.attempts, stored.taken_at), (Status::Posting, 1, Some(now())));
        assert!(take_at(&store, later(3_600)).await.to_post.is_empty());
    }

    async fn otps_go_first_then_transactional_then_the_rest(store: Store) {
        sender(&store, SENDER, 10).await;
        for (n, category) in [(1, Category::Promotional), (2, Category::Service), (3, Category::Transactional), (4, Category::Otp)] {
            enqueue(&store, messages::NewMessage { category, ..new_message(n) }).await;
        }
        let order: Vec<u64> = drain(&store).await.into_iter().map(|(n, _)| n).collect();
        assert_eq!(order, [4, 3, 2, 1]);
    }

    async fn slots_keep_the_pace_of_the_sender_across_takes(store: Store) {
        sender(&store, SENDER, 10).await;
        for n in 0..30 {
            enqueue(&store, messages::NewMessage { segments: Segments(2), ..new_message(n) }).await;
        }
        let slots: Vec<Timestamp> = drain(&store).await.into_iter().map(|(_, slot)| slot).collect();
        assert_eq!(slots.len(), 30);
        for pair in slots.windows(2) {
            assert!(pair[1] - pair[0] >= chrono::TimeDelta::milliseconds(200));
        }
        let took = (slots[29] - slots[0]).num_milliseconds();
        assert!((5_800..=5_870).contains(&took), "{took} ms for 58 segments at 10 a second");
    }

    async fn a_busy_sender_holds_nobody_up_but_itself(store: Store) {
        sender(&store, SENDER, 1).await;
        sender(&store, "+15005550007", 100).await;
        for n in 0..50 {
            enqueue(&store, new_message(n)).await;
        }
        let other = dakiya_core::sender::SenderAddress::stored("+15005550007".to_owned());
        enqueue(&store, messages::NewMessage { sender: other, ..new_message(99) }).await;
        let taken = take_at(&store, now()).await;
        let phones: Vec<PhoneNumber> = taken.to_post.iter().map(|message| message.phone).collect();
        assert!(phones.contains(&phone(99)) && phones.len() == 2, "{phones:?}");
    }

    async fn whoever_opted_out_is_suppressed_and_an_otp_passes_a_promotional_opt_out(store: Store) {
        sender(&store, SENDER, 100).await;
        opt_out(&store, phone(1), OptOutScope::All).await;
        opt_out(&store, phone(2), OptOutScope::Promotional).await;
        let all = enqueue(&store, new_message(1)).await;
        let promotional = enqueue(&store, messages::NewMessage { category: Category::Promotional, ..new_message(2) }).await;
        let otp = messages::NewMessage { dedupe_key: "otp".to_owned(), category: Category::Otp, ..new_message(2) };
        let otp = enqueue(&store, otp).await;
        let taken = take_at(&store, now()).await;
        assert_eq!(taken.to_post.iter().map(|message| message.id).collect::<Vec<_>>(), [otp.id]);
        for id in [all.id, promotional.id] {
            let stored = reload(&store, id).await;
            assert_eq!((stored.status, stored.suppressed_reason), (Status::Suppressed, Some(SuppressedReason::OptedOut)));
        }
        let events = messages::events(&store, &reload(&store, all.id).await).await.unwrap();
        assert_eq!(events.iter().map(|event| event.status).collect::<Vec<_>>(), [Status::Queued, Status::Suppressed]);
    }

    async fn the_sixth_message_of_an_hour_is_turned_away_at_the_door_and_at_the_gate(store: Store) {
        sender(&store, SENDER, 100).await;
        for n in 0..5 {
            let new = messages::NewMessage { dedupe_key: format!("hour:{n}"), phone: phone(1), ..new_message(1) };
            assert!(matches!(messages::enqueue(&store, new, Some(5), now()).await.unwrap(), Enqueued::Created(_)));
        }
        let sixth = messages::NewMessage { dedupe_key: "sixth".to_owned(), phone: phone(1), ..new_message(1) };
        let turned_away = messages::enqueue(&store, sixth.clone(), Some(5), later(10)).await.unwrap();
        assert_eq!(turned_away, Enqueued::RateLimited { free_at: later(3_600) });
        let otp = messages::NewMessage { dedupe_key: "otp".to_owned(), category: Category::Otp, ..sixth.clone() };
        assert!(matches!(messages::enqueue(&store, otp, Some(5), now()).await.unwrap(), Enqueued::Created(_)));
        let slipped_in = enqueue(&store, sixth).await;
        let taken = take_at(&store, now()).await;
        assert_eq!(taken.to_post.len(), 6, "five and the OTP");
        assert_eq!(reload(&store, slipped_in.id).await.suppressed_reason, Some(SuppressedReason::RateLimited));
    }

    async fn what_never_left_does_not_count_as_a_message_of_the_hour(store: Store) {
        sender(&store, SENDER, 100).await;
        let failed = enqueue(&store, new_message(1)).await;
        let not_sent = Answer::NotSent { retry_after: None, why: "no connection".to_owned() };
        while reload(&store, failed.id).await.status == Status::Queued {
            let due = reload(&store, failed.id).await.due_at;
            assert_eq!(take_at(&store, due).await.to_post.len(), 1);
            answer(&store, failed.id, not_sent.clone(), due).await;
        }
        let next = messages::NewMessage { dedupe_key: "next".to_owned(), ..new_message(1) };
        let asked = messages::enqueue(&store, next, Some(1), later(60)).await.unwrap();
        assert!(matches!(asked, Enqueued::Created(_)), "nobody received anything yet: {asked:?}");
        let one_an_hour = Settings { per_number_hourly_limit: 1, ..Settings::default() };
        settings::update(&store, &one_an_hour, &TESTER, now(), now().date_naive()).await.unwrap();
        assert_eq!(take_at(&store, later(60)).await.to_post.len(), 1);
    }

    async fn a_one_time_password_is_given_out_to_be_posted_and_shown_to_nobody(store: Store) {
        sender(&store, SENDER, 100).await;
        let otp = messages::NewMessage { category: Category::Otp, body: "482913 is your code".to_owned(), ..new_message(1) };
        let message = enqueue(&store, otp).await;
        assert_eq!(take_at(&store, now()).await.to_post[0].body, "482913 is your code");
        answer(&store, message.id, accepted(1), later(1)).await;
        let page = messages::page(&store, &MessageFilter::default(), None, 10).await.unwrap().items;
        for shown in [message.clone(), reload(&store, message.id).await, page[0].clone()] {
            assert!(!shown.body.contains(|c: char| c.is_ascii_digit()), "{}", shown.body);
        }
    }

    async fn nothing_is_taken_while_sending_is_stopped(store: Store) {
        sender(&store, SENDER, 100).await;
        let message = enqueue(&store, new_message(1)).await;
        sending::stop(&store, "a drill", &TESTER, now()).await.unwrap();
        assert!(take_at(&store, later(10)).await.to_post.is_empty());
        sending::resume(&store, &TESTER, later(20)).await.unwrap();
        assert_eq!(take_at(&store, later(30)).await.to_post[0].id, message.id);
    }

    async fn an_expired_message_is_not_sent(store: Store) {
        sender(&store, SENDER, 100).await;
        let message = enqueue(&store, messages::NewMessage { expires_at: Some(later(60)), ..new_message(1) }).await;
        assert!(take_at(&store, later(61)).await.to_post.is_empty());
        assert_eq!(reload(&store, message.id).await.status, Status::Expired);
    }

    async fn a_promotional_message_waits_for_its_window_and_is_not_looked_at_before(store: Store) {
        sender(&store, SENDER, 100).await;
        // 22:00 in India; the window opens at 10:00.
        let night = later(10 * 3_600 + 1_800);
        let new = messages::NewMessage { category: Category::Promotional, due_at: night, ..new_message(1) };
        let message = enqueue(&store, new).await;
        assert!(take_at(&store, night).await.to_post.is_empty());
        let opens = later(22 * 3_600 + 1_800);
        assert_eq!(reload(&store, message.id).await.due_at, opens);
        assert_eq!(take_at(&store, night).await.next_wake, Some(opens));
        assert_eq!(take_at(&store, opens).await.to_post.len(), 1);
    }

    async fn a_message_certainly_not_sent_is_tried_three_times_more_and_then_fails(store: Store) {
        sender(&store, SENDER, 100).await;
        let message = enqueue(&store, new_message(1)).await;
        let not_sent = || Answer::NotSent { retry_after: None, why: "no connection".to_owned() };
        let mut at = now();
        for attempt in 1..=4 {
            let taken = take_at(&store, at).await;
            assert_eq!(taken.to_post.len(), 1, "attempt {attempt}");
            answer(&store, message.id, not_sent(), at).await;
            let stored = reload(&store, message.id).await;
            let expected = if attempt < 4 { Status::Queued } else { Status::Failed };
            assert_eq!((stored.status, stored.attempts), (expected, attempt));
            assert!(stored.due_at > at || attempt == 4);
            at = stored.due_at;
        }
    }

    async fn a_message_whose_post_never_began_uses_up_no_try(store: Store) {
        sender(&store, SENDER, 100).await;
        let message = enqueue(&store, new_message(1)).await;
        for _ in 0..10 {
            take_at(&store, later(60)).await;
            answer(&store, message.id, Answer::NotBegun, later(60)).await;
        }
        let stored = reload(&store, message.id).await;
        assert_eq!((stored.status, stored.attempts), (Status::Queued, 0));
    }

    async fn a_callback_that_comes_before_the_answer_is_not_undone_by_it(store: Store) {
        sender(&store, SENDER, 100).await;
        let message = enqueue(&store, new_message(1)).await;
        take_at(&store, now()).await;
        let early = StatusReport { message_id: Some(message.id), ..report(1, Status::Delivered) };
        assert_eq!(messages::apply_status(&store, early.clone()).await.unwrap(), Applied::Moved);
        answer(&store, message.id, accepted(1), later(31)).await;
        assert_eq!(messages::apply_status(&store, report(1, Status::Sent)).await.unwrap(), Applied::Unchanged);
        assert_eq!(messages::apply_status(&store, early).await.unwrap(), Applied::Unchanged);
        let stored = reload(&store, message.id).await;
        assert_eq!((stored.status, stored.delivered_at), (Status::Delivered, Some(later(30))));
        let events = messages::events(&store, &stored).await.unwrap();
        let told: Vec<Status> = events.iter().map(|event| event.status).collect();
        assert_eq!(told, [Status::Queued, Status::Posting, Status::Delivered]);
    }

    async fn two_sids_for_one_message_is_an_alarm_and_the_first_stays(store: Store) {
        sender(&store, SENDER, 100).await;
        let message = enqueue(&store, new_message(1)).await;
        take_at(&store, now()).await;
        answer(&store, message.id, accepted(1), later(1)).await;
        let second = StatusReport { message_id: Some(message.id), ..report(2, Status::Delivered) };
        assert_eq!(messages::apply_status(&store, second).await.unwrap(), Applied::SecondSid);
        let stored = reload(&store, message.id).await;
        assert_eq!((stored.status, stored.twilio_sid.clone()), (Status::Accepted, Some(sid(1))));
        let events = messages::events(&store, &stored).await.unwrap();
        assert!(events.iter().any(|event| event.note.as_deref().is_some_and(|note| note.starts_with("alarm"))));
    }

    async fn reports_about_nobody_change_nothing(store: Store) {
        assert_eq!(messages::apply_status(&store, report(7, Status::Sent)).await.unwrap(), Applied::NoSuchMessage);
    }

    async fn many_reports_at_once_are_all_stored_before_they_are_acknowledged(store: Store) {
        sender(&store, SENDER, 1_000).await;
        for n in 0..100 {
            enqueue(&store, new_message(n)).await;
        }
        let mut taken = Vec::new();
        for second in 0..5 {
            taken.extend(take_at(&store, later(second)).await.to_post);
        }
        assert_eq!(taken.len(), 100);
        let reports = taken.iter().enumerate().map(|(n, message)| {
            let report = StatusReport { message_id: Some(message.id), ..report(n as u64, Status::Delivered) };
            let store = store.clone();
            tokio::spawn(async move {
                assert_eq!(messages::apply_status(&store, report.clone()).await.unwrap(), Applied::Moved);
                assert_eq!(reload(&store, report.message_id.unwrap()).await.status, Status::Delivered);
            })
        });
        for task in reports.collect::<Vec<_>>() {
            task.await.unwrap();
        }
    }

    async fn an_error_that_means_stop_is_an_opt_out(store: Store) {
        sender(&store, SENDER, 100).await;
        let message = enqueue(&store, new_message(1)).await;
        take_at(&store, now()).await;
        let consequence = Some(Consequence::OptedOut(OptOutScope::All));
        answer(&store, message.id, Answer::Rejected { code: 21610, consequence }, later(1)).await;
        let stored = reload(&store, message.id).await;
        assert_eq!((stored.status, stored.error_code), (Status::Rejected, Some(21610)));
        let scopes = opt_outs::covering(&store, &[phone(1)]).await.unwrap();
        assert_eq!(scopes.get(&phone(1)), Some(&OptOutScope::All));
    }

    async fn refused_credentials_hold_all_sending(store: Store) {
        sender(&store, SENDER, 100).await;
        let message = enqueue(&store, new_message(1)).await;
        take_at(&store, now()).await;
        let refused = Answer::Rejected { code: 20003, consequence: Some(Consequence::StopSending) };
        answer(&store, message.id, refused, later(1)).await;
        assert!(sending::state(&store).await.unwrap().held.is_some());
        enqueue(&store, new_message(2)).await;
        assert!(take_at(&store, later(2)).await.to_post.is_empty());
    }

    async fn the_fence_is_up_until_what_was_taken_cannot_begin_any_more(store: Store) {
        sender(&store, SENDER, 100).await;
        let message = enqueue(&store, new_message(1)).await;
        let fence = |scope| {
            let store = store.clone();
            async move { messages::still_possible(&store, scope).await.unwrap() }
        };
        assert!(!fence(FenceScope::All).await);
        take_at(&store, now()).await;
        assert!(fence(FenceScope::All).await);
        assert!(fence(FenceScope::Phone(phone(1), OptOutScope::All)).await);
        assert!(!fence(FenceScope::Phone(phone(1), OptOutScope::Promotional)).await, "it is a service message");
        assert!(!fence(FenceScope::Phone(phone(2), OptOutScope::All)).await);
        answer(&store, message.id, accepted(1), later(1)).await;
        assert!(!fence(FenceScope::All).await);
    }

    async fn waiting_messages_end_at_once_when_a_person_opts_out(store: Store) {
        let message = enqueue(&store, messages::NewMessage { due_at: later(3_600), ..new_message(1) }).await;
        let other = enqueue(&store, new_message(2)).await;
        opt_out(&store, phone(1), OptOutScope::All).await;
        assert_eq!(messages::suppress_waiting(&store, phone(1), OptOutScope::All, later(1)).await.unwrap(), 1);
        assert_eq!(reload(&store, message.id).await.suppressed_reason, Some(SuppressedReason::OptedOut));
        assert_eq!(reload(&store, other.id).await.status, Status::Queued);
    }

    async fn the_log_pages_newest_first_through_every_filter(store: Store) {
        sender(&store, SENDER, 1_000).await;
        for n in 0..25 {
            enqueue(&store, new_message(n)).await;
        }
        let mut seen = Vec::new();
        let mut cursor = None;
        loop {
            let page = messages::page(&store, &MessageFilter::default(), cursor.as_ref(), 10).await.unwrap();
            seen.extend(page.items.iter().map(|message| message.id));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen.len(), 25);
        assert!(seen.windows(2).all(|pair| pair[0] > pair[1]));
        let count = |filter: MessageFilter| {
            let store = store.clone();
            async move { messages::page(&store, &filter, None, 100).await.unwrap().items.len() }
        };
        assert_eq!(count(MessageFilter { phone: Some(phone(3)), ..Default::default() }).await, 1);
        assert_eq!(count(MessageFilter { status: Some(Status::Queued), ..Default::default() }).await, 25);
        assert_eq!(count(MessageFilter { status: Some(Status::Sent), ..Default::default() }).await, 0);
        assert_eq!(count(MessageFilter { from: Some(later(1)), ..Default::default() }).await, 0);
        assert_eq!(count(MessageFilter { from: Some(now()), until: Some(later(1)), ..Default::default() }).await, 25);
        assert_eq!(count(MessageFilter { until: Some(now()), ..Default::default() }).await, 0);
    }

    async fn what_waits_for_a_person_is_canceled_when_they_are_erased(store: Store) {
        sender(&store, SENDER, 100).await;
        let waiting = enqueue(&store, messages::NewMessage { due_at: later(3_600), ..new_message(1) }).await;
        assert!(dakiya_store::contacts::erase(&store, phone(1), &TESTER, later(1)).await.unwrap());
        let stored = reload(&store, waiting.id).await;
        assert_eq!((stored.status, stored.phone.number()), (Status::Canceled, None));
        assert!(take_at(&store, later(7_200)).await.to_post.is_empty());
    }

    async fn a_test_message_ends_at_once_and_is_never_taken(store: Store) {
        sender(&store, SENDER, 100).await;
        let message = enqueue(&store, messages::NewMessage { test: true, ..new_message(1) }).await;
        assert_eq!(message.status, Status::Delivered);
        assert!(take_at(&store, later(1)).await.to_post.is_empty());
        let events = messages::events(&store, &message).await.unwrap();
        assert!(events.iter().any(|event| event.note.as_deref() == Some("test key: not sent")));
    }
}
