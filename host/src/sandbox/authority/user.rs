//! The one user that the sandbox has: the owner of its account. All that is said of them is this project's choice.

use serde_json::{Map, Value, json};

use super::scope;

/// The account's owner.
pub(super) struct User {
    account: String,
}

impl User {
    pub(super) const NAME: &str = "Sandbox Owner";
    /// At a domain that no mail reaches.
    pub(super) const EMAIL: &str = "owner@sandbox.invalid";

    pub(super) fn of(account: &str) -> User {
        User { account: account.to_owned() }
    }

    pub(super) fn id(&self) -> String {
        format!("sandbox|{}", self.account)
    }

    /// What OpenID Connect says of the user to a client that has these scopes.
    pub(super) fn claims(&self, scope: &str) -> Map<String, Value> {
        let mut claims = Map::from_iter([("sub".to_owned(), json!(self.id()))]);
        if scope::has(scope, "profile") {
            claims.insert("name".to_owned(), json!(User::NAME));
            claims.insert("nickname".to_owned(), json!("owner"));
        }
        if scope::has(scope, "email") {
            claims.insert("email".to_owned(), json!(User::EMAIL));
            claims.insert("email_verified".to_owned(), json!(true));
        }
        claims
    }
}
