//! People who sign in, keys that call the API, and requests that are asked twice.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use dakiya_core::api_key::{KeyKind, KeyScope};
use dakiya_core::user::Role;
use dakiya_store::audit::{self, Actor};
use dakiya_store::idempotency::{self, Begin};
use dakiya_store::sessions::{self, NewSession};
use dakiya_store::users::User;
use dakiya_store::{Store, StoreError, api_keys, login_throttle, users};
use support::{TESTER, later, now};

async fn add(store: &Store, email: &str, role: Role) -> User {
    users::add(store, email, role, "$argon2id$of-a-password", &TESTER, now()).await.unwrap()
}

async fn sign_in(store: &Store, user: &User, token_hash: &str) {
    let session = NewSession {
        token_hash: token_hash.to_owned(),
        user_id: user.id,
        csrf_token: "csrf".to_owned(),
        expires_at: later(3_600),
    };
    sessions::create(store, session, now()).await.unwrap();
}

on_both_databases! {
    async fn an_address_belongs_to_one_person_whatever_its_case(store: Store) {
        let asha = add(&store, "Asha@Example.in ", Role::Owner).await;
        assert_eq!(asha.email, "asha@example.in");
        let again = users::add(&store, "ASHA@example.in", Role::Viewer, "hash", &TESTER, now()).await;
        assert!(matches!(again, Err(StoreError::Conflict(_))), "{again:?}");
        assert_eq!(users::get_by_email(&store, "aSHA@example.in").await.unwrap(), Some(asha.clone()));
        assert_eq!(users::get(&store, asha.id).await.unwrap(), Some(asha));
    }

    async fn the_last_owner_stays_owner(store: Store) {
        let first = add(&store, "first@example.in", Role::Owner).await;
        for refused in [
            users::set_role(&store, first.id, Role::Admin, &TESTER, now()).await,
            users::set_active(&store, first.id, false, &TESTER, now()).await,
        ] {
            assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
        }
        let second = add(&store, "second@example.in", Role::Owner).await;
        let both_leave = tokio::join!(
            users::set_role(&store, first.id, Role::Admin, &TESTER, now()),
            users::set_active(&store, second.id, false, &TESTER, now()),
        );
        assert!(both_leave.0.is_ok() != both_leave.1.is_ok(), "{both_leave:?}");
        let owners = users::list(&store).await.unwrap().into_iter().filter(|user| user.active && user.role == Role::Owner);
        assert_eq!(owners.count(), 1);
    }

    async fn a_session_ends_with_its_time_its_password_and_its_person(store: Store) {
        let asha = add(&store, "asha@example.in", Role::Owner).await;
        let ravi = add(&store, "ravi@example.in", Role::Viewer).await;
        for (user, hashes) in [(&asha, ["a1", "a2"]), (&ravi, ["r1", "r2"])] {
            for hash in hashes {
                sign_in(&store, user, hash).await;
            }
        }
        let found = sessions::find(&store, "a1", later(600)).await.unwrap().unwrap();
        assert_eq!((found.user.email.as_str(), found.csrf_token.as_str()), ("asha@example.in", "csrf"));
        assert!(sessions::find(&store, "a1", later(3_600)).await.unwrap().is_none(), "its time is over");

        sessions::delete(&store, "a1").await.unwrap();
        assert!(sessions::find(&store, "a1", now()).await.unwrap().is_none(), "signed out");
        users::set_password(&store, asha.id, "new hash", &TESTER, now()).await.unwrap();
        assert!(sessions::find(&store, "a2", now()).await.unwrap().is_none(), "the password was changed");
        users::set_active(&store, ravi.id, false, &TESTER, now()).await.unwrap();
        assert!(sessions::find(&store, "r1", now()).await.unwrap().is_none(), "may not sign in any more");

        sign_in(&store, &asha, "a3").await;
        assert_eq!(sessions::prune(&store, later(3_600)).await.unwrap(), 1);
    }

    async fn who_keeps_guessing_waits_longer_and_longer(store: Store) {
        let key = "asha@example.in";
        for _ in 0..4 {
            assert_eq!(login_throttle::record_failure(&store, key, now()).await.unwrap(), None);
        }
        assert_eq!(login_throttle::record_failure(&store, key, now()).await.unwrap(), Some(later(30)));
        assert_eq!(login_throttle::locked_until(&store, key, later(29)).await.unwrap(), Some(later(30)));
        assert_eq!(login_throttle::locked_until(&store, key, later(30)).await.unwrap(), None);
        assert_eq!(login_throttle::record_failure(&store, key, later(30)).await.unwrap(), Some(later(90)));
        assert_eq!(login_throttle::locked_until(&store, "203.0.113.9", now()).await.unwrap(), None);

        let next_day = later(30 + 25 * 3_600);
        assert_eq!(login_throttle::record_failure(&store, key, next_day).await.unwrap(), None, "forgotten after a day");
        login_throttle::clear(&store, key).await.unwrap();
        assert_eq!(login_throttle::locked_until(&store, key, later(31)).await.unwrap(), None);

        login_throttle::record_failure(&store, "203.0.113.9", now()).await.unwrap();
        assert_eq!(login_throttle::prune(&store, later(23 * 3_600)).await.unwrap(), 0, "it still counts");
        assert_eq!(login_throttle::prune(&store, next_day).await.unwrap(), 1);
    }

    async fn a_key_is_shown_once_and_opens_until_it_is_revoked(store: Store) {
        let (made, key) =
            api_keys::create(&store, "billing", KeyScope::Send, KeyKind::Team, &TESTER, now()).await.unwrap();
        assert!(key.starts_with("dk_team_") && key.starts_with(&made.prefix) && made.prefix.len() < key.len() / 2);
        let opened = api_keys::authenticate(&store, &key, later(1)).await.unwrap().unwrap();
        assert_eq!((opened.id, opened.scope, opened.kind), (made.id, KeyScope::Send, KeyKind::Team));
        assert_eq!(api_keys::list(&store).await.unwrap()[0].last_used_at, Some(later(1)));
        for wrong in ["", "dk_team_", &key[1..], &format!("{key}x")] {
            assert_eq!(api_keys::authenticate(&store, wrong, now()).await.unwrap(), None, "{wrong}");
        }
        api_keys::revoke(&store, made.id, &TESTER, later(2)).await.unwrap();
        api_keys::revoke(&store, made.id, &TESTER, later(3)).await.unwrap();
        assert_eq!(api_keys::authenticate(&store, &key, later(4)).await.unwrap(), None);
        assert_eq!(api_keys::get(&store, made.id).await.unwrap().unwrap().revoked_at, Some(later(2)));
    }

    async fn a_request_asked_twice_is_done_once(store: Store) {
        let (owner, _) = api_keys::create(&store, "k", KeyScope::Send, KeyKind::Live, &TESTER, now()).await.unwrap();
        let (other, _) = api_keys::create(&store, "o", KeyScope::Send, KeyKind::Live, &TESTER, now()).await.unwrap();
        let begin = |hash: u8, at| idempotency::begin(&store, owner.id, "order-7", [hash; 32], at);
        assert_eq!(begin(1, now()).await.unwrap(), Begin::Fresh);
        assert_eq!(begin(1, later(1)).await.unwrap(), Begin::InFlight);
        assert_eq!(begin(2, later(1)).await.unwrap(), Begin::Reused);
        idempotency::finish(&store, owner.id, "order-7", 202, "{\"id\":1}").await.unwrap();
        let answer = Begin::Replay { status: 202, body: "{\"id\":1}".to_owned() };
        assert_eq!(begin(1, later(600)).await.unwrap(), answer);
        assert_eq!(begin(2, later(600)).await.unwrap(), Begin::Reused);
        let of_another = idempotency::begin(&store, other.id, "order-7", [1; 32], now()).await.unwrap();
        assert_eq!(of_another, Begin::Fresh, "keys of two programs do not meet");
        assert_eq!(begin(2, later(24 * 3_600)).await.unwrap(), Begin::Fresh, "forgotten after a day");
        assert_eq!(idempotency::prune(&store, later(24 * 3_600)).await.unwrap(), 1, "the other program's");
    }

    async fn a_request_that_was_cut_off_or_given_up_may_be_done_again(store: Store) {
        let (owner, _) = api_keys::create(&store, "k", KeyScope::Send, KeyKind::Live, &TESTER, now()).await.unwrap();
        let begin = |hash: u8, at| idempotency::begin(&store, owner.id, "order-8", [hash; 32], at);
        assert_eq!(begin(1, now()).await.unwrap(), Begin::Fresh);
        idempotency::abandon(&store, owner.id, "order-8").await.unwrap();
        assert_eq!(begin(2, now()).await.unwrap(), Begin::Fresh);
        assert_eq!(begin(1, later(300)).await.unwrap(), Begin::Reused, "another request is not its second try");
        assert_eq!(begin(2, later(300)).await.unwrap(), Begin::Fresh);
    }

    async fn of_many_that_ask_at_once_one_is_fresh(store: Store) {
        let (owner, _) = api_keys::create(&store, "k", KeyScope::Send, KeyKind::Live, &TESTER, now()).await.unwrap();
        let asked = (0..8).map(|_| idempotency::begin(&store, owner.id, "order-9", [1; 32], now()));
        let begun = futures::future::join_all(asked).await;
        let fresh = begun.iter().filter(|begun| matches!(begun, Ok(Begin::Fresh)));
        assert_eq!(fresh.count(), 1, "{begun:?}");
        assert!(begun.iter().all(|begun| matches!(begun, Ok(Begin::Fresh | Begin::InFlight))), "{begun:?}");
    }

    async fn the_audit_log_names_who_did_what_and_pages_by_time(store: Store) {
        let asha = add(&store, "asha@example.in", Role::Owner).await;
        let by_asha = Actor::User(asha.id);
        let (key, _) = api_keys::create(&store, "billing", KeyScope::Admin, KeyKind::Live, &by_asha, later(1)).await.unwrap();
        let by_key = Actor::ApiKey(key.id);
        api_keys::create(&store, "second", KeyScope::Read, KeyKind::Test, &by_key, later(2)).await.unwrap();

        let first = audit::page(&store, None, 2).await.unwrap();
        let lines = |page: &dakiya_store::Page<audit::AuditEntry>| -> Vec<String> {
            page.items.iter().map(|line| format!("{} {} {}", line.actor, line.action, line.subject)).collect()
        };
        assert_eq!(lines(&first), ["billing api_key.created second", "asha@example.in api_key.created billing"]);
        let rest = audit::page(&store, first.next.as_ref(), 2).await.unwrap();
        assert_eq!(lines(&rest), ["test user.added asha@example.in"]);
        assert_eq!(rest.next, None);
        let astray = audit::page(&store, Some(&dakiya_store::Cursor::new("zzz")), 2).await;
        assert!(matches!(astray, Err(StoreError::Cursor(_))));
    }
}
