//! The scopes that the authority knows. A client that asks for others is given those that are known, and told.

/// Documented: the scopes of CARTO's own access tokens.
pub(super) const API: [&str; 6] =
    ["read:tokens", "write:tokens", "read:imports", "write:imports", "read:connections", "write:connections"];

/// OpenID Connect's, as far as they mean something here.
pub(super) const OPENID: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// Each known scope of `asked` once, in the order asked for.
pub(super) fn known(asked: &str) -> String {
    let mut scopes: Vec<&str> = Vec::new();
    for scope in asked.split(' ') {
        if (API.contains(&scope) || OPENID.contains(&scope)) && !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    scopes.join(" ")
}

pub(super) fn has(scopes: &str, scope: &str) -> bool {
    scopes.split(' ').any(|found| found == scope)
}

/// Whether each scope of `fewer` is in `scopes`.
pub(super) fn includes(scopes: &str, fewer: &str) -> bool {
    fewer.split(' ').filter(|scope| !scope.is_empty()).all(|scope| has(scopes, scope))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_and_repeated_scopes_are_left_out() {
        let cases = [
            ("openid profile email", "openid profile email"),
            ("email openid email", "email openid"),
            ("None", ""),
            ("", ""),
            ("  openid   write:tokens admin:all", "openid write:tokens"),
            ("OPENID openid2", ""),
        ];
        for (asked, given) in cases {
            assert_eq!(known(asked), given, "{asked}");
        }
        assert!(includes("openid email", "email") && includes("openid", "") && includes("", ""));
        assert!(!includes("openid", "email") && !includes("", "openid") && !includes("openid email", "mail"));
    }
}
