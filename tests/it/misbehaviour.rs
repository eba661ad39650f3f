//! A kind that misbehaves, fault by fault, in a real worker: what the host says, how it ends, and what is left. The table of all of them is
//! a page of the documentation. The library is the fixture `strange`, of which each row has a copy with its own word in it.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use carto_plugin_api::is_harmful;
use expect_test::expect_file;
use regex_lite::Regex;

use crate::support::session;
use crate::support::wire::Wire;
use crate::support::{Carto, Output, Run, library};

/// Rows that wait for something wait at once.
const AT_ONCE: usize = 4;

/// For a kind that doesn't end: long enough for a slow machine to open a library.
const SHORT: &str = "3s";
/// For all others: a slow machine must not turn one fault into another.
const LONG: &str = "60s";

/// What is done with a fault at the level `plain`.
#[derive(Clone, Copy, PartialEq)]
enum AtPlain {
    Tried,
    /// Whether it works depends on the user, the kernel's settings and a container, and not on carto.
    Systems,
    /// It could harm the machine if the test runs as root.
    NotTried,
}
use AtPlain::{NotTried, Systems, Tried};

/// One row.
struct Fault {
    words: String,
    mode: String,
    /// At the level `confined`.
    status: i32,
    at_plain: AtPlain,
    deadline: &'static str,
    /// What the message must say then.
    says: &'static str,
    /// The id of a credential that there is.
    needs_one: bool,
    /// The method of a write that the service has accepted.
    accepted: Option<&'static str>,
    /// What a server sees of it, if it is watched by one: the request lines, all to the same host.
    asks: Option<&'static [&'static str]>,
    shows: bool,
}

impl Fault {
    /// A fault that ends with status 7, in a place.
    fn new(words: &str, place: &str, what: &str) -> Fault {
        Fault {
            words: words.to_owned(),
            mode: format!("{place}:{what}"),
            status: 7,
            at_plain: Tried,
            deadline: LONG,
            says: "",
            needs_one: false,
            accepted: None,
            asks: None,
            shows: false,
        }
    }

    fn ends(self, status: i32) -> Fault {
        Fault { status, ..self }
    }

    fn says(self, says: &'static str) -> Fault {
        Fault { says, ..self }
    }

    fn soon(self) -> Fault {
        Fault { deadline: SHORT, ..self }
    }

    fn place(&self) -> &str {
        self.mode.split(':').next().unwrap()
    }

    fn what(&self) -> &str {
        self.mode.split(':').nth(1).unwrap()
    }

    /// Whether a list of all kinds meets it too.
    fn is_met_by_a_list(&self) -> bool {
        matches!(self.place(), "open" | "list")
    }
}

/// What is different about a row.
type Change = fn(Fault) -> Fault;

const VERBS: [&str; 5] = ["list", "get", "create", "update", "delete"];

