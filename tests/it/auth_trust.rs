//! What signing in believes: files and folders that others could have written are refused, nothing that isn't a file is waited for, and what
//! services say shows no bearer and hides no stranger.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use expect_test::expect;
use rustix::fs::{CWD, FileType, mknodat};

use crate::support::authority::{Authority, Lie, Signed};
use crate::support::cloud::{Cloud, SECRET};
use crate::support::login::{Login, free_port, login};
use crate::support::wire::Act;
use crate::support::{Carto, Output, Run};

const FILE: &str = ".carto_credentials.json";

fn set_mode(path: impl AsRef<Path>, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn pipe(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, 0o600.into(), 0).unwrap();
}

/// What somebody else would write: a secret of the user's is to be posted to an address of theirs.
fn planted(cloud: &Cloud) -> String {
    let sign_in = format!(
        r#"{{"method": "m2m", "issuer": "{}", "audience": "x", "client_id": "c", "client_secret": {{"variable": "THEIRS"}}, "token_sha256": ""}}"#,
        cloud.issuer()
    );
    format!(
        r#"{{"current_profile": "p", "profiles": {{"p": {{"token": "x", "tenant_id": "acme", "sign_in": {sign_in}}}}}}}"#
    )
}

/// Reading and writing refuse it alike, nobody is asked for anything, and it stays as it is.
fn refused(carto: &Carto, cloud: &Cloud, report: &mut String) {
    let text = fs::read_to_string(carto.home().join(FILE)).unwrap();
    let asked = cloud.asked().len();
    let read = carto.run("auth status").output();
    assert_eq!(read.status, 1, "{read}");
    report.push_str(&read.to_string());
    let commands = [cloud.run(carto, "auth whoami").env("THEIRS", "x"), carto.run("auth use p")];
    for output in commands.map(Run::output) {
        assert_eq!((output.status, &output.stderr), (1, &read.stderr), "{output}");
    }
    assert_eq!((cloud.asked().len(), fs::read_to_string(carto.home().join(FILE)).unwrap()), (asked, text));
}

