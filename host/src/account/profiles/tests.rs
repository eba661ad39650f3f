//! That the file keeps what isn't ours, whatever that is, and that nothing in it can do harm.

use std::path::PathBuf;

use expect_test::expect;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::auth::SecretPlace;

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn profile(bearer: &str) -> Profile {
    let authority = Authority::new("https://auth.example.com".parse().unwrap(), "api".to_owned());
    let how = How::Machine {
        client_id: "c1".to_owned(),
        client_secret: SecretPlace::Variable("CARTO_M2M_CLIENT_SECRET".to_owned()),
    };
    Profile {
        bearer: Some(secret(bearer)),
        tenant_id: Some("gcp-us-east1".to_owned()),
        user_email: Some("x@example.com".to_owned()),
        sign_in: Some(SignIn::new(how, Some(&authority))),
        ..Profile::default()
    }
}

fn changed(text: &str, change: impl FnOnce(&mut Object)) -> String {
    let mut root = object(text).unwrap();
    change(&mut root);
    root.raw(0).unwrap().get().to_owned()
}

/// As CARTO's command line writes it, with numbers, escapes and spaces that no reader of ours would write again.
const FILE: &str = r#"{
  "future": [1.0, 1e2, 123456789012345678901234567890, "\u00e9\/"],
  "current_profile": "work",
  "profiles": {
    "z": {"token":"of-z",   "x":{ "deep": [ ] }},
    "work": {
      "unknown": -0.0,
      "token": "of-work",
      "tenant_id": "gcp-us-east1"
    },
    "a": {
      "token": "of-a"
    }
  }
}"#;