fn faults() -> Vec<Fault> {
    let mut faults = Vec::new();
    let fault = Fault::new;
    faults.push(fault("a panic", "open", "panic"));
    faults.extend(VERBS.map(|verb| fault("a panic", verb, "panic").says("it panicked at")));
    let mut both = |words: &str, what: &str, change: Change| {
        faults.extend(["open", "get"].map(|place| change(fault(words, place, what))));
    };
    // Ways to end.
    both("a panic in a drop", "panic-in-drop", |fault| fault);
    both("a panic during a panic", "double-panic", |fault| fault);
    both("`abort()`", "abort", |fault| fault);
    both("prints without end", "prints-for-ever", Fault::soon);
    both("a write to an address without memory", "segfault", |fault| fault.says("SIGSEGV"));
    both("the same with all signals blocked", "block-signals", |fault| fault.says("SIGSEGV"));
    both("an instruction that there isn't", "illegal-instruction", |fault| fault.says("SIGILL"));
    both("endless recursion", "stack-overflow", |fault| fault.says("overflowed its stack"));
    both("an endless loop", "endless-loop", Fault::soon);
    both("an endless sleep", "sleep", Fault::soon);
    both("the same, passing over signals", "signal-handlers", Fault::soon);
    both("memory without end", "memory-hog", |fault| fault.says("ran out of memory"));
    both("`exit(0)`", "exit", |fault| fault.says("status 0"));
    both("`_exit(3)`", "exit-quick", |fault| fault.says("status 3"));
    // Its streams and descriptors.
    both("a million lines on standard output", "prints", |fault| fault.ends(1));
    both("a line on standard output, one on standard error", "print-some", |fault| {
        let status = if fault.place() == "open" { 1 } else { 0 };
        fault.ends(status)
    });
    both("closes all descriptors", "close-descriptors", |fault| fault);
    both("closes all descriptors and loops", "close-and-loop", |fault| fault);
    both("floods its descriptors", "flood-descriptors", |fault| fault.says("it sent a message"));
    both("counts its variables", "environment", |fault| fault.ends(1).says(": 0 variables"));
    both("counts its descriptors, but for the streams and the channel", "descriptors", |fault| {
        // The library itself is open while it is opened.
        let says = if fault.place() == "open" { ": 1 open" } else { ": 0 open" };
        fault.ends(1).says(says)
    });
    // What it asks of the system.
    for (words, what, at_plain) in [
        ("starts a process", "fork", Tried),
        ("starts a thread", "thread", Tried),
        ("runs another program", "exec", Tried),
        ("makes a program in memory and runs it, by `memfd_create` and `execveat`", "memfd-exec", Tried),
        ("kills the process that started it", "kill-parent", Tried),
        ("sends that process a signal that does nothing", "signal-parent-zero", Systems),
        ("sends the first process of the system such a signal", "tgkill-other", NotTried),
        ("watches that process by `ptrace`", "ptrace", Systems),
        ("reads that process's memory by `process_vm_readv`", "process-vm-readv", Systems),
        ("opens a socket", "socket", Tried),
        ("opens a socket within this machine", "unix-socket", Tried),
        ("opens a connection", "connect", Systems),
        ("opens a socket, passing over the signal that tells of it", "signal-handler-sys", Tried),
        ("reads `/etc/passwd`", "read-file", Tried),
        ("writes a file", "write-file", Tried),
        ("looks whether a file is there", "stat-file", Tried),
        ("lists a folder", "list-folder", Tried),
        ("asks for the folder that it is in", "getcwd", Tried),
        ("goes to another folder", "chdir", Tried),
        ("removes a file that isn't there", "unlink", Tried),
        ("mounts a folder", "mount", NotTried),
        ("makes a descriptor of `epoll`", "epoll", Tried),
        ("makes a pipe", "pipe", Tried),
        ("makes another descriptor for the same", "dup", Tried),
        ("asks for executable memory", "mmap-exec", Tried),
        ("makes memory executable", "mprotect-exec", Tried),
        ("makes a ring of `io_uring`", "io-uring", Systems),
        ("looks for the kernel's keys", "keyctl", Systems),
        ("makes a map of `bpf`", "bpf", Systems),
        ("makes a counter of `perf`", "perf", Systems),
        ("makes a descriptor of `userfaultfd`", "userfaultfd", Systems),
        ("wants a namespace of its own", "unshare", Systems),
        ("makes itself readable", "prctl-dumpable", Tried),
        ("lifts its limits", "prlimit", Systems),
        ("wants to be root", "setuid", NotTried),
        ("sets a timer", "alarm", Tried),
        ("puts on a filter of its own, which allows everything", "seccomp", Tried),
        ("puts on one that reports to it", "listen-to-filter", Systems),
        ("looks whether a file is there, as the loader asks for a descriptor's size", "stat-by-descriptor", Tried),
        ("sends out of band over its channel", "out-of-band", Systems),
        ("asks for the time that another process has used", "clock-of-others", Systems),
        ("asks on which processors another process may run", "processors-of-others", Systems),
        ("gives the kernel advice that is for administrators", "advice", Systems),
    ] {
        faults.extend(["open", "get"].map(|place| Fault { at_plain, ..fault(words, place, what) }));
    }
    // A constructor can put on another filter. Both are in force then.
    let filters = faults.iter_mut().find(|fault| fault.mode == "open:seccomp").unwrap();
    filters.status = 1;

    // What it answers with.
    for (words, what) in [
        ("an answer that isn't JSON", "not-json"),
        ("one that isn't UTF-8", "not-utf8"),
        ("an empty one", "empty-answer"),
        ("one that is too large", "too-large"),
        ("a list, in a hundred thousand lists", "deep"),
        ("a list of numbers", "array"),
        ("`null`", "null"),
        ("a text", "text"),
        ("a page instead of a record, or the other way round", "page"),
        ("a record without an id", "no-id"),
        ("a number as id", "number-id"),
        ("a field that its manifest doesn't declare", "extra-field"),
        ("its secret as id", "secret-as-id"),
    ] {
        for verb in ["list", "get", "create"] {
            let what = if (verb, what) == ("list", "page") { "record" } else { what };
            faults.push(fault(words, verb, what));
        }
    }
    faults.push(fault("an answer that is larger than any message", "get", "far-too-large"));
    faults.push(fault("a page whose address is too long", "list", "long-cursor"));
    faults.push(fault("an error of five million letters", "get", "error-long").ends(1));
    faults
        .push(fault("an error that only the host can make", "get", "error-interrupted").says("isn't a kind's to make"));
    faults.push(fault("a page that leads to itself", "list", "endless-pages"));
    for (words, what) in [
        ("an answer with colours, a bell, a carriage return and a link", "escapes"),
        ("one with characters that turn the direction of writing", "bidi"),
    ] {
        faults.extend(["list", "get"].map(|verb| Fault { shows: true, ..fault(words, verb, what).ends(0) }));
    }
    faults.push(fault("an error with colours, a bell, a carriage return and a link", "get", "error-escapes").ends(1));
    faults.push(fault("an error that isn't JSON", "get", "error-not-json"));
    faults.push(fault("an error without a message", "get", "error-odd"));
    faults.push(fault("a frame that announces 4 GiB, and a loop", "get", "frame-length"));
    faults.push(fault("half a frame, and the end", "get", "frame-short").says("status 0"));
    faults.push(fault("a frame of a type that there isn't", "get", "frame-tag"));
    faults.push(fault("an answer of its own in the channel, before the one that is asked for", "get", "frame-late"));

    // What it asks of the host.
    let asks = |words, verb, what, asks| Fault { asks: Some(asks), ..fault(words, verb, what) };
    let refused = |words, what| asks(words, "get", what, &[]).says("broke the contract");
    faults.extend([
        refused("a request that its manifest doesn't declare", "undeclared"),
        refused("one to another service", "undeclared-service"),
        refused("one to another host, `//evil.example.com`", "other-host-slashes"),
        refused("a path with `..`", "dots"),
        refused("a method of its own", "own-method"),
        refused("a line break in a header", "header-line-break"),
        refused("an `Authorization` of its own", "own-authorization"),
        refused("a `Host` of its own", "own-host"),
        refused("a `Proxy-Authorization` of its own", "own-proxy-authorization"),
        refused("a request that isn't one", "not-a-request"),
        refused("another method, in the query", "method-in-query"),
        refused("a request that is all secret", "hidden-request"),
        asks("a request of two megabytes", "get", "large-request", &[]).says("made a request of"),
    ]);
    let encoded = |words, what, sent| asks(words, "get", what, sent).ends(0);
    faults.extend([
        encoded(
            "`//evil.example.com/x` as an id",
            "slashes-in-segment",
            &["GET /v3/tokens/%2F%2Fevil.example.com%2Fx"],
        ),
        encoded("`@evil.example.com` as an id", "at-sign", &["GET /v3/tokens/%40evil.example.com"]),
        encoded("an id with CR LF and `Host:`", "line-break", &["GET /v3/tokens/x%0D%0AHost%3A%20evil.example.com"]),
        encoded("`%2e%2e` as an id", "encoded-dots", &["GET /v3/tokens/%252e%252e"]),
        encoded("an id with `?`", "query-in-path", &["GET /v3/tokens/x%3Ftype%3Dspa"]),
        encoded("an id with `#`", "fragment", &["GET /v3/tokens/x%23y"]),
    ]);
    faults.push(fault("a thousand requests", "get", "flood-requests").ends(0));
    faults.push(fault("thirty warnings", "get", "flood-warnings").says("it made more than 20 warnings"));
    faults.push(fault("an undeclared request, and then a good write", "create", "undeclared"));

    // What it says of its writes.
    for verb in ["create", "update", "delete"] {
        faults.push(
            fault("says that a write worked which was refused", verb, "succeed-after-refusal")
                .says("it says that it succeeded, but"),
        );
    }
    faults.push(fault("makes two and shows a third", "create", "write-twice").ends(0));
    faults.push(fault("makes another instead of deleting", "delete", "make-instead").says("but it deleted nothing"));
    let afterwards: [(&str, &str, Change); 6] = [
        ("says that a write failed which was accepted", "fail-after-write", |fault| fault.ends(8)),
        ("aborts after a write was accepted", "die-after-write", |fault| fault),
        ("loops after a write was accepted", "loop-after-write", Fault::soon),
        ("`exit(0)` after a write was accepted", "exit-after-write", |fault| fault),
        ("opens a socket after a write was accepted", "socket-after-write", |fault| fault),
        ("answers with what isn't JSON after a write was accepted", "garbage-after-write", |fault| fault),
    ];
    for (words, what, change) in afterwards {
        for (verb, method) in [("create", "POST"), ("update", "PATCH"), ("delete", "DELETE")] {
            let needs_one = verb != "create";
            faults.push(change(Fault { needs_one, accepted: Some(method), ..fault(words, verb, what) }));
        }
    }
    faults
}

