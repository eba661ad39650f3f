//! What a person types at `carto auth`: asked for with a prompt, secrets not shown, no question without an end.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::cloud::{CLIENT, Cloud, SECRET};
use crate::support::{Carto, terminal};

fn sign_in(carto: &Carto) -> Value {
    let text = std::fs::read_to_string(carto.home().join(".carto_credentials.json")).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["profiles"]["p"].clone()
}

#[test]
fn a_secret_that_is_asked_for_isnt_shown() {
    let (carto, cloud) = (Carto::without_kinds(), Cloud::start());
    let client = json!({ "clientId": CLIENT, "clientSecret": SECRET });
    let pretty = format!("{client:#}\u{4}");
    for (line, prompt, typed) in [
        ("--m2m --client-id machine-client --client-secret -", "Client secret: ", SECRET),
        ("--m2m --client-file -", "then Ctrl-D: ", &pretty),
    ] {
        let run = cloud.run(&carto, &format!("auth login p {line}"));
        let (screen, status) = terminal::asked(run, prompt, typed);
        assert_eq!(status, 0, "{screen}");
        assert!(!screen.contains("canary"), "{screen}");
        assert_eq!(sign_in(&carto)["sign_in"]["client_secret"], json!({ "value": SECRET }));
    }
    // Longer than the line that a terminal passes on.
    let long = "canary".repeat(1000);
    let run = cloud.run(&carto, &format!("auth login p --with-token --base-url {}", cloud.api()));
    let (screen, status) = terminal::asked(run, "Bearer: ", &long);
    assert_eq!((status, sign_in(&carto)["token"] == *long), (0, true), "{screen}");
    assert!(!screen.contains("canary"), "{screen}");
    let run = carto.run(&format!("auth whoami --token - --base-url {}", cloud.api()));
    let (screen, status) = terminal::asked(run, "Bearer: ", &cloud.bearers()[0]);
    assert_eq!(status, 0, "{screen}");
    assert!(screen.contains("ada@example.com") && !screen.contains("eyJ"), "{screen}");
}

#[test]
fn an_address_is_asked_for_as_one_line() {
    let carto = Carto::without_kinds();
    let address = "http://127.0.0.1:3003/callback?code=x&state=unknown";
    let (screen, status) = terminal::asked(carto.run("auth login --callback -"), "came to: ", address);
    assert_eq!(status, 4, "{screen}");
    assert!(screen.contains("the sign-in that this address belongs to"), "{screen}");
    let long = format!("{address}&x={}", "x".repeat(5000));
    let (screen, status) = terminal::asked(carto.run("auth login --callback -"), "came to: ", &long);
    assert_eq!(status, 2, "{screen}");
    assert!(screen.contains("pipe it into the command"), "{screen}");
}

#[test]
fn every_question_has_an_end() {
    let (carto, cloud) = (Carto::without_kinds(), Cloud::start());
    for (line, prompt) in [
        ("auth login --with-token", "Bearer: "),
        ("auth login --m2m", "Client id: "),
        ("auth login --m2m --client-id x", "Client secret: "),
        ("auth login --m2m --client-file -", "Ctrl-D: "),
        ("auth login --callback -", "came to: "),
        ("auth whoami --token -", "Bearer: "),
    ] {
        // The end of the input, and a second line with nothing in it.
        for typed in ["\u{4}", "\n"] {
            if typed == "\n" && line.contains("--client-file") {
                continue;
            }
            let (screen, status) = terminal::asked(cloud.run(&carto, line), prompt, typed);
            assert_eq!(status, 2, "{line}: {screen}");
            assert!(screen.contains("nothing was given"), "{line}: {screen}");
        }
        if !line.contains("--callback") && prompt != "Client id: " {
            let (screen, status) = terminal::asked(cloud.run(&carto, line), prompt, "canary\u{3}");
            assert_eq!(status, 130, "{line}: {screen}");
            assert!(screen.contains("error: interrupted") && !screen.contains("canary"), "{line}: {screen}");
        }
        let (screen, status) = terminal::run(cloud.run(&carto, &format!("{line} --no-input")));
        assert_eq!(status, 2, "{line}: {screen}");
    }
    assert_eq!(cloud.asked(), [""; 0]);
}

/// The terminal shows again what is typed, whatever ends the command.
#[test]
fn a_signal_leaves_a_terminal_that_shows_what_is_typed() {
    let carto = Carto::without_kinds();
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let ended = terminal::signalled(carto.run("auth login --with-token"), "Bearer: ", signal);
        assert_eq!(ended, (130, [false, true]), "{signal:?}");
    }
}

/// As anywhere else at a terminal: the shell comes back, and what is typed there is no part of the secret.
#[test]
fn a_hidden_question_can_be_suspended() {
    let (carto, cloud) = (Carto::without_kinds(), Cloud::start());
    let run = cloud.run(&carto, "auth login p --m2m --client-id machine-client --client-secret -");
    let (screen, status, shown) = terminal::suspended(run, "Client secret: ", "canary-half\u{1a}", SECRET);
    assert_eq!((status, shown), (0, [false, true, false, true]), "{screen}");
    assert!(!screen.contains("canary"), "{screen}");
    assert_eq!(sign_in(&carto)["sign_in"]["client_secret"], json!({ "value": SECRET }));
}

#[test]
fn a_secret_has_no_control_characters() {
    let carto = Carto::without_kinds();
    for keys in ["canary\u{1c}ls", "canary\u{1b}[D"] {
        let (screen, status) = terminal::asked(carto.run("auth login p --with-token"), "Bearer: ", keys);
        assert_eq!(status, 2, "{screen}");
        assert!(screen.contains("it holds a control character") && !screen.contains("canary"), "{screen}");
    }
}

/// Nobody types a secret for nothing, and is told of the right place.
#[test]
fn a_client_id_is_looked_at_before_its_secret_is_asked_for() {
    let (carto, cloud) = (Carto::without_kinds(), Cloud::start());
    for (line, prompt, place) in [
        ("auth login p --m2m", "Client id: ", "the prompt"),
        ("auth login p --m2m --client-id 'an id'", "", "`--client-id`"),
        ("auth login p --m2m --client-id 'an id' --client-secret -", "", "`--client-id`"),
    ] {
        let (screen, status) = terminal::asked(cloud.run(&carto, line), prompt, "an id");
        assert_eq!(status, 2, "{screen}");
        assert!(
            screen.contains(&format!("error: the client's id from {place} is empty or holds white space")),
            "{screen}"
        );
        assert!(!screen.contains("Client secret"), "{screen}");
    }
    let run = cloud.run(&carto, "auth login p --m2m --client-id x");
    let (screen, _) = terminal::asked(run, "Client secret: ", "a secret");
    assert!(screen.contains("the client's secret from the prompt") && !screen.contains("a secret"), "{screen}");
}