#[test]
fn a_profile_is_changed_and_nothing_else() {
    let text = changed(FILE, |root| put(root, "work", &profile("new")).unwrap());
    expect![[r#"
        {
          "future": [1.0, 1e2, 123456789012345678901234567890, "\u00e9\/"],
          "current_profile": "work",
          "profiles": {
            "z": {"token":"of-z",   "x":{ "deep": [ ] }},
            "work": {
              "unknown": -0.0,
              "token": "new",
              "tenant_id": "gcp-us-east1",
              "user_email": "x@example.com",
              "sign_in": {
                "how": "m2m",
                "client_id": "c1",
                "client_secret": {"variable":"CARTO_M2M_CLIENT_SECRET"},
                "issuer": "https://auth.example.com/",
                "audience": "api",
                "token_sha256": "11507a0e2f5e69d5dfa40a62a1bd7b6ee57e6bcd85c67c9b8431b36fff21c437"
              }
            },
            "a": {
              "token": "of-a"
            }
          }
        }"#]]
    .assert_eq(&text);
    let read = parse(&text).unwrap();
    assert_eq!(read.by_name["work"].sign_in.as_ref().unwrap().how, profile("new").sign_in.unwrap().how);
    // Without a sign-in of ours, what it said is no longer true.
    let text = changed(&text, |root| put(root, "work", &Profile { sign_in: None, ..profile("new") }).unwrap());
    assert!(!text.contains("sign_in"), "{text}");
}

#[test]
fn a_bearer_that_somebody_else_put_there_isnt_ours() {
    let text = changed(FILE, |root| put(root, "work", &profile("ours")).unwrap());
    assert!(parse(&text).unwrap().by_name["work"].sign_in.is_some());
    let replaced = parse(&text.replace("\"ours\"", "\"theirs\"")).unwrap();
    assert_eq!(replaced.by_name["work"].sign_in, None);
    assert_eq!(replaced.by_name["work"].bearer, Some(secret("theirs")));
    for own in [r#""x""#, "7", "null", "[]", "{}", r#"{"how": "from-the-future"}"#, r#"{"how": "m2m"}"#] {
        let text = format!(r#"{{"profiles": {{"p": {{"token": "t", "sign_in": {own}}}}}}}"#);
        assert_eq!(parse(&text).unwrap().by_name["p"].sign_in, None, "{own}");
    }
}

#[test]
fn the_old_form_is_read_and_becomes_todays() {
    let old = r#"{"token": "t", "tenant_id": "gcp-us-east1", "other": [1e2]}"#;
    let read = parse(old).unwrap();
    assert_eq!(read.current.as_deref(), Some("default"));
    assert_eq!(read.by_name["default"].bearer, Some(secret("t")));
    let text = changed(old, |root| put(root, "new", &Profile::default()).unwrap());
    expect![[r#"
        {
          "current_profile": "default",
          "profiles": {
            "default": {
              "token": "t",
              "tenant_id": "gcp-us-east1",
              "other": [1e2]
            },
            "new": {}
          }
        }"#]]
    .assert_eq(&text);
    // What has profiles is today's, whatever stands beside them.
    assert_eq!(parse(r#"{"token": "t", "profiles": {}}"#).unwrap().by_name.len(), 0);
    assert_eq!(parse("{}").unwrap().by_name.len(), 0);
}

#[test]
fn a_broken_file_is_told_by_its_place() {
    let mut report = String::new();
    for text in [
        "",
        "{",
        "[]",
        "[null, null, null]",
        "[null, {\"p\": {\"token\": \"s3cr3t\"}}, null]",
        "null",
        "\"s3cr3t\"",
        "{\"profiles\": []}",
        "{\"profiles\": {\n  \"p\": \"s3cr3t\"}}",
        "{\"profiles\": {\"p\": {\n\"token\":\n 12345}}}",
        "{\"token\": 12345}",
        "{\"profiles\": {}} s3cr3t",
        "{\"profiles\": {\"p\": {\"token\": \"s3cr3t",
        "{\"current_profile\": 12345}",
        "\u{feff}{}",
    ] {
        let why = parse(text).unwrap_err();
        assert!(!why.contains("s3cr3t") && !why.contains("12345"), "{why}");
        report.push_str(&format!("{text:?}: {why}\n"));
    }
    expect![[r#"
        "": line 1, column 1: the JSON ends here, and isn't complete
        "{": line 1, column 1: the JSON ends here, and isn't complete
        "[]": line 1, column 1: something else belongs here: a credentials file is `{"profiles": {NAME: {"token": TEXT, …}, …}, …}`
        "[null, null, null]": line 1, column 1: something else belongs here: a credentials file is `{"profiles": {NAME: {"token": TEXT, …}, …}, …}`
        "[null, {\"p\": {\"token\": \"s3cr3t\"}}, null]": line 1, column 1: something else belongs here: a credentials file is `{"profiles": {NAME: {"token": TEXT, …}, …}, …}`
        "null": line 1, column 4: something else belongs here: a credentials file is `{"profiles": {NAME: {"token": TEXT, …}, …}, …}`
        "\"s3cr3t\"": line 1, column 8: something else belongs here: a credentials file is `{"profiles": {NAME: {"token": TEXT, …}, …}, …}`
        "{\"profiles\": []}": line 1, column 13: something else belongs here: a credentials file is `{"profiles": {NAME: {"token": TEXT, …}, …}, …}`
        "{\"profiles\": {\n  \"p\": \"s3cr3t\"}}": line 2, column 15: something else belongs here: a credentials file is `{"profiles": {NAME: {"token": TEXT, …}, …}, …}`
        "{\"profiles\": {\"p\": {\n\"token\":\n 12345}}}": line 3, column 6: something else belongs here: a credentials file is `{"profiles": {NAME: {"token": TEXT, …}, …}, …}`
        "{\"token\": 12345}": line 1, column 15: something else belongs here: a credentials file is `{"profiles": {NAME: {"token": TEXT, …}, …}, …}`
        "{\"profiles\": {}} s3cr3t": line 1, column 18: this isn't JSON
        "{\"profiles\": {\"p\": {\"token\": \"s3cr3t": line 1, column 36: the JSON ends here, and isn't complete
        "{\"current_profile\": 12345}": line 1, column 25: something else belongs here: a credentials file is `{"profiles": {NAME: {"token": TEXT, …}, …}, …}`
        "\u{feff}{}": line 1, column 1: this isn't JSON
    "#]]
    .assert_eq(&report);
}

#[test]
fn strange_files_are_read_or_refused() {
    let deep =
        format!(r#"{{"x": {}{}, "profiles": {{"p": {{"token": "t"}}}}}}"#, "[".repeat(200_000), "]".repeat(200_000));
    assert_eq!(parse(&deep).unwrap().by_name.len(), 1);
    assert!(changed(&deep, |root| put(root, "p", &profile("n")).unwrap()).contains(&"[".repeat(200_000)));
    let deep = format!(r#"{{"profiles": {{"p": {}1{}}}}}"#, r#"{"token":"#.repeat(100_000), "}".repeat(100_000));
    assert!(parse(&deep).is_err());
    let twice = r#"{"profiles": {"p": {"token": "one"}, "p": {"token": "two"}}, "x": 1, "x": 2}"#;
    assert_eq!(parse(twice).unwrap().by_name["p"].bearer, Some(secret("two")));
    let text = changed(twice, |root| put(root, "p", &profile("three")).unwrap());
    assert_eq!(parse(&text).unwrap().by_name["p"].bearer, Some(secret("three")));
    let many: Vec<String> = (0..10_000).map(|nth| format!(r#""p{nth}": {{"token": "t{nth}"}}"#)).collect();
    let many = format!(r#"{{"profiles": {{{}}}}}"#, many.join(","));
    assert_eq!(parse(&changed(&many, |root| put(root, "p5", &profile("n")).unwrap())).unwrap().by_name.len(), 10_000);
}

#[test]
fn an_address_follows_from_the_tenant_or_is_kept() {
    let url = |profile: &Profile| profile.base_url().map(|url| url.map_err(str::to_owned));
    assert_eq!(url(&profile("t")), Some(Ok("https://gcp-us-east1.api.carto.com".to_owned())));
    let mut elsewhere = profile("t");
    elsewhere.sign_in.as_mut().unwrap().base_url = Some("https://carto.example.com/api".to_owned());
    assert_eq!(url(&elsewhere), Some(Ok("https://carto.example.com/api".to_owned())));
    let leads_elsewhere = Profile { tenant_id: Some("evil.example.com/".to_owned()), ..Profile::default() };
    assert_eq!(url(&leads_elsewhere), Some(Err("evil.example.com/".to_owned())));
    for (url, tenant) in [
        ("https://gcp-us-east1.api.carto.com", Some("gcp-us-east1")),
        ("https://gcp-us-east1.api.carto.com/x", None),
        ("https://gcp-us-east1.api.carto.com:8443", None),
        ("https://a.b.api.carto.com", None),
        ("https://carto.example.com", None),
    ] {
        assert_eq!(tenant_of(&url.parse().unwrap()).as_deref(), tenant, "{url}");
    }
}

#[test]
fn nothing_shows_a_secret_by_accident() {
    let how = How::Machine { client_id: "c".to_owned(), client_secret: SecretPlace::Value(secret("canary-1")) };
    let mut own = SignIn::new(how, None);
    own.refresh_token = Some(secret("canary-2"));
    let profile = Profile { bearer: Some(secret("canary-3")), sign_in: Some(own), ..Profile::default() };
    assert!(!format!("{profile:?}").contains("canary"));
    let place = SecretPlace::ClientFile(PathBuf::from("/x"));
    assert_eq!(serde_json::to_value(&place).unwrap(), json!({ "client_file": "/x" }));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((".*", inner), 0..6).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_isnt_ours_survives(
        before in any_json(),
        beside in any_json(),
        other in any_json(),
        within in any_json(),
        key in "[a-zé\"\\\\/ ]{1,12}",
        pretty in any::<bool>(),
    ) {
        prop_assume!(!["current_profile", "profiles", "token", "tenant_id", "user_email", "sign_in", "work", "other", "tenant_domain", "organization_id", "organization_name"].contains(&key.as_str()));
        let file = json!({
            key.clone(): before,
            "profiles": { "other": { key.clone(): other, "token": "o" }, "work": { key.clone(): within, "token": "t" } },
            format!("{key}2"): beside,
        });
        let text = if pretty { serde_json::to_string_pretty(&file).unwrap() } else { file.to_string() };
        let before_text = text.clone();
        let text = changed(&text, |root| {
            put(root, "work", &profile("n")).unwrap();
            put(root, "third", &profile("3")).unwrap();
            root.set_text("current_profile", Some("third")).unwrap();
            remove(root, "third").unwrap();
        });
        let mut now: Value = serde_json::from_str(&text).unwrap();
        let order = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        prop_assert_eq!(order(&now), [key.clone(), "profiles".to_owned(), format!("{key}2"), "current_profile".to_owned()]);
        prop_assert_eq!(&now["profiles"]["work"]["token"], "n");
        now.as_object_mut().unwrap().shift_remove("current_profile");
        let work = now["profiles"]["work"].as_object_mut().unwrap();
        for ours in ["tenant_id", "user_email", "sign_in"] {
            prop_assert!(work.shift_remove(ours).is_some());
        }
        work.insert("token".to_owned(), "t".into());
        // As texts, so that the order is compared too; both were read from letters, which are the same where the numbers are.
        prop_assert_eq!(now.to_string(), serde_json::from_str::<Value>(&before_text).unwrap().to_string());
    }

    #[test]
    fn no_text_makes_it_crash(text in ".*", inside in ".*") {
        let _ = parse(&text);
        let _ = object(&text);
        let _ = parse(&format!(r#"{{"profiles": {{{inside}}}}}"#));
    }
}
