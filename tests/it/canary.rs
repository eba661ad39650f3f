//! Every way to sign in and to use what that gives, with every bearer, secret, code and verifier that passed looked for wherever somebody
//! else could see it: in what the program and the sandbox's server say, in the words and the variables of processes, in files.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;

use crate::support::http::{allow, ask};
use crate::support::login::{address, free_port};
use crate::support::recorder::Recorder;
use crate::support::server::Served;
use crate::support::session::{Process, in_a_session};
use crate::support::wire::{Act, Wire};
use crate::support::{Carto, Output, Run};

/// What others can see: outputs, and the words of processes; and who is handed what in variables.
struct Watch {
    seen: RefCell<String>,
    processes: (Sender<()>, JoinHandle<BTreeSet<Shown>>),
    /// How often all processes were looked at.
    looks: Arc<AtomicUsize>,
}

/// What the system shows of a process: its words, and its variables, which only its user and root may read.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Shown {
    words: String,
    variables: String,
}

impl Watch {
    fn start() -> Watch {
        let (sender, receiver) = channel();
        let looks = Arc::new(AtomicUsize::new(0));
        let own = Arc::clone(&looks);
        let processes = (sender, std::thread::spawn(move || shown(&receiver, &own)));
        Watch { seen: RefCell::default(), processes, looks }
    }

    /// Waits until all that runs now was looked at.
    fn look(&self) {
        let looks = || self.looks.load(Ordering::SeqCst);
        // The one that is under way may be past it.
        let enough = looks() + 2;
        while looks() < enough {
            std::thread::yield_now();
        }
    }

    /// Keeps all that a command said.
    fn see(&self, output: &Output) {
        self.seen.borrow_mut().push_str(&output.stdout);
        self.seen.borrow_mut().push_str(&output.stderr);
    }

    /// Keeps what a command said on standard error; its result is a new secret's one showing.
    fn shown(&self, output: &Output) -> Value {
        self.seen.borrow_mut().push_str(&output.stderr);
        output.json()
    }
}

/// What is shown of every process, until told to end.
fn shown(end: &Receiver<()>, looks: &AtomicUsize) -> BTreeSet<Shown> {
    let mut shown = BTreeSet::new();
    while end.recv_timeout(Duration::from_millis(1)) == Err(RecvTimeoutError::Timeout) {
        for process in Process::all() {
            // It may be over by now.
            let text = |file| String::from_utf8_lossy(&std::fs::read(process.path(file)).unwrap_or_default()).into();
            // In this order: whoever has the words of a program that was just begun has its variables too.
            let words = text("cmdline");
            shown.insert(Shown { words, variables: text("environ") });
        }
        looks.fetch_add(1, Ordering::SeqCst);
    }
    shown
}

/// The values of these names in all that passed: in queries and forms, and in JSON.
fn values(passed: &str, names: &[&str]) -> BTreeSet<String> {
    let pattern = format!(r#"\b({})("\s*:\s*"|=)([A-Za-z0-9._~%+/-]{{8,}})"#, names.join("|"));
    let pattern = regex_lite::Regex::new(&pattern).unwrap();
    pattern.captures_iter(passed).map(|found| found[3].to_owned()).collect()
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.symlink_metadata().unwrap().is_dir() {
            true => files(&path, found),
            false => found.push(path),
        }
    }
}

/// Signs in in a browser, with the test as the person at it.
fn in_a_browser(run: Run) -> Output {
    let mut run = run;
    let mut child = run.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    let mut byte = [0];
    let stderr = child.stderr.as_mut().unwrap();
    let url = loop {
        use std::io::Read;
        let line_is_whole = stderr.read(&mut byte).unwrap() == 0 || byte[0] == b'\n';
        said.push(char::from(byte[0]));
        if line_is_whole && let Some(url) = said.lines().last().and_then(address) {
            break url;
        }
        assert!(said.len() < 10_000, "{said}");
    };
    let back = allow(url.as_str());
    let page = ask("GET", &back, &[], "");
    assert!([200, 303].contains(&page.status), "{page:?}");
    if let Some(next) = page.header("location") {
        ask("GET", url::Url::parse(&back).unwrap().join(next).unwrap().as_str(), &[], "");
    }
    let mut output = run.ended(child);
    output.stderr.insert_str(0, &said);
    output
}

