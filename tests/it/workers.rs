//! The processes that kinds run in, seen from outside: what is in them, when they end, and kernels that can't confine them.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{self, Sender};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use expect_test::expect;
use rustix::fs::{MemfdFlags, Mode, OFlags, memfd_create};
use rustix::process::{Pid, Signal, geteuid, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::support::kernel::{self, Kernel};
use crate::support::session::{Process, in_a_session, left};
use crate::support::wire::{Act, Wire};
use crate::support::{Carto, Output, Run, library};

/// Waits until something is there, which it soon is; the machine may be busy.
fn until<T>(mut what: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = what() {
            return found;
        }
        assert!(started.elapsed().as_secs() < 60, "it never came to that");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The worker of a running command.
fn worker(host: &Child) -> Process {
    let host = i32::try_from(host.id()).unwrap();
    // Between `fork` and `exec` it isn't one yet.
    let is_one = |process: &Process| {
        std::fs::read_to_string(process.path("cmdline")).is_ok_and(|words| words.contains("kind-worker"))
    };
    until(|| Process::all().into_iter().find(|process| process.parent == host && is_one(process)))
}

/// A server that holds its answers back until what comes with it is dropped.
fn held(answer: Act) -> (Wire, Sender<()>) {
    let (gate, opened) = mpsc::channel();
    let opened = Mutex::new(opened);
    let server = Wire::start_with(move |_, request| {
        if !request.is_empty() {
            let _ = opened.lock().unwrap().recv();
        }
        answer.clone()
    });
    (server, gate)
}

fn spawned(run: &mut Run) -> Child {
    run.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

const TOKEN: &str = r#"{"id": "tok_1", "token": "t", "name": "demo", "grants": [], "allowed_apis": ["sql"]}"#;

/// A command that waits for the service, and its worker, which waits for the command.
fn waiting(run: &mut Run, server: &Wire) -> (Child, Process) {
    let child = spawned(run);
    until(|| (!server.requests().is_empty()).then_some(()));
    let worker = worker(&child);
    (child, worker)
}

/// Puts the strange kind there, misbehaving in this way.
fn install_strange(carto: &Carto, mode: &str) {
    std::fs::write(carto.kinds().join(library::file_name("strange")), strange(mode)).unwrap();
}

fn strange(mode: &str) -> Vec<u8> {
    static USUAL: OnceLock<(Vec<u8>, usize)> = OnceLock::new();
    let word = |mode: &str| format!("{:.<64}", format!("carto-strange-mode={mode}")).into_bytes();
    let (usual, place) = USUAL.get_or_init(|| {
        let (bytes, usual_word) = (std::fs::read(library::built("strange")).unwrap(), word("nothing"));
        let place = bytes.windows(64).position(|window| window == usual_word).unwrap();
        (bytes, place)
    });
    let mut bytes = usual.clone();
    bytes[*place..][..64].copy_from_slice(&word(mode));
    bytes
}

/// How a process ends, which it must.
fn ends(child: &mut Child) -> ExitStatus {
    until(|| child.try_wait().unwrap())
}

// What nobody but the host should know, and what the kind is told. They begin alike, so that one search finds them all.
const MARK: &str = "~canary-";
const BEARER: &str = "~canary-bearer";
const VARIABLE: &str = "~canary-variable";
const PROFILE: &str = "~canary-profile";
const STRAY: &str = "~canary-stray";
const TYPED: &str = "tok_~canary-typed";

/// The words that follow the mark in the memory of a process.
fn marks_in_memory(process: &Process) -> BTreeSet<String> {
    let memory = File::open(process.path("mem")).unwrap();
    let (mut found, mut bytes) = (BTreeSet::new(), Vec::new());
    for line in process.text("maps").lines() {
        let (range, rest) = line.split_once(' ').unwrap();
        // The kernel's own pages are no memory.
        if !rest.starts_with('r') || rest.contains("[v") {
            continue;
        }
        let (first, end) = range.split_once('-').unwrap();
        let [first, end] = [first, end].map(|address| u64::from_str_radix(address, 16).unwrap());
        bytes.resize(usize::try_from(end - first).unwrap(), 0);
        memory.read_exact_at(&mut bytes, first).unwrap_or_else(|e| panic!("{line}: {e}"));
        // The first byte is rare, and most pieces are passed over at once.
        for (nth, piece) in bytes.chunks(64).enumerate().filter(|(_, piece)| piece.contains(&MARK.as_bytes()[0])) {
            for at in nth * 64..nth * 64 + piece.len() {
                if let Some(rest) = bytes[at..].strip_prefix(MARK.as_bytes()) {
                    let word = rest.iter().take(10).take_while(|byte| byte.is_ascii_lowercase());
                    found.insert(word.map(|byte| char::from(*byte)).collect());
                }
            }
        }
    }
    found
}

/// Files that a process has mapped.
fn mapped(process: &Process) -> Vec<PathBuf> {
    let text = process.text("maps");
    let mut paths: Vec<PathBuf> =
        text.lines().filter_map(|line| Some(Path::new(&line[line.find('/')?..]).to_owned())).collect();
    paths.dedup();
    paths
}

fn descriptors(process: &Process) -> Vec<(String, String)> {
    let entries = std::fs::read_dir(process.path("fd")).unwrap().map(|entry| entry.unwrap());
    let mut all: Vec<_> = entries
        .map(|entry| {
            let target = std::fs::read_link(entry.path()).unwrap();
            (entry.file_name().into_string().unwrap(), target.display().to_string())
        })
        .collect();
    all.sort();
    all
}

/// Nobody but root looks into a process that keeps to itself.
fn assert_closed_to_others(process: &Process) {
    for file in ["environ", "maps", "mem", "fd", "cwd"] {
        let path = process.path(file);
        let error = match file {
            "fd" => std::fs::read_dir(path).err(),
            "cwd" => std::fs::read_link(path).err(),
            _ => std::fs::read(path).err(),
        };
        assert_eq!(error.map(|e| e.kind()), Some(ErrorKind::PermissionDenied), "{file} of {process:?}");
    }
}

/// What root sees of a worker, which is all that there is.
fn assert_bare(worker: &Process, level: &str) {
    assert_eq!(worker.text("environ"), "");
    assert_eq!(std::fs::read_link(worker.path("cwd")).unwrap(), Path::new("/"));
    let open = descriptors(worker);
    let [(zero, null), (one, prints), (two, prints_too), (three, channel)] = &open[..] else { panic!("{open:?}") };
    assert_eq!([zero, one, two, three], ["0", "1", "2", "3"]);
    assert_eq!((null.as_str(), prints), ("/dev/null", prints_too));
    assert!(prints.starts_with("pipe:") && channel.starts_with("socket:"), "{open:?}");
    // Reading alone, and writing alone.
    for (number, mode) in [("0", "0"), ("1", "1"), ("2", "1")] {
        let info = worker.text(&format!("fdinfo/{number}"));
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap();
        assert!(flags.ends_with(mode), "{number}: {info}");
    }
    let program = Path::new(env!("CARGO_BIN_EXE_carto")).canonicalize().unwrap();
    for path in mapped(worker) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let is_the_systems = ["libc", "libm", "libgcc_s", "libpthread", "libdl", "librt", "ld-linux", "ld-musl"]
            .iter()
            .any(|part| name.strip_prefix(part).is_some_and(|rest| rest.starts_with(['.', '-'])));
        assert!(path == program || path == Path::new("/memfd:carto-kind (deleted)") || is_the_systems, "{path:?}");
    }
    assert_eq!(marks_in_memory(worker), BTreeSet::from(["typed".to_owned()]), "at {level}");
}

#[test]
fn nothing_of_the_host_is_in_a_worker() {
    for (level, filters) in [("confined", 2), ("filtered", 2), ("plain", 0)] {
        let carto = Carto::new().at_level(level);
        let profile = format!(r#"{{"current_profile": "x", "x": {{"token": "{PROFILE}", "tenant_id": "gcp"}}}}"#);
        carto.write(".carto_credentials.json", &profile);
        let stray = File::open(carto.write("stray", STRAY)).unwrap();
        let (server, gate) = held(Act::json("200 OK", TOKEN));
        let line = format!("credentials get token {TYPED} --json --base-url {}", server.url());
        let run = carto.run(&line).env("CARTO_API_TOKEN", BEARER).env("UNRELATED", VARIABLE);
        let mut run = kernel::left_open(run, stray, 7);
        let (child, worker) = waiting(&mut run, &server);

        let host = Process::read(worker.parent).unwrap();
        let words = worker.text("cmdline");
        let words: Vec<&str> = words.split_terminator('\0').collect();
        assert_eq!(words, ["carto", "kind-worker", level, &host.id.to_string()]);
        assert_eq!(
            (worker.status("NoNewPrivs"), worker.status("Threads")),
            (1, 1),
            "{level}: {}",
            worker.text("status")
        );
        assert_eq!(worker.status("Seccomp_filters"), host.status("Seccomp_filters") + filters, "{level}");
        assert_eq!(worker.status("Seccomp"), if filters > 0 { 2 } else { host.status("Seccomp") }, "{level}");
        let limits = worker.text("limits");
        for (name, limit) in [
            ("Max core file size", "0"),
            ("Max address space", "536870912"),
            ("Max open files", "8"),
            ("Max file size", "0"),
            ("Max processes", "0"),
            ("Max locked memory", "0"),
            ("Max msgqueue size", "0"),
        ] {
            let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            let both: Vec<&str> = line.split_whitespace().take(2).collect();
            assert_eq!(both, [limit, limit], "{name}");
        }
        // What root can do besides.
        for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
            assert!(worker.text("status").contains(&format!("{set}:\t0000000000000000\n")), "{set} at {level}");
        }
        // A second more, so that the signal comes that says so.
        assert!(limits.lines().any(|line| line.split_whitespace().eq(["Max", "cpu", "time", "300", "301", "seconds"])));
        if geteuid().is_root() {
            assert_bare(&worker, level);
            // What isn't in the worker was there to be found, and the descriptor was left open.
            let known = marks_in_memory(&host);
            assert!(["bearer", "variable", "typed"].iter().all(|word| known.contains(*word)), "{known:?}");
            assert!(descriptors(&host).iter().any(|(number, path)| number == "7" && path.ends_with("stray")));
        } else {
            assert_closed_to_others(&worker);
            assert_closed_to_others(&host);
        }
        drop(gate);
        let output = run.ended(child);
        assert_eq!((output.status, &output.json()["name"]), (0, &"demo".into()), "{output}");
    }
}

#[test]
fn a_worker_ends_with_its_host() {
    for level in ["confined", "plain"] {
        let carto = Carto::new().at_level(level);
        let (server, _gate) = held(Act::json("200 OK", TOKEN));
        let mut run = server.run(&carto, "credentials get token tok_1");
        let (mut child, worker) = waiting(&mut run, &server);
        child.kill().unwrap();
        // Whose child it is now has to take note of its end; that it has ended is enough.
        until(|| worker.is_over().then_some(()));
        child.wait().unwrap();
    }
    // One that doesn't wait for the host either.
    let carto = Carto::new();
    install_strange(&carto, "get:endless-loop");
    let mut child = spawned(&mut carto.sandbox("credentials get strange s1"));
    let worker = at_work(&child);
    child.kill().unwrap();
    until(|| worker.is_over().then_some(()));
    child.wait().unwrap();
}

/// The worker of a command once it works, and doesn't only open its library: that takes a tenth of this.
fn at_work(host: &Child) -> Process {
    let worker = worker(host);
    until(|| Process::read(worker.id).unwrap().ticks.ge(&50).then_some(()));
    worker
}

#[test]
fn no_process_is_left() {
    let carto = Carto::new();
    carto.sandbox("credentials create m2m --title x").ok();
    install_strange(&carto, "get:endless-loop");
    for signal in [Signal::TERM, Signal::INT] {
        let (server, _gate) = held(Act::json("200 OK", TOKEN));
        let mut run = in_a_session(server.run(&carto, "credentials get token tok_1"));
        let (child, _) = waiting(&mut run, &server);
        let session = child.id();
        kill_process(Pid::from_child(&child), signal).unwrap();
        let output = run.ended(child);
        assert!(left(session).is_empty(), "{signal:?}: {:?}", left(session));
        assert_eq!((output.status, output.stderr.as_str()), (130, "error: interrupted\n"), "{output}");
    }
    for (line, mode, status, says) in [
        ("credentials get m2m x", "nothing", 0, ""),
        ("credentials list", "nothing", 0, ""),
        ("plugin list", "nothing", 0, ""),
        ("credentials get strange s1 --timeout 500ms", "get:endless-loop", 7, "didn't end within 500ms"),
        ("credentials get strange s1", "get:close-and-loop", 7, "failed in `get`: it closed its connection to carto"),
        ("credentials get strange s1", "get:signal-handlers", 7, "took longer than 3s for one call"),
    ] {
        install_strange(&carto, mode);
        carto.write(".config/carto/config.toml", "[plugins]\ndeadline = \"3s\"\n");
        let mut run = in_a_session(carto.sandbox(line));
        let child = spawned(&mut run);
        let session = child.id();
        let output = run.ended(child);
        assert!(left(session).is_empty(), "{line}: {:?}", left(session));
        assert!(output.status == status && output.stderr.contains(says), "{line}: {output}");
    }
}

/// Ctrl-C as a terminal sends it: to a group of processes, which the worker isn't in.
#[test]
fn ctrl_c_ends_a_kind_that_never_would() {
    let carto = Carto::new();
    install_strange(&carto, "get:endless-loop");
    let (mut terminal, stdio) = terminal();
    let mut run = kernel::on_its_terminal(carto.sandbox("credentials get strange s1"));
    let stdio = || Stdio::from(stdio.try_clone().unwrap());
    let mut child = run.command.stdin(stdio()).stdout(stdio()).stderr(stdio()).spawn().unwrap();
    drop(run);
    at_work(&child);
    terminal.write_all(b"\x03").unwrap();
    let status = ends(&mut child);
    assert!(left(child.id()).is_empty(), "{:?}", left(child.id()));
    // Nobody has the terminal open any more but this test, which doesn't read on for ever.
    let mut screen = vec![0; 4096];
    let read = terminal.read(&mut screen).unwrap();
    let screen = String::from_utf8_lossy(&screen[..read]);
    assert!(status.code() == Some(130) && screen.contains("error: interrupted"), "{status} {screen}");
}

/// Both ends of a terminal.
fn terminal() -> (File, OwnedFd) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let theirs = rustix::fs::open(name.as_c_str(), flags, Mode::empty()).unwrap();
    (File::from(ours), theirs)
}

#[test]
fn a_list_goes_on_without_a_kind_that_never_ends() {
    let carto = Carto::new();
    install_strange(&carto, "list:endless-loop");
    carto.write(".config/carto/config.toml", "[plugins]\ndeadline = \"3s\"\n");
    let mut run = in_a_session(carto.sandbox("credentials list --json"));
    let child = spawned(&mut run);
    let session = child.id();
    let output = run.ended(child);
    assert!(left(session).is_empty(), "{:?}", left(session));
    let listed = output.json();
    let keys: Vec<&String> = listed.as_object().unwrap().keys().collect();
    assert_eq!((output.status, keys), (7, ["m2m", "spa", "tokens", "errors"].map(str::to_owned).each_ref().to_vec()));
    assert_eq!(
        listed["errors"][0]["message"],
        "the kind `strange` failed in `list`: it took longer than 3s for one call (`deadline` under `[plugins]`)"
    );
}

#[test]
fn the_time_that_the_service_takes_is_not_the_kinds() {
    let carto = Carto::new();
    carto.write(".config/carto/config.toml", "[plugins]\ndeadline = \"1s\"\n");
    let (server, gate) = held(Act::json("200 OK", TOKEN));
    let mut run = server.run(&carto, "credentials get token tok_1 --field name");
    let (child, _) = waiting(&mut run, &server);
    let asked = Instant::now();
    until(|| (asked.elapsed() > Duration::from_millis(2500)).then_some(()));
    drop(gate);
    let output = run.ended(child);
    assert_eq!((output.status, output.stdout.as_str()), (0, "demo\n"), "{output}");
}

const CREATE: &str = "credentials create token --grant dw,a.b --apis sql --name demo";

/// What a kernel can't give is refused, in words that say how to go on; nothing is lowered by itself.
#[test]
fn a_kernel_gives_a_level_or_it_is_refused() {
    let mut report = String::new();
    for kernel in [Kernel::WithoutLandlock, Kernel::LandlockOff, Kernel::WithoutSeccomp] {
        for level in ["confined", "filtered", "plain", "in-process"] {
            let carto = Carto::without_kinds().at_level(level);
            carto.install("token");
            let server = Wire::json(
                "200 OK",
                &format!(r#"{{"tokens": [{TOKEN}], "id": "tok_1", "token": "t", "name": "demo"}}"#),
            );
            let run = |line: &str| kernel.runs(server.run(&carto, line)).output();
            let commands = ["credentials get token tok_1 --field name", "credentials list", "plugin list"].map(run);
            let listed = run("plugin list --json");
            assert_eq!((listed.status, listed.stderr.as_str()), (0, ""), "{listed}");
            let runtime = &listed.json()["runtime"];
            assert_eq!(runtime["level"], level);
            if runtime["usable"] == true {
                let works = |output: &Output| output.status == 0 && output.stdout.contains("demo");
                assert!(
                    works(&commands[0]) && works(&commands[1]) && commands[2].stderr.contains(level),
                    "{kernel:?}, {level}: {}",
                    commands[0]
                );
                report.push_str(&format!("{kernel:?}, {level}: works\n"));
            } else {
                assert_eq!(server.connections(), 0);
                report
                    .push_str(&format!("{kernel:?}, {level}: refused\n{}{}{}", commands[0], commands[1], commands[2]));
                for field in ["why", "hint"] {
                    // The same as without `--json`.
                    let text = runtime[field].as_str().unwrap();
                    assert!(commands[2].stderr.contains(text), "{text}");
                }
            }
        }
    }
    expect![[r#"
        WithoutLandlock, confined: refused
        status 4
        --- stderr
        error: the kind `token` can't run `confined`: this kernel has no Landlock (Linux 5.13 or later)
        hint: to accept less, write `level = "filtered"` under `[plugins]` in `[home]/.config/carto/config.toml`: kinds then run in a process of their own, behind a filter of system calls, without Landlock
        status 4
        --- stderr
        error: token: the kind `token` can't run `confined`: this kernel has no Landlock (Linux 5.13 or later)
        hint: to accept less, write `level = "filtered"` under `[plugins]` in `[home]/.config/carto/config.toml`: kinds then run in a process of their own, behind a filter of system calls, without Landlock
        status 0
        --- stdout
        NAME   STATE      VERSION  VENDOR  FOLDER
        token  can't run  0.1.0    carto   [home]/kinds
        --- stderr
        warning: kinds can't run `confined`: this kernel has no Landlock (Linux 5.13 or later)
        hint: to accept less, write `level = "filtered"` under `[plugins]` in `[home]/.config/carto/config.toml`: kinds then run in a process of their own, behind a filter of system calls, without Landlock
        WithoutLandlock, filtered: works
        WithoutLandlock, plain: works
        WithoutLandlock, in-process: works
        LandlockOff, confined: refused
        status 4
        --- stderr
        error: the kind `token` can't run `confined`: Landlock is switched off on this system (`lsm=` at boot)
        hint: to accept less, write `level = "filtered"` under `[plugins]` in `[home]/.config/carto/config.toml`: kinds then run in a process of their own, behind a filter of system calls, without Landlock
        status 4
        --- stderr
        error: token: the kind `token` can't run `confined`: Landlock is switched off on this system (`lsm=` at boot)
        hint: to accept less, write `level = "filtered"` under `[plugins]` in `[home]/.config/carto/config.toml`: kinds then run in a process of their own, behind a filter of system calls, without Landlock
        status 0
        --- stdout
        NAME   STATE      VERSION  VENDOR  FOLDER
        token  can't run  0.1.0    carto   [home]/kinds
        --- stderr
        warning: kinds can't run `confined`: Landlock is switched off on this system (`lsm=` at boot)
        hint: to accept less, write `level = "filtered"` under `[plugins]` in `[home]/.config/carto/config.toml`: kinds then run in a process of their own, behind a filter of system calls, without Landlock
        LandlockOff, filtered: works
        LandlockOff, plain: works
        LandlockOff, in-process: works
        WithoutSeccomp, confined: refused
        status 4
        --- stderr
        error: the kind `token` can't run `confined`: this kernel takes no filter of system calls (seccomp): Function not implemented (os error 38)
        hint: to accept less, write `level = "plain"` under `[plugins]` in `[home]/.config/carto/config.toml`: kinds then run in a process of their own, with all your rights
        status 4
        --- stderr
        error: token: the kind `token` can't run `confined`: this kernel takes no filter of system calls (seccomp): Function not implemented (os error 38)
        hint: to accept less, write `level = "plain"` under `[plugins]` in `[home]/.config/carto/config.toml`: kinds then run in a process of their own, with all your rights
        status 0
        --- stdout
        NAME   STATE      VERSION  VENDOR  FOLDER
        token  can't run  0.1.0    carto   [home]/kinds
        --- stderr
        warning: kinds can't run `confined`: this kernel takes no filter of system calls (seccomp): Function not implemented (os error 38)
        hint: to accept less, write `level = "plain"` under `[plugins]` in `[home]/.config/carto/config.toml`: kinds then run in a process of their own, with all your rights
        WithoutSeccomp, filtered: refused
        status 4
        --- stderr
        error: the kind `token` can't run `filtered`: this kernel takes no filter of system calls (seccomp): Function not implemented (os error 38)
        hint: to accept less, write `level = "plain"` under `[plugins]` in `[home]/.config/carto/config.toml`: kinds then run in a process of their own, with all your rights
        status 4
        --- stderr
        error: token: the kind `token` can't run `filtered`: this kernel takes no filter of system calls (seccomp): Function not implemented (os error 38)
        hint: to accept less, write `level = "plain"` under `[plugins]` in `[home]/.config/carto/config.toml`: kinds then run in a process of their own, with all your rights
        status 0
        --- stdout
        NAME   STATE      VERSION  VENDOR  FOLDER
        token  can't run  0.1.0    carto   [home]/kinds
        --- stderr
        warning: kinds can't run `filtered`: this kernel takes no filter of system calls (seccomp): Function not implemented (os error 38)
        hint: to accept less, write `level = "plain"` under `[plugins]` in `[home]/.config/carto/config.toml`: kinds then run in a process of their own, with all your rights
        WithoutSeccomp, plain: works
        WithoutSeccomp, in-process: works
    "#]].assert_eq(&report);
}

#[test]
fn older_kernels_do_as_well() {
    for kernel in [Kernel::WithoutCloseRange, Kernel::WithoutNoexecMemory] {
        let carto = Carto::new();
        let stray = File::open(carto.write("stray", STRAY)).unwrap();
        let (server, gate) = held(Act::json("200 OK", TOKEN));
        let run = server.run(&carto, "credentials get token tok_1 --field name");
        let mut run = kernel::left_open(kernel.runs(run), stray, 7);
        let (child, worker) = waiting(&mut run, &server);
        if geteuid().is_root() {
            let open = descriptors(&worker);
            assert!(open.len() == 4 && open.iter().all(|(_, path)| !path.contains("stray")), "{open:?}");
        }
        drop(gate);
        let output = run.ended(child);
        assert_eq!((output.status, output.stdout.as_str()), (0, "demo\n"), "{kernel:?}: {output}");
    }
}

/// Someone types what only the program itself should.
#[test]
fn a_worker_without_a_host_says_so() {
    let carto = Carto::new();
    let id = std::process::id().to_string();
    let mut said = Vec::new();
    for words in [&[][..], &["--help"], &["plain"], &["no-level", &id], &["plain", "x"], &["plain", &id]] {
        let words = [&["kind-worker"], words].concat();
        for stdin in ["nothing", "a terminal", "a pipe"] {
            let mut run = carto.run_words(&words);
            let (_reader, _terminal);
            run.command.stdin(match stdin {
                "nothing" => Stdio::null(),
                "a terminal" => {
                    let (ours, theirs) = terminal();
                    _terminal = ours;
                    Stdio::from(theirs)
                }
                // Held open, so that who reads it waits for ever.
                _ => {
                    let (theirs, ours) = std::io::pipe().unwrap();
                    _reader = ours;
                    Stdio::from(theirs)
                }
            });
            let mut child = spawned(&mut run);
            ends(&mut child);
            said.push(run.ended(child).to_string());
        }
    }
    said.dedup();
    expect![[r#"
        status 2
        --- stderr
        error: `kind-worker` is started by carto itself, for a plugin
        hint: `carto credentials --help` lists what can be done
    "#]]
    .assert_eq(&said.concat());
    // A socket, but nothing that a host says.
    let mut run = carto.run_words(&["kind-worker", "no-level", &id]);
    let (_ours, theirs) = UnixStream::pair().unwrap();
    run.command.stdin(Stdio::from(OwnedFd::from(theirs)));
    assert_eq!(run.output().status, 2);
}

/// Whoever is at the other end of its channel, a worker comes to its end.
#[test]
fn a_worker_ends_when_it_hears_nonsense() {
    // Tags of frames: what it is told, and what it says.
    const INVOKE: u8 = 1;
    const ANSWER: u8 = 2;
    const READY: u8 = 7;
    const UNUSABLE: u8 = 8;
    const CONFINED: u8 = 11;
    const OPEN: u8 = 12;
    let bare = |tag: u8| [[tag].as_slice(), &[0; 8]].concat();
    let opened = |then: &[u8]| [&bare(OPEN), then].concat();
    let endless = [[INVOKE].as_slice(), &[0xff; 8]].concat();
    // By its header it is longer, and the rest never comes.
    let half = [[INVOKE, 3, 0, 0, 0, 200, 0, 0, 0].as_slice(), b"get{"].concat();
    let text = b"GET / HTTP/1.1\r\n\r\n";
    let carto = Carto::new();
    let me = std::process::id();
    for (what, host, told, said) in [
        ("nothing", me, vec![], &[CONFINED][..]),
        ("text", me, text.to_vec(), &[CONFINED]),
        ("a frame without an end", me, endless.clone(), &[CONFINED]),
        ("a verb before the library", me, bare(INVOKE), &[CONFINED]),
        ("nothing, once it is open", me, opened(&[]), &[CONFINED, READY]),
        ("text, once it is open", me, opened(text), &[CONFINED, READY]),
        ("zeros, once it is open", me, opened(&[0; 4096]), &[CONFINED, READY]),
        ("a frame without an end, once it is open", me, opened(&endless), &[CONFINED, READY]),
        ("half a frame, once it is open", me, opened(&half), &[CONFINED, READY]),
        ("an answer that it didn't ask for", me, opened(&bare(ANSWER)), &[CONFINED, READY]),
        ("no library", me, opened(&[]), &[CONFINED, UNUSABLE]),
        ("another host", 1, vec![], &[UNUSABLE]),
    ] {
        for level in ["confined", "plain"] {
            let library = if what == "no library" { Stdio::null() } else { Stdio::from(in_memory()) };
            let (mut ours, theirs) = UnixStream::pair().unwrap();
            // Before it is even there.
            ours.write_all(&told).unwrap();
            ours.shutdown(Shutdown::Write).unwrap();
            let mut run = carto.run_words(&["kind-worker", level, &host.to_string()]);
            run.command.stdin(Stdio::from(OwnedFd::from(theirs))).stdout(library).stderr(Stdio::piped());
            let mut child = run.command.spawn().unwrap();
            // Only then is the end of the worker the end of the stream.
            drop(run);
            assert_eq!(tags(&mut ours), said, "{what}, {level}");
            assert_eq!(ends(&mut child).code(), Some(113), "{what}, {level}");
            let mut printed = String::new();
            child.stderr.take().unwrap().read_to_string(&mut printed).unwrap();
            assert_eq!(printed, "", "{what}, {level}");
        }
    }
}

/// A library as the host hands it over.
fn in_memory() -> File {
    let mut file = File::from(memfd_create("library", MemfdFlags::CLOEXEC).unwrap());
    file.write_all(&strange("nothing")).unwrap();
    file.rewind().unwrap();
    file
}

/// The frames that come, by their tags. If something wasn't read at the other end, a reset is the end of them.
fn tags(stream: &mut UnixStream) -> Vec<u8> {
    let mut tags = Vec::new();
    let mut header = [0; 9];
    while stream.read_exact(&mut header).is_ok() {
        let [head, body] = [1, 5].map(|at| u32::from_le_bytes(header[at..at + 4].try_into().unwrap()));
        stream.read_exact(&mut vec![0; (head + body) as usize]).unwrap();
        tags.push(header[0]);
    }
    tags
}

#[test]
fn what_a_kind_prints_is_for_debug_alone() {
    let carto = Carto::new();
    install_strange(&carto, "get:print-some");
    let lines = ["a line on standard output", "a line on standard error"];
    let quiet = carto.sandbox("credentials get strange s1 --json").ok();
    assert_eq!(quiet.stderr, "");
    let debug = carto.sandbox("credentials get strange s1 --json --debug").ok();
    assert_eq!(debug.stdout, quiet.stdout);
    let said: Vec<serde_json::Value> = debug.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in lines {
        let message = format!("strange printed: {line}");
        assert!(said.iter().any(|said| said["debug"]["message"] == message.as_str()), "{debug}");
    }
    let debug = carto.sandbox("credentials get strange s1 --debug").ok();
    for line in lines {
        assert!(debug.stderr.contains(&format!("debug: strange printed: {line}\n")), "{debug}");
        assert!(!debug.stdout.contains(line), "{debug}");
    }
}

#[test]
fn a_million_lines_are_cut() {
    let carto = Carto::new();
    carto.write(".config/carto/config.toml", "[plugins]\ndeadline = \"60s\"\n");
    install_strange(&carto, "get:prints");
    let output = carto.sandbox("credentials get strange s1 --debug").fails(1);
    assert!(output.stderr.contains("debug: strange printed: line 3 of many\n"), "{output}");
    assert!(output.stderr.contains("debug: strange printed more; it isn't shown\n"));
    // It did go on to its end.
    assert!(output.stderr.contains("error: `prints` worked"));
    assert!(output.stderr.len() < 200 * 1024, "{}", output.stderr.len());
}

/// The system kills too, when memory is short.
#[test]
fn a_worker_that_somebody_kills_is_a_fault() {
    let carto = Carto::new();
    let made = Act::json(
        "200 OK",
        r#"{"id": "tok_made", "token": "t", "name": "demo", "grants": [], "allowed_apis": ["sql"]}"#,
    );
    let mut report = String::new();
    for (line, act) in [("credentials get token tok_1", Act::json("200 OK", TOKEN)), (CREATE, made)] {
        let (server, gate) = held(act);
        let mut run = server.run(&carto, line);
        let (child, worker) = waiting(&mut run, &server);
        kill_process(Pid::from_raw(worker.id).unwrap(), Signal::KILL).unwrap();
        until(|| worker.is_over().then_some(()));
        drop(gate);
        report.push_str(&run.ended(child).to_string());
    }
    expect![[r#"
        status 7
        --- stderr
        error: the kind `token` failed in `get`: it was killed from outside (SIGKILL)
        hint: if the system is short of memory, free some; then try again
        status 7
        --- stderr
        error: the kind `token` failed in `create`: it was killed from outside (SIGKILL); before that, the service had accepted POST /v3/tokens (`tok_made`)
        hint: `carto credentials get token tok_made --reveal` shows it
    "#]].assert_eq(&report);
}

#[test]
fn thirty_commands_at_once() {
    let carto = Carto::new();
    carto.sandbox("credentials create m2m --title x").ok();
    let mut running: Vec<_> = (0..30)
        .map(|_| {
            let mut run = carto.sandbox("credentials list --json");
            let child = spawned(&mut run);
            (run, child)
        })
        .collect();
    for (run, child) in running.drain(..) {
        let output = run.ended(child);
        assert_eq!((output.status, &output.json()["m2m"][0]["title"]), (0, &"x".into()), "{output}");
    }
}

#[test]
fn twenty_kinds_in_one_list() {
    let carto = Carto::without_kinds();
    let names = install_twenty(&carto, "nothing");
    let mut run = in_a_session(carto.sandbox("credentials list --json"));
    let child = spawned(&mut run);
    let session = child.id();
    let output = run.ended(child);
    assert!(left(session).is_empty(), "{:?}", left(session));
    let listed = output.json();
    let listed = listed.as_object().unwrap();
    assert_eq!((output.status, listed.keys().cloned().collect()), (0, names), "{output}");
    assert!(listed.values().all(|records| records[0]["id"] == "s1"), "{output}");
}

/// A signal that comes while kinds are being started ends those that start too.
#[test]
fn a_list_that_is_interrupted_at_its_beginning_leaves_nothing() {
    let carto = Carto::without_kinds();
    install_twenty(&carto, "list:endless-loop");
    for started in (1..=8).cycle().take(24) {
        let mut run = in_a_session(carto.sandbox("credentials list"));
        let child = spawned(&mut run);
        let session = child.id();
        // The command itself is one of them.
        until(|| (left(session).len() > started).then_some(()));
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
        let output = run.ended(child);
        let left = left(session);
        // A signal that comes before it is heard ends the program at once, and then its workers end by themselves.
        if output.status == 130 {
            assert!(left.is_empty(), "after {started}: {left:?}");
        }
        until(|| left.iter().all(Process::is_over).then_some(()));
    }
}

/// Puts twenty kinds there that are the strange one but for their names. Answers with their plurals.
fn install_twenty(carto: &Carto, mode: &str) -> Vec<String> {
    let manifest = |name: &str| format!("\nname = \"{name}\"\nplural = \"{name}s\"\n").into_bytes();
    let (mut bytes, usual) = (strange(mode), manifest("strange"));
    let place = bytes.windows(usual.len()).position(|window| window == usual).unwrap();
    let install = |letter| {
        let name = format!("strang{letter}");
        bytes[place..][..usual.len()].copy_from_slice(&manifest(&name));
        std::fs::write(carto.kinds().join(library::file_name(&name)), &bytes).unwrap();
        format!("{name}s")
    };
    ('a'..='t').map(install).collect()
}
