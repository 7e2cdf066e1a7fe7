//! Budgets: what they let through, what they hold back, and that nobody overspends them together.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use dakiya_core::budget::{Budget, Standing, WARN_AT, WarningBasis};
use dakiya_core::message::{Category, Status};
use dakiya_core::money::Money;
use dakiya_core::time::Month;
use dakiya_store::budgets::{self, BudgetHold};
use dakiya_store::campaigns::{self, Approval, CampaignError};
use dakiya_store::messages::{self, Answer, NewMessage};
use dakiya_store::{Store, costs};
use std::sync::Arc;
use support::sending::{
    SENDER, answer, campaign, campaign_with, draft, enqueue, new_message, reload, sender, take_at,
};
use support::{TESTER, later, now, phone};
use tokio::sync::Barrier;

const IST: chrono_tz::Tz = chrono_tz::Asia::Kolkata;

fn november() -> Month {
    Month::parse("2026-11").unwrap()
}

fn rupees(text: &str) -> Money {
    Money::parse(text).unwrap()
}

async fn set(store: &Store, amount: &str, stop: bool) {
    let budget = Budget { month: november(), amount: rupees(amount), stop, warn_at: WARN_AT.to_vec() };
    budgets::put(store, &budget, &TESTER, now()).await.unwrap();
}

async fn first_budget(store: &Store) -> Budget {
    budgets::get(store, november()).await.unwrap().unwrap().budget
}

async fn standing(store: &Store) -> Standing {
    budgets::standing(store, november()).await.unwrap()
}

fn approval(revision: i64, cost: Money) -> Approval {
    Approval {
        quote: "quote".to_owned(),
        revision,
        estimated_cost: cost,
        unit_price: rupees("0.80"),
        month: november(),
        predicted_start: now(),
        predicted_finish: later(60),
    }
}