#[test]
fn no_secret_is_seen_by_anybody_else() {
    let (carto, watch) = (Carto::new(), Watch::start());
    // The clock of the machine, by which tokens end.
    let (served, said) =
        Served::watched(carto.run("sandbox serve --port 0 --json --debug").env("CARTO_SANDBOX_FAULT", ""));
    let recorder = Recorder::before(&served.url);
    let issuer = format!("{}/", recorder.url);
    let port = free_port().to_string();
    let run = |line: &str| {
        let run = carto.run(&format!("{line} --debug"));
        in_a_session(run)
            .env("CARTO_AUTH_ISSUER", &issuer)
            .env("CARTO_ACCOUNTS_URL", format!("{}/accounts", recorder.url))
            .env("CARTO_AUTH_PORT", &port)
            .env("PATH", "/usr/bin:/bin")
    };
    let as_owner = |line: &str| run(line).env("CARTO_BASE_URL", &recorder.url).env("CARTO_API_TOKEN", &served.bearer);

    // A machine signs in by each way in.
    let client = as_owner("credentials create m2m --title ci --json").ok();
    let client = watch.shown(&client);
    let (id, secret) = (client["clientId"].as_str().unwrap(), client["clientSecret"].as_str().unwrap());
    for (line, with) in [
        ("auth login one --m2m", [("CARTO_M2M_CLIENT_ID", id), ("CARTO_M2M_CLIENT_SECRET", secret)]),
        ("auth login two --m2m --json", [("CARTO_CLI_M2M_CLIENT_ID", id), ("CARTO_CLI_M2M_CLIENT_SECRET", secret)]),
    ] {
        let output = with.into_iter().fold(run(line), |run, (name, value)| run.env(name, value)).ok();
        watch.see(&output);
    }
    let from_standard_input = format!("auth login three --m2m --client-id {id} --client-secret -");
    let output = run(&from_standard_input).stdin(secret).ok();
    watch.see(&output);
    let output = run("auth login four --m2m --client-file -").stdin(&client.to_string()).ok();
    watch.see(&output);

    // And fails to.
    let wrong = "wrong-secret-wrong-secret-wrong-secret";
    for json in ["", " --json"] {
        let output = run(&format!("{from_standard_input}{json}")).stdin(wrong).fails(4);
        watch.see(&output);
    }
    let repeats = format!(r#"{{"error": "invalid_client", "error_description": "no client has {secret}"}}"#);
    let parrot = Wire::start(vec![Act::json("401 Unauthorized", &repeats)]);
    let line = format!("{from_standard_input} --issuer http://127.0.0.1:{}/", parrot.port);
    let output = run(&line).stdin(secret).output();
    assert_ne!(output.status, 0, "{output}");
    watch.see(&output);

    // A person signs in, in one process and in two.
    let callback = format!("http://127.0.0.1:{port}/callback");
    let spa = as_owner(&format!("credentials create spa --title cli --callback {callback} --json")).ok();
    let spa = watch.shown(&spa);
    let person = |line: &str| run(line).env("CARTO_AUTH_CLIENT_ID", spa["clientId"].as_str().unwrap());
    let output = in_a_browser(person("auth login five"));
    assert_eq!(output.status, 0, "{output}");
    watch.see(&output);
    let output = person("auth login six --no-launch-browser").ok();
    watch.see(&output);
    let pending = carto.data().join("logins");
    assert_eq!(std::fs::read_dir(&pending).unwrap().count(), 1);
    let back = allow(output.stdout.trim());
    for status in [0, 4] {
        let output = person("auth login --callback -").stdin(&back).output();
        assert_eq!(output.status, status, "{output}");
        watch.see(&output);
    }

    // Bearers are used, shown, kept and ended.
    let profiles = || -> Value {
        let text = std::fs::read_to_string(carto.home().join(".carto_credentials.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let bearer = profiles()["profiles"]["six"]["token"].as_str().unwrap().to_owned();
    let output = run("auth login seven --with-token").stdin(&bearer).ok();
    watch.see(&output);
    let token = run("credentials create token --grant dw,a.b --apis sql --name t --json").ok();
    let token = watch.shown(&token)["token"].as_str().unwrap().to_owned();
    for line in [
        "auth status",
        "auth status --json",
        "auth status five --json",
        "auth whoami",
        "auth whoami --json",
        "auth use six",
        "credentials list",
        "credentials list --json",
        "credentials get token t",
        "credentials verify token t",
        "credentials verify token t --json",
        "credentials verify spa cli",
        "credentials delete token t --dry-run --yes",
        "auth logout seven",
        "auth logout five --json",
    ] {
        let output = run(line).output();
        assert!([0, 1].contains(&output.status), "{line}: {output}");
        watch.see(&output);
    }
    let line = format!("credentials verify m2m {id} --secret -");
    let output = run(&line).stdin(secret).ok();
    watch.see(&output);
    let for_one_command = for_one_command(&carto, &watch);
    let output = run(&format!("auth status --token {bearer}")).output();
    // The one place in which it was typed.
    let typed = bearer;
    watch.see(&output);

    // All that passed, and all that was kept.
    let passed = recorder.passed();
    let names = ["code", "code_verifier", "client_secret", "access_token", "refresh_token", "id_token"];
    let mut secrets = values(&passed, &names);
    // Made up by `verify`, and the secret of nothing.
    secrets.retain(|value| !value.starts_with("carto-verify"));
    for name in names {
        assert!(!values(&passed, &[name]).is_empty(), "no {name} has passed");
    }
    secrets.extend([secret.to_owned(), served.bearer.clone(), token, wrong.to_owned(), typed.clone()]);
    secrets.extend(for_one_command.iter().cloned());
    for (_, profile) in profiles()["profiles"].as_object().unwrap() {
        secrets.insert(profile["token"].as_str().unwrap().to_owned());
    }
    // Less than the whole is too much as well.
    let parts: BTreeSet<String> = secrets.iter().map(|secret| part(secret)).collect();
    assert!(secrets.len() > 15, "{}", secrets.len());

    let seen = watch.seen.into_inner();
    let (stdout, stderr) = served.ended(said);
    for part in &parts {
        assert!(!seen.contains(part.as_str()), "{part} was printed");
        assert!(!stdout.contains(part.as_str()), "{part} was printed by the server");
        assert!(!stderr.contains(part.as_str()), "{part} was printed by the server on standard error");
    }
    watch.processes.0.send(()).unwrap();
    let processes = watch.processes.1.join().unwrap();
    for words in ["auth\0login\0three", "carto\0kind-worker\0", "sandbox\0exec\0", "sh\0-c\0"] {
        assert!(processes.iter().any(|shown| shown.words.contains(words)), "nothing was seen of {words:?}");
    }
    for part in parts.iter().filter(|part| **part != self::part(&typed)) {
        let process = processes.iter().find(|shown| shown.words.contains(part.as_str()));
        assert!(process.is_none(), "{part} was an argument: {:?}", process.map(|shown| &shown.words));
    }
    for Shown { words, variables } in &processes {
        let holding =
            variables.split('\0').filter(|variable| parts.iter().any(|part| variable.contains(part.as_str())));
        for (name, _) in holding.filter_map(|variable| variable.split_once('=')) {
            assert!(FOR_SECRETS.contains(&name), "a secret is in {name} of {words:?}");
            assert!(!words.starts_with("carto\0kind-worker\0"), "a worker has {name}");
        }
    }
    let [bearer, _] = &for_one_command;
    let has_it = |shown: &Shown| shown.variables.contains(&format!("\0CARTO_API_TOKEN={bearer}\0"));
    assert!(processes.iter().any(|shown| shown.words.starts_with("sh\0-c\0") && has_it(shown)), "it has no variables");
    let mut found = Vec::new();
    files(carto.home(), &mut found);
    let of_the_login = carto.home().join(".carto_credentials.json");
    for file in found {
        let mode = file.metadata().unwrap().permissions().mode();
        let bytes = std::fs::read(&file).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let holds = parts.iter().find(|part| text.contains(part.as_str()));
        match file == of_the_login {
            true => assert_eq!(mode & 0o777, 0o600),
            false => assert!(holds.is_none(), "{holds:?} is in {}", file.display()),
        }
    }
    assert_eq!(std::fs::read_dir(pending).unwrap().count(), 0);
}

/// The variables in which a secret may be handed over.
const FOR_SECRETS: [&str; 3] = ["CARTO_API_TOKEN", "CARTO_M2M_CLIENT_SECRET", "CARTO_CLI_M2M_CLIENT_SECRET"];

/// A command with a sandbox of its own makes a token, and ends when it was seen. Answers with the bearer that it was handed, and the token.
fn for_one_command(carto: &Carto, watch: &Watch) -> [String; 2] {
    let script = r#"echo "$CARTO_API_TOKEN"
        "$0" credentials create token --grant dw,a.b --apis sql --field token --debug
        read -r line"#;
    let words = ["sandbox", "exec", "--debug", "--", "sh", "-c", script, env!("CARGO_BIN_EXE_carto")];
    let mut run = in_a_session(carto.run_words(&words)).env("PATH", "/usr/bin:/bin");
    run.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = run.command.spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let secrets = [(); 2].map(|()| {
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    });
    watch.look();
    drop(child.stdin.take());
    let output = run.ended(child);
    watch.seen.borrow_mut().push_str(&output.stderr);
    assert!(secrets[0].starts_with("sandbox_") && secrets[1].starts_with("ey"), "{output}");
    secrets
}

/// Of a JWT the signature, else the beginning: its head and its claims may be known.
fn part(secret: &str) -> String {
    match secret.split('.').collect::<Vec<_>>()[..] {
        [_, _, signature] => signature[..16.min(signature.len())].to_owned(),
        _ => secret[..16.min(secret.len())].to_owned(),
    }
}
