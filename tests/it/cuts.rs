//! Thousands of creates against a server that cuts connections wherever it likes: nothing is made twice, and nothing is made without a word.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::support::Carto;
use crate::support::wire::{Act, Wire};

/// How many creates a test run makes; CI makes ten thousand.
const CREATES: usize = 200;

/// Numbers that look random and are the same in every run.
fn shuffled(seed: usize) -> usize {
    // The finaliser of SplitMix64.
    let mut z = (seed as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x1234_5678_9abc_def1);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) as usize
}

/// What a server has made, by name: how often.
type Made = Arc<Mutex<BTreeMap<String, usize>>>;

fn cutting_server(made: Made) -> Wire {
    let turn = AtomicUsize::new(0);
    Wire::start_with(move |_, request| {
        let chance = shuffled(turn.fetch_add(1, Ordering::Relaxed));
        if request.is_empty() {
            return match chance % 16 {
                0 => Act::ResetAtOnce,
                1 => Act::ResetUnread,
                _ => Act::Silence,
            };
        }
        let body: Value = serde_json::from_str(request.split("\r\n\r\n").nth(1).unwrap_or_default()).unwrap();
        let name = body["name"].as_str().unwrap().to_owned();
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            answer_to(&name).len()
        ) + &answer_to(&name);
        match chance % 12 {
            // Read, and not done.
            0 => return Act::RawReset(Vec::new()),
            1 => return Act::Raw(Vec::new()),
            2 => return Act::json("501 Not Implemented", r#"{"error": "no"}"#),
            3 => return Act::with("429 Too Many Requests", &[("retry-after", "0")], ""),
            _ => {}
        }
        *made.lock().unwrap().entry(name).or_default() += 1;
        match chance % 12 {
            // Done, and the answer cut anywhere.
            4..8 => Act::RawReset(answer.as_bytes()[..shuffled(chance) % answer.len()].to_vec()),
            8 => Act::Raw(answer.as_bytes()[..shuffled(chance) % answer.len()].to_vec()),
            // Somebody in between, who has lost the service in the middle of it.
            9 if chance.is_multiple_of(2) => Act::json("502 Bad Gateway", ""),
            9 => Act::json("503 Service Unavailable", r#"{"error": "later"}"#),
            _ => Act::Raw(answer.into_bytes()),
        }
    })
}

fn answer_to(name: &str) -> String {
    format!(r#"{{"id": "tok_{name}", "token": "x", "name": "{name}"}}"#)
}

#[test]
fn no_create_is_lost_and_none_is_made_twice() {
    #[allow(clippy::disallowed_methods)] // the one thing that a test run takes from outside
    let creates = std::env::var("CARTO_TEST_CREATES").map_or(CREATES, |count| count.parse().unwrap());
    let carto = Carto::new();
    let made = Made::default();
    let server = cutting_server(Arc::clone(&made));
    let next = AtomicUsize::new(0);
    let ends = Mutex::new(BTreeMap::<String, i32>::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let nth = next.fetch_add(1, Ordering::Relaxed);
                    if nth >= creates {
                        return;
                    }
                    let name = format!("n{nth}");
                    let line = format!("credentials create token --grant dw,a.b --apis sql --name {name} --field id");
                    let run = server.run(&carto, &line);
                    let output = run.output();
                    match output.status {
                        0 => assert_eq!(output.stdout, format!("tok_{name}\n")),
                        6 => assert!(output.stderr.contains("nothing was changed"), "{output}"),
                        8 => assert!(output.stderr.contains(&format!("get token {name}`")), "{output}"),
                        _ => panic!("{output}"),
                    }
                    ends.lock().unwrap().insert(name, output.status);
                }
            });
        }
    });
    let (made, ends) = (made.lock().unwrap(), ends.into_inner().unwrap());
    let with = |status: i32| ends.values().filter(|end| **end == status).count();
    let unknown_and_made = ends.iter().filter(|(name, end)| **end == 8 && made.contains_key(*name)).count();
    println!(
        "{creates} creates: the server made {}; {} were reported, {} ended with 8 ({unknown_and_made} of them made), {} with 6; made twice: {}",
        made.len(),
        with(0),
        with(8),
        with(6),
        made.values().filter(|times| **times > 1).count()
    );
    assert_eq!(ends.len(), creates);
    assert!(made.values().all(|times| *times == 1), "made twice: {made:?}");
    assert_eq!(made.len(), with(0) + unknown_and_made);
    for (name, end) in &ends {
        match end {
            0 => assert!(made.contains_key(name), "{name} is reported, and isn't there"),
            6 => assert!(!made.contains_key(name), "{name} is there, and was said not to be"),
            _ => {}
        }
    }
    assert!(with(0) > creates / 10 && unknown_and_made > creates / 10 && with(6) > 0);
}
