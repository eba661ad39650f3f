//! Consent to what destroys.

use expect_test::expect;

use crate::support::output::check;
use crate::support::{Carto, terminal};

fn with_a_token() -> Carto {
    let carto = Carto::new();
    carto.sandbox("credentials create token --grant dw,a.b --apis sql --name demo").ok();
    carto
}

#[test]
fn nobody_to_ask_is_a_refusal_and_a_format_is_no_consent() {
    let carto = with_a_token();
    check(
        &carto.sandbox("credentials delete token demo").fails(2),
        expect![[r#"
        status 2
        --- stderr
        error: deleting API Access Token `demo` needs a confirmation, and nobody can be asked here
        hint: add `--yes` if you are sure
    "#]],
    );
    carto.sandbox("credentials delete token demo --json").fails(2);
    carto.sandbox("credentials delete token demo").stdin("delete\n").fails(2);
    let (screen, status) = terminal::run(carto.sandbox("credentials delete token demo --no-input"));
    assert_eq!(status, 2, "{screen}");
    carto.sandbox("credentials get token demo").ok();
}

#[test]
fn only_the_word_deletes() {
    let carto = with_a_token();
    for answer in ["", "y", "yes", "Delete", "demo"] {
        let (screen, status) = terminal::asked(carto.sandbox("credentials delete token demo"), "to go on: ", answer);
        assert_eq!(status, 1, "{answer}: {screen}");
        assert!(screen.contains("was not deleted"), "{screen}");
    }
    carto.sandbox("credentials get token demo").ok();
    let (screen, status) = terminal::asked(carto.sandbox("credentials delete token demo"), "to go on: ", "delete");
    assert_eq!(status, 0, "{screen}");
    assert!(screen.contains("Delete API Access Token `demo`?"), "{screen}");
    carto.sandbox("credentials get token demo").fails(3);
}