on_both_databases! {
    async fn a_budget_is_set_changed_and_taken_away(store: Store) {
        assert_eq!(budgets::get(&store, november()).await.unwrap(), None);
        set(&store, "1000", true).await;
        set(&store, "2000.50", false).await;
        let stored = budgets::get(&store, november()).await.unwrap().unwrap();
        assert_eq!((stored.budget.amount, stored.budget.stop, stored.updated_by.as_str()), (rupees("2000.50"), false, "test"));
        let listed = budgets::list(&store, november(), november().plus(11)).await.unwrap();
        assert_eq!(listed, std::slice::from_ref(&stored));
        let first = budgets::page(&store, None, 1).await.unwrap();
        assert_eq!((first.items, first.next), (vec![stored], None));
        let later = Budget { month: november().plus(2), ..first_budget(&store).await };
        budgets::put(&store, &later, &TESTER, now()).await.unwrap();
        let first = budgets::page(&store, None, 1).await.unwrap();
        let rest = budgets::page(&store, first.next.as_ref(), 1).await.unwrap();
        assert_eq!((rest.items[0].budget.month, rest.next), (later.month, None));
        assert!(budgets::remove(&store, november(), &TESTER, now()).await.unwrap());
        assert!(!budgets::remove(&store, november(), &TESTER, now()).await.unwrap());
    }

    async fn an_approved_campaign_reserves_until_it_is_sent_or_canceled(store: Store) {
        sender(&store, SENDER, 100).await;
        set(&store, "10", true).await;
        let people: Vec<_> = (0..5).map(phone).collect();
        let first = campaign(&store, "First", Category::Service, &people).await;
        assert_eq!(standing(&store).await, Standing { spent: Money::ZERO, reserved: rupees("4") });
        let second = draft(&store, "Second", Category::Service, |_| {}).await;
        let refused = campaigns::approve(&store, second.id, &approval(second.revision, rupees("6.000001")), &TESTER, now()).await;
        let Err(CampaignError::OverBudget { left, month, .. }) = refused else { panic!("{refused:?}") };
        assert_eq!((left, month), (rupees("6"), november()));
        take_at(&store, now()).await;
        assert_eq!(standing(&store).await, Standing { spent: rupees("4"), reserved: Money::ZERO });
        assert_eq!(campaigns::get(&store, first.id).await.unwrap().unwrap().reserved, rupees("4"));
        campaigns::approve(&store, second.id, &approval(second.revision, rupees("6")), &TESTER, now()).await.unwrap();
        assert_eq!(standing(&store).await.reserved, rupees("6"));
        campaigns::cancel(&store, second.id, &TESTER, now()).await.unwrap();
        assert_eq!(standing(&store).await.reserved, Money::ZERO);
    }

    async fn a_used_up_budget_holds_messages_back_and_raising_it_lets_them_go_on(store: Store) {
        sender(&store, SENDER, 100).await;
        set(&store, "1.60", true).await;
        let mut ids = Vec::new();
        for n in 0..4 {
            ids.push(enqueue(&store, new_message(n)).await.id);
        }
        let otp = enqueue(&store, NewMessage { category: Category::Otp, ..new_message(9) }).await;
        let taken = take_at(&store, now()).await.to_post;
        // The password goes first and costs too; one more message fits.
        assert_eq!(taken.iter().map(|message| message.id).collect::<Vec<_>>(), [otp.id, ids[0]]);
        assert_eq!(standing(&store).await.spent, rupees("1.60"));
        for id in &ids[1..] {
            let message = reload(&store, *id).await;
            assert_eq!((message.status, message.budget_hold), (Status::Queued, Some(november())));
        }
        assert_eq!(budgets::held(&store, november()).await.unwrap().messages, 3);
        let holds = budgets::holds(&store).await.unwrap();
        assert_eq!(holds.of(&reload(&store, ids[1]).await), Some(BudgetHold::Month(november())));
        assert_eq!(holds.of(&reload(&store, ids[0]).await), None);
        let another = enqueue(&store, NewMessage { category: Category::Otp, ..new_message(10) }).await;
        assert_eq!(take_at(&store, later(1)).await.to_post[0].id, another.id);
        assert_eq!(budgets::release(&store, later(2), IST).await.unwrap(), 0);
        set(&store, "3.99", true).await;
        assert_eq!(budgets::release(&store, later(3), IST).await.unwrap(), 1);
        assert_eq!(take_at(&store, later(3)).await.to_post.len(), 1);
        set(&store, "3.99", false).await;
        assert_eq!(budgets::release(&store, later(4), IST).await.unwrap(), 2);
        assert_eq!(take_at(&store, later(4)).await.to_post.len(), 2);
        assert!(budgets::held(&store, november()).await.unwrap().is_empty());
    }

    async fn what_is_held_back_goes_out_on_the_next_months_budget(store: Store) {
        sender(&store, SENDER, 100).await;
        set(&store, "0", true).await;
        enqueue(&store, new_message(1)).await;
        assert!(take_at(&store, now()).await.to_post.is_empty());
        let december = november().plus(1).start(IST);
        assert_eq!(take_at(&store, december).await.to_post.len(), 1);
        assert_eq!(costs::spent(&store, november().plus(1)).await.unwrap(), rupees("0.80"));
    }

    async fn what_a_campaign_reserved_is_not_left_for_single_messages(store: Store) {
        sender(&store, SENDER, 100).await;
        set(&store, "4.80", true).await;
        let people: Vec<_> = (0..5).map(phone).collect();
        campaign(&store, "Diwali", Category::Service, &people).await;
        for n in 10..13 {
            enqueue(&store, new_message(n)).await;
        }
        let taken = take_at(&store, now()).await.to_post;
        let (bulk, single): (Vec<_>, Vec<_>) = taken.iter().partition(|message| message.campaign_id.is_some());
        assert_eq!((bulk.len(), single.len()), (5, 1));
        assert_eq!(standing(&store).await, Standing { spent: rupees("4.80"), reserved: Money::ZERO });
    }

    async fn a_lowered_budget_holds_a_campaign_that_had_room(store: Store) {
        sender(&store, SENDER, 100).await;
        set(&store, "4", true).await;
        let people: Vec<_> = (0..5).map(phone).collect();
        let campaign = campaign(&store, "Diwali", Category::Service, &people).await;
        set(&store, "1.60", true).await;
        assert_eq!(take_at(&store, now()).await.to_post.len(), 2);
        let stored = campaigns::get(&store, campaign.id).await.unwrap().unwrap();
        assert_eq!(stored.budget_hold, Some(BudgetHold::Month(november())));
        assert_eq!(budgets::held(&store, november()).await.unwrap().campaigns, [(campaign.id, "Diwali".to_owned())]);
        assert!(take_at(&store, later(1)).await.to_post.is_empty());
        // Every message of it that waits says so; what went out does not.
        let holds = budgets::holds(&store).await.unwrap();
        let all = messages::page(&store, &messages::MessageFilter::default(), None, 10).await.unwrap().items;
        let held = all.iter().filter(|message| holds.of(message) == Some(BudgetHold::Month(november())));
        assert_eq!((all.len(), held.count()), (5, 3));
        set(&store, "4", true).await;
        assert_eq!(budgets::release(&store, later(2), IST).await.unwrap(), 1);
        assert_eq!(take_at(&store, later(2)).await.to_post.len(), 3);
        assert_eq!(campaigns::get(&store, campaign.id).await.unwrap().unwrap().budget_hold, None);
    }

    async fn a_campaign_whose_prices_turn_out_higher_stops_at_its_own_budget(store: Store) {
        sender(&store, SENDER, 2).await;
        let people: Vec<_> = (0..4).map(phone).collect();
        let budget = Some(rupees("3.20"));
        let campaign = campaign_with(&store, "Diwali", Category::Service, &people, |draft| draft.budget = budget).await;
        let taken = take_at(&store, now()).await.to_post;
        let finding = |price: &str| messages::Finding {
            id: taken[0].id, answered: true, report: None, segments: None, at: later(1),
            price: Some((
                dakiya_core::money::Price { amount: price.parse().unwrap(), currency: dakiya_core::money::Currency::Inr },
                dakiya_core::fx_rate::parse("96").unwrap(),
            )),
        };
        messages::record_findings(&store, &[finding("0.81")], &[]).await.unwrap();
        assert!(take_at(&store, later(10)).await.to_post.is_empty());
        let stored = campaigns::get(&store, campaign.id).await.unwrap().unwrap();
        assert_eq!(stored.budget_hold, Some(BudgetHold::Campaign));
    }

    async fn what_comes_back_into_the_queue_gives_its_money_back(store: Store) {
        sender(&store, SENDER, 100).await;
        set(&store, "4", true).await;
        let campaign = campaign(&store, "Diwali", Category::Service, &[phone(1)]).await;
        let taken = take_at(&store, now()).await.to_post;
        assert_eq!(standing(&store).await, Standing { spent: rupees("0.80"), reserved: Money::ZERO });
        answer(&store, taken[0].id, Answer::NotSent { retry_after: None, why: "429".to_owned() }, later(1)).await;
        assert_eq!(standing(&store).await, Standing { spent: Money::ZERO, reserved: rupees("0.80") });
        campaigns::cancel(&store, campaign.id, &TESTER, later(2)).await.unwrap();
        messages::cancel_queued(&store, campaign.id, later(2)).await.unwrap();
        assert_eq!(standing(&store).await, Standing::default());
    }

    async fn each_warning_is_given_once_for_a_budget(store: Store) {
        set(&store, "100", false).await;
        let note = |spent: &'static str, forecast: &'static str| {
            let store = store.clone();
            async move {
                let new = budgets::note_warnings(&store, november(), rupees(spent), rupees(forecast), now()).await.unwrap();
                new.iter().map(|warning| (warning.basis, warning.percent)).collect::<Vec<_>>()
            }
        };
        assert_eq!(note("49.99", "80").await, [(WarningBasis::Forecast, 50), (WarningBasis::Forecast, 80)]);
        assert_eq!(note("50", "80").await, [(WarningBasis::Actual, 50)]);
        assert_eq!(note("50", "80").await, []);
        assert_eq!(budgets::warnings(&store, november()).await.unwrap().len(), 3);
        set(&store, "1000", false).await;
        assert_eq!(budgets::warnings(&store, november()).await.unwrap(), []);
    }

    // Campaigns approved and messages sent by several at the same moment, in thousands of rounds, against one budget.
    async fn at_the_same_moment_nobody_overspends_together(store: Store) {
        const WORKERS: u64 = 6;
        const ROUNDS: u64 = 400;
        sender(&store, SENDER, 1_000).await;
        let amount = rupees("300");
        set(&store, "300", true).await;
        let begun = Arc::new(Barrier::new(WORKERS as usize));
        let work = |worker: u64| {
            let (store, begun) = (store.clone(), begun.clone());
            tokio::spawn(async move {
                let (mut approved, mut refused) = (0, 0);
                begun.wait().await;
                for round in 0..ROUNDS {
                    let n = worker * ROUNDS + round;
                    match n % 3 {
                        0 => {
                            let name = format!("{worker} {round}");
                            let draft = draft(&store, &name, Category::Service, |_| {}).await;
                            let cost = rupees("1.60") + Money::from_micros(i64::try_from(n).unwrap());
                            match campaigns::approve(&store, draft.id, &approval(draft.revision, cost), &TESTER, now()).await {
                                Ok(_) if round % 2 == 0 => {
                                    approved += 1;
                                    campaigns::cancel(&store, draft.id, &TESTER, now()).await.unwrap();
                                }
                                Ok(_) => approved += 1,
                                Err(CampaignError::OverBudget { .. }) => refused += 1,
                                Err(error) => panic!("{error}"),
                            }
                        }
                        1 => drop(enqueue(&store, new_message(n)).await),
                        _ => {
                            for message in take_at(&store, now()).await.to_post {
                                if message.phone.to_string().ends_with('7') {
                                    let why = "429".to_owned();
                                    answer(&store, message.id, Answer::NotSent { retry_after: None, why }, later(3_600)).await;
                                }
                            }
                        }
                    }
                    let standing = standing(&store).await;
                    // Two reads: the parts may be of two moments, but each alone is never beyond.
                    assert!(standing.spent <= amount && standing.reserved <= amount, "{standing:?}");
                }
                (approved, refused)
            })
        };
        let workers: Vec<_> = (0..WORKERS).map(work).collect();
        let (mut approved, mut refused) = (0, 0);
        for worker in workers {
            let (some, none) = worker.await.unwrap();
            approved += some;
            refused += none;
        }
        assert!(standing(&store).await.committed() <= amount);
        assert!(approved > 20 && refused > 20, "{approved} approved, {refused} refused");
        // What was given back last is there to be used, to the last message that fits.
        for n in WORKERS * ROUNDS.. {
            enqueue(&store, new_message(n)).await;
            if take_at(&store, later(60)).await.to_post.is_empty() {
                break;
            }
        }
        let end = standing(&store).await;
        assert!(end.committed() <= amount && end.committed() + rupees("0.80") > amount, "{end:?}");
        costs::rebuild(&store).await.unwrap();
        assert_eq!(standing(&store).await, end);
    }
}