/// The fixture's bytes, and where in them is what a row has in its own way.
struct Strange {
    bytes: Vec<u8>,
    mode: usize,
    wrote: usize,
}

impl Strange {
    const MODE: &[u8] = b"carto-strange-mode=";
    const WROTE: &[u8] = b"/tmp/carto-strange-wrote";

    fn read() -> Strange {
        let bytes = std::fs::read(library::built("strange")).unwrap();
        let place = |what: &[u8]| {
            let first = bytes.windows(what.len()).position(|window| window == what);
            first.expect("the fixture has it")
        };
        let (mode, wrote) = (place(Strange::MODE), place(Strange::WROTE));
        Strange { bytes, mode, wrote }
    }

    /// Puts a copy with this word into a folder of kinds, and answers with the file that it writes if it is let.
    fn install(&self, mode: &str, kinds: &Path) -> PathBuf {
        static NTH: AtomicUsize = AtomicUsize::new(0);
        // As long as the name that is in there. Two runs of this test don't see each other's.
        let nth = NTH.fetch_add(1, Ordering::SeqCst);
        let wrote = format!("/tmp/carto-{:08}-{nth:04}", std::process::id());
        assert_eq!(wrote.len(), Strange::WROTE.len());
        let mut file = File::create(kinds.join(library::file_name("strange"))).unwrap();
        file.write_all(&self.bytes).unwrap();
        file.write_all_at(format!("{mode:.<45}").as_bytes(), (self.mode + Strange::MODE.len()) as u64).unwrap();
        file.write_all_at(wrote.as_bytes(), self.wrote as u64).unwrap();
        PathBuf::from(wrote)
    }
}

