//! Many processes at once: nothing is lost.

use crate::support::Carto;
use crate::support::server::Served;

/// As many grants are gained as commands ended with 0.
fn add_grants_at_once(run: impl Fn(&str) -> crate::support::Run + Sync, carto: &Carto) {
    carto.sandbox("credentials create token --grant dw,a.b --apis sql --name demo").ok();
    let run = &run;
    let succeeded: usize = std::thread::scope(|scope| {
        let running: Vec<_> = (0..20)
            .map(|i| {
                let line = format!("credentials update token demo --add-grant dw,t.n{i} --json");
                scope.spawn(move || run(&line).output())
            })
            .collect();
        running.into_iter().map(|thread| usize::from(thread.join().unwrap().status == 0)).sum()
    });
    let grants = carto.sandbox("credentials get token demo --json").ok().json()["grants"].as_array().unwrap().len();
    assert_eq!(grants, 1 + succeeded);
    assert!(succeeded > 0);
}

#[test]
fn twenty_updates_in_the_sandbox() {
    let carto = Carto::new();
    add_grants_at_once(|line| carto.sandbox(line), &carto);
}

#[test]
fn twenty_updates_over_http() {
    let carto = Carto::new();
    let served = Served::start(&carto);
    add_grants_at_once(|line| served.run(&carto, line), &carto);
}

/// The first commands of a new home, all at once: the database is made by one of them and found by the others.
#[test]
fn twenty_first_commands() {
    let carto = Carto::new();
    std::thread::scope(|scope| {
        for i in 0..20 {
            let carto = &carto;
            scope.spawn(move || {
                carto.sandbox(&format!("credentials create token --grant dw,a.b --apis sql --name n{i}")).ok().status
            });
        }
    });
    assert_eq!(carto.sandbox("credentials list tokens --field name").ok().stdout.lines().count(), 20);
}
