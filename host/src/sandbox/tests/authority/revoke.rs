//! `POST /oauth/revoke`.

use super::super::Fixture;
use super::{Client, m2m, m2m_token, post_form, signed_in, spa, token, used};

#[test]
fn a_client_ends_what_it_was_given_and_nothing_else() {
    let it = Fixture::new();
    let (client, other) = (spa(&it), spa(&it));
    let revoke = |client: &Client, text: &str| {
        post_form(
            &it,
            "/oauth/revoke",
            &[("client_id", &client.id), ("token", text), ("token_type_hint", "refresh_token")],
        )
    };
    let given = signed_in(&it, &client, "offline_access");
    let text = |name: &str| given[name].as_str().unwrap().to_owned();
    let (access, refresh) = (text("access_token"), text("refresh_token"));

    for token in [&access, &refresh, &"x".to_owned()] {
        let reply = revoke(&other, token);
        assert_eq!((reply.status.as_u16(), reply.text.as_str()), (200, ""));
    }
    used(&it, &access).ok();
    assert_eq!(revoke(&client, &access).status, 200);
    used(&it, &access).refused(401, "The access token was revoked");
    // Only the one; the next comes from the refresh token.
    let next = [("grant_type", "refresh_token"), ("client_id", &*client.id), ("refresh_token", &*refresh)];
    let given = token(&it, &next).ok();
    let (access, refresh) = (given["access_token"].as_str().unwrap(), given["refresh_token"].as_str().unwrap());
    used(&it, access).ok();
    for _ in 0..2 {
        assert_eq!(revoke(&client, refresh).status, 200);
    }
    used(&it, access).refused(401, "The access token was revoked");
    let next = [("grant_type", "refresh_token"), ("client_id", &*client.id), ("refresh_token", refresh)];
    token(&it, &next).oauth_error(400, "invalid_grant", "The refresh token is unknown, over or revoked");
}

#[test]
fn a_machine_ends_its_token_with_its_secret() {
    let it = Fixture::new();
    let client = m2m(&it);
    let (one, two) = (m2m_token(&it, &client), m2m_token(&it, &client));
    let id = ("client_id", &*client.id);
    post_form(&it, "/oauth/revoke", &[id, ("token", &one)]).oauth_error(
        401,
        "invalid_client",
        "The client has to present its secret",
    );
    post_form(&it, "/oauth/revoke", &[id, ("client_secret", &client.secret)]).oauth_error(
        400,
        "invalid_request",
        "`token` is required",
    );
    used(&it, &one).ok();
    assert_eq!(post_form(&it, "/oauth/revoke", &[id, ("client_secret", &client.secret), ("token", &one)]).status, 200);
    used(&it, &one).refused(401, "The access token was revoked");
    used(&it, &two).ok();
}