/// How a command ended.
struct Ended {
    output: Output,
    signal: Option<i32>,
    session: u32,
}

/// Runs a command in a session of its own, by which all that it starts can be found afterwards.
fn in_a_session(carto: &Carto, run: Run) -> Ended {
    let mut run = session::in_a_session(run);
    let child = run.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let session = child.id();
    let output = child.wait_with_output().unwrap();
    let signal = output.status.signal();
    Ended { output: Output::new(output, carto.home()), signal, session }
}

/// All that is in a folder, but for what belongs to the sandbox.
fn contents(folder: &Path) -> BTreeSet<(PathBuf, u64)> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.ends_with(".local") {
            let database = BTreeSet::from(["sandbox.db", "sandbox.db-shm", "sandbox.db-wal"]);
            let files = std::fs::read_dir(path.join("share/carto")).unwrap();
            let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
            names.for_each(|name| assert!(database.contains(name.as_str()), "{name}"));
            continue;
        }
        let metadata = path.symlink_metadata().unwrap();
        if metadata.is_dir() {
            found.extend(contents(&path));
        }
        found.insert((path, if metadata.is_dir() { 0 } else { metadata.len() }));
    }
    found
}

fn run_kinds(carto: &Carto, level: &str, deadline: &str) {
    let plugins = format!("[plugins]\nlevel = \"{level}\"\ndeadline = \"{deadline}\"\n");
    carto.write(".config/carto/config.toml", &format!("[network]\nbackoff = \"1ms\"\n{plugins}"));
}