#[test]
fn a_file_that_others_could_have_written_isnt_obeyed() {
    let (carto, cloud) = (Carto::without_kinds(), Cloud::start());
    let mut report = String::new();
    let file = carto.write(FILE, &planted(&cloud));
    set_mode(&file, 0o666);
    refused(&carto, &cloud, &mut report);
    // The user's own group may write, and others may read until the next change.
    set_mode(&file, 0o664);
    carto.run("auth use p").ok();
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    // A link is as good as what it leads to, and as the folder where that is.
    let target = carto.write("dotfiles/credentials.json", &planted(&cloud));
    fs::remove_file(&file).unwrap();
    symlink(&target, &file).unwrap();
    set_mode(&target, 0o602);
    refused(&carto, &cloud, &mut report);
    set_mode(&target, 0o600);
    set_mode(target.parent().unwrap(), 0o777);
    refused(&carto, &cloud, &mut report);
    set_mode(target.parent().unwrap(), 0o1777);
    carto.run("auth use p").ok();
    set_mode(carto.home(), 0o777);
    refused(&carto, &cloud, &mut report);
    set_mode(carto.home(), 0o755);
    carto.run("auth use p").ok();
    expect![[r#"
        status 1
        --- stderr
        error: cannot use `[home]/.carto_credentials.json`: it can be written by anyone
        hint: see that nobody else has changed it; then `chmod o-w [home]/.carto_credentials.json`
        status 1
        --- stderr
        error: cannot use `[home]/.carto_credentials.json`: it can be written by anyone
        hint: see that nobody else has changed it; then `chmod o-w [home]/.carto_credentials.json`
        status 1
        --- stderr
        error: cannot use `[home]/.carto_credentials.json`: it is in a folder that anyone can write: `[home]/dotfiles`
        hint: see that nobody else has changed it; then `chmod o-w [home]/dotfiles`
        status 1
        --- stderr
        error: cannot use `[home]/.carto_credentials.json`: it is in a folder that anyone can write: `[home]`
        hint: see that nobody else has changed it; then `chmod o-w [home]`
    "#]]
    .assert_eq(&report);
}

/// Only root can give files away.
#[test]
fn a_file_of_somebody_else_isnt_obeyed() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let (carto, cloud) = (Carto::without_kinds(), Cloud::start());
    let mut report = String::new();
    let file = carto.write(FILE, &planted(&cloud));
    chown(&file, Some(12_345), None).unwrap();
    refused(&carto, &cloud, &mut report);
    chown(&file, Some(0), Some(12_345)).unwrap();
    set_mode(&file, 0o660);
    refused(&carto, &cloud, &mut report);
    expect![[r#"
        status 1
        --- stderr
        error: cannot use `[home]/.carto_credentials.json`: it belongs to user 12345, who is neither you nor root
        hint: see that nobody else has changed it; then `sudo chown 0 [home]/.carto_credentials.json`
        status 1
        --- stderr
        error: cannot use `[home]/.carto_credentials.json`: it can be written by group 12345, which isn't yours
        hint: see that nobody else has changed it; then `chmod g-w [home]/.carto_credentials.json`
    "#]]
    .assert_eq(&report);
}

/// What is written where everybody writes couldn't be read again, so nobody is asked for it.
#[test]
fn nothing_is_kept_in_a_folder_that_others_write() {
    let (carto, cloud) = (Carto::without_kinds(), Cloud::start());
    set_mode(carto.home(), 0o777);
    let output = cloud.login(&carto, "p").fails(1);
    assert!(output.stderr.contains("it is in a folder that anyone can write"), "{output}");
    assert_eq!(cloud.asked().len(), 0);
    assert!(!carto.home().join(FILE).exists());
}

/// Opened as a file, each of them would have kept the command waiting, or have made a file where somebody else says.
#[test]
fn what_isnt_a_file_is_no_lock() {
    let (carto, cloud) = (Carto::without_kinds(), Cloud::start());
    cloud.login(&carto, "p").ok();
    let lock = carto.home().join(".carto_credentials.json.lock");
    let elsewhere = carto.home().join("elsewhere");
    let mut report = String::new();
    for make in [pipe, |path: &Path| symlink(path.with_file_name("elsewhere"), path).unwrap()] {
        fs::remove_file(&lock).unwrap();
        make(&lock);
        let output = carto.run("auth use p").output();
        report.push_str(&output.to_string());
        let plugins = carto.data().join("plugins.lock");
        let _ = fs::remove_file(&plugins);
        fs::create_dir_all(carto.data()).unwrap();
        make(&plugins);
        report.push_str(&carto.run("plugin lock").output().to_string());
    }
    assert!(!elsewhere.exists());
    expect![[r#"
        status 1
        --- stderr
        error: cannot write `[home]/.carto_credentials.json`: its lock `[home]/.carto_credentials.json.lock`: it isn't a file
        hint: it was left as it is; see that its folder can be written, and remove the lock if no `carto` is at work
        status 1
        --- stderr
        error: cannot change plugins: `[home]/.local/share/carto/plugins.lock`: it isn't a file
        hint: nothing was changed; see that its folder can be written
        status 1
        --- stderr
        error: cannot write `[home]/.carto_credentials.json`: its lock `[home]/.carto_credentials.json.lock`: it is a link
        hint: it was left as it is; see that its folder can be written, and remove the lock if no `carto` is at work
        status 1
        --- stderr
        error: cannot change plugins: `[home]/.local/share/carto/plugins.lock`: it is a link
        hint: nothing was changed; see that its folder can be written
    "#]].assert_eq(&report);
}

struct Pending {
    carto: Carto,
    authority: Authority,
    back: String,
}

impl Pending {
    /// A sign-in that another process is to finish.
    fn begin() -> Pending {
        let (carto, authority) = (Carto::without_kinds(), Authority::start());
        let url = login(&carto, &authority, free_port(), "--no-launch-browser").ok().stdout;
        let back = authority.sends_back(&url.trim().parse().unwrap());
        Pending { carto, authority, back }
    }

    fn finish(&self) -> Output {
        self.carto.run("auth login --callback -").stdin(&self.back).output()
    }

    fn folder(&self) -> PathBuf {
        self.carto.data().join("logins")
    }

    fn file(&self) -> PathBuf {
        fs::read_dir(self.folder()).unwrap().next().unwrap().unwrap().path()
    }
}

#[test]
fn a_sign_in_is_remembered_in_files_of_the_user_s_own() {
    let mut report = String::new();
    let ways: [fn(&Pending); 5] = [
        |pending| set_mode(pending.folder(), 0o777),
        |pending| set_mode(pending.file(), 0o666),
        |pending| {
            let file = pending.file();
            fs::remove_file(&file).unwrap();
            pipe(&file);
        },
        |pending| {
            let moved = pending.carto.home().join("moved");
            fs::rename(pending.folder(), &moved).unwrap();
            symlink(moved, pending.folder()).unwrap();
        },
        |pending| {
            fs::remove_dir_all(pending.folder()).unwrap();
            fs::write(pending.folder(), "").unwrap();
        },
    ];
    for change in ways {
        let pending = Pending::begin();
        change(&pending);
        let output = pending.finish();
        assert!(!pending.carto.home().join(FILE).exists(), "{output}");
        assert!(!pending.authority.asked().iter().any(|line| line.starts_with("POST")), "{output}");
        report.push_str(&output.to_string());
    }
    expect![[r#"
        status 1
        --- stderr
        error: cannot use `[home]/.local/share/carto/logins`, where sign-ins are remembered: it can be written by anyone
        hint: `chmod o-w [home]/.local/share/carto/logins`, and sign in again
        status 1
        --- stderr
        error: cannot use the sign-in remembered in `[home]/.local/share/carto/logins`: its file can be written by anyone
        hint: see that the folder can be read and written
        status 1
        --- stderr
        error: cannot use the sign-in remembered in `[home]/.local/share/carto/logins`: it isn't a file
        hint: see that the folder can be read and written
        status 1
        --- stderr
        error: cannot use the sign-in remembered in `[home]/.local/share/carto/logins`: not a directory
        hint: see that the folder can be read and written
        status 1
        --- stderr
        error: cannot use the sign-in remembered in `[home]/.local/share/carto/logins`: not a directory
        hint: see that the folder can be read and written
    "#]].assert_eq(&report);
    // Readable by others is mended.
    let pending = Pending::begin();
    set_mode(pending.folder(), 0o755);
    assert_eq!(pending.finish().status, 0);
    assert_eq!(pending.folder().metadata().unwrap().permissions().mode() & 0o777, 0o700);
}

/// What is there already is looked at before anything is put in it.
#[test]
fn nothing_is_remembered_where_others_write() {
    let pending = Pending::begin();
    set_mode(pending.folder(), 0o777);
    let output = login(&pending.carto, &pending.authority, free_port(), "--no-launch-browser").output();
    assert_eq!((output.status, output.stdout.as_str()), (1, ""), "{output}");
    assert!(output.stderr.contains("can be written by anyone"), "{output}");
    assert_eq!(fs::read_dir(pending.folder()).unwrap().count(), 1);
}

/// An opaque bearer, which nothing takes for a credential by its form.
const OPAQUE: &str = "an-opaque-bearer.example";

/// What is done, the status it ends with, and what is answered.
type Way = (&'static str, i32, Box<dyn Fn(&str, &str) -> Option<Act> + Send + Sync>);

/// Whoever is asked about the account has it, or may have been told it.
#[test]
fn a_bearer_that_comes_back_is_shown_nowhere() {
    let accounts = |host: &str, more: &str| Act::json("200 OK", &format!(r#"{{"tenant_domain": "{host}"{more}}}"#));
    let names = format!(r#", "tenant_id": "{OPAQUE}", "organization_name": "{OPAQUE}", "user_email": "x@{OPAQUE}""#);
    let yaml =
        |text: &str| Act::with("200 OK", &[("content-type", "text/yaml")], format!("apis: {{baseUrl: '{text}'}}"));
    let ways: [Way; 6] = [
        ("names", 0, Box::new(move |path, host| (path == "/accounts").then(|| accounts(host, &names)))),
        ("domain", 1, Box::new(move |path, _| (path == "/accounts").then(|| accounts(OPAQUE, "")))),
        (
            "domain and more",
            1,
            Box::new(move |path, _| (path == "/accounts").then(|| accounts(&format!("x/{OPAQUE}"), ""))),
        ),
        (
            "address",
            1,
            Box::new(move |path, host| match path {
                "/accounts" => Some(accounts(host, "")),
                _ => Some(yaml(&format!("https://example.com/{OPAQUE}"))),
            }),
        ),
        (
            "no address",
            1,
            Box::new(move |path, host| match path {
                "/accounts" => Some(accounts(host, "")),
                _ => Some(yaml(OPAQUE)),
            }),
        ),
        (
            "a fault",
            6,
            Box::new(move |path, host| match path {
                "/accounts" => Some(accounts(host, "")),
                _ => Some(Act::json("500 Internal Server Error", &format!(r#"{{"error": "no {OPAQUE}"}}"#))),
            }),
        ),
    ];
    let mut report = String::new();
    for (what, status, act) in ways {
        let (carto, cloud) = (Carto::without_kinds(), Cloud::otherwise(&[60], move |path, host| act(path, host)));
        let output = cloud.run(&carto, "auth login --with-token --debug").stdin(OPAQUE).output();
        let text = output.to_string().replace(&cloud.port().to_string(), "[port]");
        report.push_str(&format!(
            "{what}: {}\n",
            text.lines().filter(|line| !line.contains(" ms")).collect::<Vec<_>>().join("\n")
        ));
        assert_eq!((output.status, text.contains("opaque")), (status, false), "{what}: {output}");
        let file = fs::read_to_string(carto.home().join(FILE)).unwrap_or_default();
        assert_eq!(file.matches(OPAQUE).count(), usize::from(status == 0), "{what}: {file}");
    }
    expect![[r#"
        names: status 0
        --- stderr
        Signed in at `http://127.0.0.1:[port]/api`. The profile `127.0.0.1` is the current one.
        domain: status 1
        --- stderr
        error: looking for the account: `127.0.0.1:[port]` answered with nothing in which there is a `tenant_domain`
        hint: `--base-url https://TENANT.api.carto.com` says where the account is
        domain and more: status 1
        --- stderr
        error: looking for the account: `127.0.0.1:[port]` answered with nothing in which there is a `tenant_domain`
        hint: `--base-url https://TENANT.api.carto.com` says where the account is
        address: status 1
        --- stderr
        error: looking for the account's address: `127.0.0.1:[port]` answered GET /config.yaml with something in which there is no `apis.baseUrl`
        hint: `--base-url https://TENANT.api.carto.com` says where the account is
        no address: status 1
        --- stderr
        error: looking for the account's address: `127.0.0.1:[port]` answered GET /config.yaml with something in which there is no `apis.baseUrl`
        hint: `--base-url https://TENANT.api.carto.com` says where the account is
        a fault: status 6
        --- stderr
        error: looking for the account's address: GET /config.yaml at `127.0.0.1:[port]` failed (500): no [hidden]
        hint: try again later; or `--base-url https://TENANT.api.carto.com` says where the account is
    "#]].assert_eq(&report);
}

/// The address of a sign-in stands in the browser's list of arguments: who answers first signs this program in.
#[test]
fn somebody_else_in_a_profile_is_told() {
    let carto = Carto::without_kinds();
    let sign_in = |authority: &Authority, name: &str| {
        let login = Login::start(&carto, authority, name);
        login.browser(&authority.sends_back(&login.url));
        let output = login.ended();
        assert_eq!(output.status, 0, "{output}");
        output.stderr
    };
    let ada = Authority::start();
    let eve = Authority::start_with(Lie {
        signed: Signed::Properly,
        change: |claims| claims["email"] = "eve@example.com".into(),
    });
    for (authority, who, is_told) in [(&ada, "ada", false), (&ada, "ada", false), (&eve, "eve", true)] {
        let said = sign_in(authority, "");
        assert!(said.contains(&format!("Signed in as `{who}@example.com`")), "{said}");
        let warning = "warning: the profile `work` was `ada@example.com`, and is now `eve@example.com`";
        assert_eq!(said.contains(warning), is_told, "{said}");
        assert_eq!(said.contains("and is now"), is_told, "{said}");
    }
}

/// Addresses that an authority out there names are never asked on this machine; here the authority is on this machine, and names another.
#[test]
fn a_bearer_is_ended_only_where_it_may_be_sent() {
    let cloud = Cloud::otherwise(&[86400], |path, host| {
        let document = format!(r#"{{"issuer": "http://{host}/", "revocation_endpoint": "http://example.com/revoke"}}"#);
        (path == "/.well-known/openid-configuration").then(|| Act::json("200 OK", &document))
    });
    let carto = Carto::without_kinds();
    cloud.login(&carto, "p").ok();
    let output = cloud.run(&carto, "auth logout p").env("CARTO_M2M_CLIENT_SECRET", SECRET).ok();
    assert!(output.stderr.contains("names a `revocation_endpoint` that isn't https"), "{output}");
}
