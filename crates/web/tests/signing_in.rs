//! Who gets in, who does not, and what a form must prove.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod site;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use dakiya_core::user::Role;
use site::{PASSWORD, Site};

#[tokio::test]
async fn a_stranger_is_led_to_the_sign_in_page_and_back_to_where_they_wanted() {
    let site = Site::open().await;
    let answer = site.stranger().open("/messages?status=failed").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.leads_to(), "/sign-in?next=%2Fmessages%3Fstatus%3Dfailed");
}

#[tokio::test]
async fn the_first_visitor_is_told_how_to_make_the_first_user() {
    let site = Site::open().await;
    let answer = site.stranger().open("/sign-in").await;
    assert!(answer.text.contains("dakiya user add"), "{}", answer.text);
    site.somebody(Role::Owner).await;
    assert!(!site.stranger().open("/sign-in").await.text.contains("dakiya user add"));
}

#[tokio::test]
async fn the_session_cookie_cannot_be_read_by_scripts_or_sent_by_other_sites() {
    let site = Site::open().await;
    site.somebody(Role::Owner).await;
    let answer =
        site.stranger().post("/sign-in", &[("email", "OWNER@example.in"), ("password", PASSWORD)]).await;
    let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/"),
        "{cookie}"
    );
}

#[tokio::test]
async fn signing_in_never_leads_to_another_site() {
    let site = Site::open().await;
    site.somebody(Role::Owner).await;
    let fields = [("email", "owner@example.in"), ("password", PASSWORD), ("next", "//evil.example/")];
    assert_eq!(site.stranger().post("/sign-in", &fields).await.leads_to(), "/");
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_get_the_same_answer() {
    let site = Site::open().await;
    site.somebody(Role::Owner).await;
    let wrong =
        site.stranger().post("/sign-in", &[("email", "owner@example.in"), ("password", "wrong")]).await;
    let unknown =
        site.stranger().post("/sign-in", &[("email", "nobody@example.in"), ("password", "wrong")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(wrong.text.replace("owner@", ""), unknown.text.replace("nobody@", ""));
}

#[tokio::test]
async fn who_keeps_guessing_has_to_wait_even_with_the_right_password() {
    let site = Site::open().await;
    site.somebody(Role::Owner).await;
    let stranger = site.stranger();
    for _ in 0..6 {
        stranger.post("/sign-in", &[("email", "owner@example.in"), ("password", "a wrong password")]).await;
    }
    let right = stranger.post("/sign-in", &[("email", "owner@example.in"), ("password", PASSWORD)]).await;
    assert_eq!(right.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn signing_out_ends_the_session_for_good() {
    let site = Site::open().await;
    let owner = site.somebody(Role::Owner).await;
    assert_eq!(owner.submit("/sign-out", &[]).await.leads_to(), "/sign-in");
    assert_eq!(owner.open("/").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_new_password_signs_out_every_other_browser() {
    let site = Site::open().await;
    let owner = site.somebody(Role::Owner).await;
    let elsewhere = site.stranger();
    elsewhere.post("/sign-in", &[("email", "owner@example.in"), ("password", PASSWORD)]).await;
    let fields = [("current", PASSWORD), ("new", "another password"), ("again", "another password")];
    assert_eq!(owner.submit("/account", &fields).await.leads_to(), "/account?done=1");
    assert_eq!(owner.open("/account").await.status, StatusCode::OK);
    assert_eq!(elsewhere.open("/account").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_form_without_our_token_is_refused_and_changes_nothing() {
    let site = Site::open().await;
    let owner = site.somebody(Role::Owner).await;
    let fields = [("phone", "9845011234"), ("evidence", "call"), ("scope", "all"), ("csrf", "forged")];
    let answer = owner.post("/opt-outs", &fields).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(owner.open("/opt-outs").await.text.contains("Nobody has opted out"));
}

#[tokio::test]
async fn a_form_on_another_site_is_refused_even_with_our_token() {
    let site = Site::open().await;
    let owner = site.somebody(Role::Owner).await;
    let request = Request::post("/sign-out")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "cross-site")
        .body(Body::from("csrf=whatever"))
        .unwrap();
    assert_eq!(owner.send(request).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn an_upload_without_our_token_is_refused() {
    let site = Site::open().await;
    let stranger = site.stranger();
    assert_eq!(stranger.upload("/contacts/import", "a.csv", "phone\n").await.status, StatusCode::SEE_OTHER);
    let owner = site.somebody(Role::Owner).await;
    let body = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\nphone\n\r\n--b--\r\n";
    let request = Request::post("/contacts/import")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b")
        .body(Body::from(body))
        .unwrap();
    assert_eq!(owner.send(request).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_role_sees_why_it_may_not_and_whom_to_ask() {
    let site = Site::open().await;
    let viewer = site.somebody(Role::Viewer).await;
    for page in [
        "/api-keys",
        "/settings/users",
        "/settings/audit",
        "/campaigns/new",
        "/contacts/import",
        "/sending/stop",
    ] {
        let answer = viewer.open(page).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{page}");
        assert!(answer.text.contains("Ask "), "{page}: {}", answer.text);
    }
    assert!(!viewer.open("/").await.text.contains("href=\"/api-keys\""));
    let answer = viewer.submit("/settings", &[("usd_inr", "1")]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn an_admin_makes_no_owners() {
    let site = Site::open().await;
    site.somebody(Role::Owner).await;
    let admin = site.somebody(Role::Admin).await;
    let fields = [("email", "new@example.in"), ("role", "owner"), ("password", "a long password")];
    assert_eq!(admin.submit("/settings/users", &fields).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let fields = [("email", "new@example.in"), ("role", "viewer"), ("password", "a long password")];
    assert_eq!(admin.submit("/settings/users", &fields).await.leads_to(), "/settings/users?done=added");
}