/// Meets a fault at a level, and answers with what is told about it.
fn meet(strange: &Strange, fault: &Fault, level: &str) -> String {
    let carto = Carto::without_kinds();
    carto.install("m2m");
    let wrote = strange.install(&fault.mode, &carto.kinds());
    run_kinds(&carto, level, fault.deadline);
    let id =
        if fault.needs_one { carto.created("credentials create m2m --title x", "clientId") } else { "x".to_owned() };
    let before = contents(carto.home());

    let line = match fault.place() {
        "list" => "list stranges".to_owned(),
        "create" => "create strange".to_owned(),
        "update" => format!("update strange {id}"),
        "delete" => format!("delete strange {id} --yes"),
        _ => format!("get strange {id}"),
    };
    let line = format!("credentials {line}");
    let server = fault.asks.map(|_| Wire::json("200 OK", "{}"));
    let run = server.as_ref().map_or_else(|| carto.sandbox(&line), |server| server.run(&carto, &line));
    let ended = in_a_session(&carto, run);

    let Ended { output, signal, .. } = &ended;
    let told = format!("{} at `{level}`: {output}", fault.mode);
    nothing_is_left(fault, level, &ended, &told);
    assert_eq!(contents(carto.home()), before, "{told}");
    // At `plain` it can make a file, though none that holds anything.
    let file = std::fs::metadata(&wrote).ok().map(|metadata| metadata.len());
    let makes = (level, fault.what()) == ("plain", "write-file");
    assert_eq!(file, makes.then_some(0), "{told}");

    for text in [&output.stdout, &output.stderr] {
        assert!(!text.contains(|c| c != '\n' && is_harmful(c)), "{told}");
        assert!(!text.contains(" of many") && !text.contains("a line on standard"), "{told}");
    }
    if level != "plain" {
        assert_eq!((output.status, *signal), (fault.status, None), "{told}");
        assert!(output.stderr.contains(fault.says), "{told}");
    } else {
        assert_eq!(signal.is_some(), fault.what() == "kill-parent", "{told}");
    }
    if output.status == 7 {
        assert!(output.stdout.is_empty() || fault.what() == "endless-pages", "{told}");
        let named = "error: the kind `strange` ";
        assert!(output.stderr.starts_with(named) || fault.what() == "flood-warnings", "{told}");
        assert!(output.stderr.contains("\nhint: "), "{told}");
    }
    if let (Some(server), Some(asks)) = (&server, fault.asks) {
        let asked = server.requests();
        assert_eq!(asked.iter().map(|request| line_of(request)).collect::<Vec<_>>(), asks, "{told}");
        asked.iter().for_each(|request| is_as_the_host_makes_it(request, server));
    }
    if let Some(method) = fault.accepted {
        is_named(&carto, method, &id, output, &told);
    }
    // What another verb does can't be seen in a list: once is enough. One that opens what kills it would be killed as well.
    if signal.is_none() && (level == "confined" || fault.is_met_by_a_list()) {
        run_kinds(&carto, level, if fault.is_met_by_a_list() { fault.deadline } else { LONG });
        others_are_listed(&carto, fault, output.status, &told);
    }
    let _ = std::fs::remove_file(&wrote);
    cell(fault, level, &ended)
}

/// No process of the command's is there any more, and none waits to be asked how it ended.
fn nothing_is_left(fault: &Fault, level: &str, ended: &Ended, told: &str) {
    let made_by_it = level == "plain" && ["fork", "kill-parent"].contains(&fault.what());
    if !made_by_it {
        assert!(session::left(ended.session).is_empty(), "{told}");
        return;
    }
    // The host knows nothing of a process that its worker started, and a killed host waits for nobody: both have ended, or end now. That
    // somebody asks how, is up to the first process of the system.
    let began = Instant::now();
    while session::left(ended.session).iter().any(|process| !process.is_over()) {
        assert!(began.elapsed() < Duration::from_secs(20), "{told}");
        std::thread::yield_now();
    }
}

/// `GET /path`.
fn line_of(request: &str) -> String {
    request.lines().next().unwrap().trim_end_matches(" HTTP/1.1").to_owned()
}

/// One `Host` and one `Authorization`, both the host's.
fn is_as_the_host_makes_it(request: &str, server: &Wire) {
    let request = request.to_lowercase();
    let headers =
        |name: &str| request.lines().filter(|line| line.starts_with(name)).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(headers("host:"), [format!("host: 127.0.0.1:{}", server.port)], "{request}");
    assert_eq!(headers("authorization:"), ["authorization: bearer x"], "{request}");
}

/// The message names the write that the service has accepted, and the id, by which it is found.
fn is_named(carto: &Carto, method: &str, id: &str, output: &Output, told: &str) {
    let names = format!("the service had accepted {method} /v3/oauth-clients");
    assert!(output.stderr.contains(&names), "{told}");
    let named = Regex::new("/v3/oauth-clients(?:/| \\(`)([A-Za-z0-9]{32})").unwrap();
    let named = named.captures(&output.stderr).unwrap_or_else(|| panic!("{told}"))[1].to_owned();
    assert!(method == "POST" || named == id, "{told}");
    let looked = carto.sandbox(&format!("credentials get m2m {named}")).output();
    assert_eq!(looked.status, if method == "DELETE" { 3 } else { 0 }, "{told}{looked}");
}

/// What one kind does is no other's trouble.
fn others_are_listed(carto: &Carto, fault: &Fault, status: i32, told: &str) {
    let listed = carto.sandbox("credentials list --json").output();
    let json = listed.json();
    assert!(json["m2m"].is_array(), "{told}{listed}");
    let errors = json["errors"].as_array().cloned().unwrap_or_default();
    let named: Vec<_> = errors.iter().map(|error| error["kind"].as_str().unwrap_or_default()).collect();
    let is_met = status != 0 && fault.is_met_by_a_list();
    let expected: (i32, &[&str]) = if is_met { (status, &["strange"]) } else { (0, &[]) };
    assert_eq!((listed.status, named.as_slice()), expected, "{told}{listed}");
}

/// Status and message, without what differs from run to run and without the usual hint.
fn cell(fault: &Fault, level: &str, Ended { output, signal, .. }: &Ended) -> String {
    if let Some(signal) = signal {
        assert_eq!(*signal, 9);
        return "killed by SIGKILL".to_owned();
    }
    let text = output.to_string();
    let text = text.replace("[home]/kinds/libcarto_kind_strange.so", "FILE");
    let text = Regex::new(r"(src/[a-z]+\.rs):[0-9]+").unwrap().replace_all(&text, "$1:[line]").into_owned();
    let (stdout, stderr) = text.split_once("--- stderr\n").unwrap_or((&text, ""));
    if output.status == 0 {
        let mut cell = "0: works".to_owned();
        if fault.shows {
            let lines = stdout.lines().skip(2).map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
            let lines = lines.filter(|line| !line.is_empty()).map(|line| format!("`{line}`"));
            cell.push_str(&format!(", shows<br>{}", lines.collect::<Vec<_>>().join("<br>")));
        }
        for line in fault.asks.unwrap_or_default() {
            cell.push_str(&format!(", asks the account's service for `{line}`"));
        }
        stderr.lines().for_each(|line| cell.push_str(&format!("<br>{line}")));
        return cell;
    }
    let line = |label: &str| stderr.lines().find_map(|line| line.strip_prefix(label)).unwrap_or_default();
    let (message, hint) = (line("error: "), line("hint: "));
    if level == "plain" && fault.at_plain == Systems {
        let named = format!("`{}` ", fault.what());
        let came_of_it = message.trim_start_matches("in its constructor: ").strip_prefix(&named).unwrap_or_default();
        assert!(output.status == 1 && ["worked", "failed"].iter().any(|word| came_of_it.starts_with(word)), "{output}");
        return "up to the system".to_owned();
    }
    let hint = if ["", USUAL_HINT].contains(&hint) { String::new() } else { format!("<br>→ {hint}") };
    let letters = message.chars().count();
    let message = match letters {
        ..=500 => message.to_owned(),
        _ => format!("{}… ({letters} letters)", message.chars().take(20).collect::<String>()),
    };
    format!("{}: {message}{hint}", output.status)
}

const USUAL_HINT: &str = "report it to the tests, or remove `FILE`";

const HEAD: &str = "\
# Faults of a plugin

What `carto` says of a kind that misbehaves, and with which status it ends. This table is written by a test: a library with a word in it that
says how it misbehaves, in its constructor, that is while it is opened, or in one of its verbs. What keeps it from succeeding is explained in
[security-model.md](security-model.md).

- A cell is the status and the message. `FILE` is the library's. After `→` stands the hint, unless it is the usual one: to report it to the
  vendor, or to remove the file.
- *confined* is the level at which kinds run unless the settings say otherwise. At *plain* a kind has a process of its own and all the rights of
  the user, and much of this works: the message is the library's own then (``1: `socket` worked``). It is for containing accidents, not for
  a library that means harm.
- At *filtered*, with the filter of system calls alone, every row in which a call is stopped is the same as at *confined*: the test makes sure.
- *the same*: the same as at the left. *up to the system*: carto does nothing for it or against it; whether it works depends on the user, the
  kernel's settings and a container. *not tried*: it would be allowed, and could do harm to the machine of the test if that runs as root.
- Files and manifests that are damaged, hostile or foreign are refused before anything runs, with the same words at every level: that table is
  in `tests/it/strange_files.rs`.
- At every fault, but for `killed by SIGKILL`, the test makes sure of this: the host ends by itself; no worker is left, and nothing in the home and
  in the folder of kinds; nothing that a terminal obeys is written; at *confined*, a list of all kinds shows the others, and names this one if
  it can't be listed. A row with a hostile request is watched by a server, which sees nothing of it, or sees it encoded and addressed by the
  host. Where a write was accepted, the message names an id, and it is the one under which the service has it.

| fault | where | confined | plain |
|---|---|---|---|
";

#[test]
fn every_fault_of_a_kind_has_its_message_and_its_status() {
    let strange = Strange::read();
    let faults = faults();
    let met: Vec<_> = faults.iter().map(|_| [const { OnceLock::<String>::new() }; 2]).collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((fault, cells)) = {
                    let nth = next.fetch_add(1, Ordering::SeqCst);
                    faults.get(nth).zip(met.get(nth))
                } {
                    let confined = meet(&strange, fault, "confined");
                    // The filter answers before Landlock is asked: alone it keeps the same away.
                    if confined.contains("which no kind may do") {
                        assert_eq!(meet(&strange, fault, "filtered"), confined, "{}", fault.mode);
                    }
                    cells[0].set(confined).unwrap();
                    let plain = match fault.at_plain {
                        NotTried => "not tried".to_owned(),
                        _ => meet(&strange, fault, "plain"),
                    };
                    cells[1].set(plain).unwrap();
                }
            });
        }
    });
    let mut table = HEAD.to_owned();
    for (fault, [confined, plain]) in faults.iter().zip(&met) {
        let (confined, plain) = (confined.get().unwrap(), plain.get().unwrap());
        let place = if fault.place() == "open" { "constructor" } else { fault.place() };
        let plain = if plain == confined { "the same" } else { plain };
        let cells = [&fault.words, place, confined, plain].map(|cell| cell.replace('|', "\\|"));
        table.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    println!("{table}");
    // Elsewhere some calls have other names.
    if cfg!(target_arch = "x86_64") {
        expect_file!["../../docs/plugin-faults.md"].assert_eq(&table);
    }
}
