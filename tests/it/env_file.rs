//! `create --env-file`: variables in a file, and what is in the way of that.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use expect_test::expect;

use crate::support::Carto;
use crate::support::output::check;
use crate::support::wire::{Act, Wire};

const CREATE: &str = "credentials create token --grant dw,a.b --apis sql --name demo";

#[test]
fn variables_go_to_a_file() {
    let carto = Carto::new();
    let file = carto.write(".env", "# mine\nPATH_TO=x\nCARTO_API_ACCESS_TOKEN=old\nexport LAST='1'");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let created = carto.sandbox(&format!("{CREATE} --env-file .env")).ok();
    check(
        &created,
        expect![[r#"
        status 0
        --- stdout
        id               [token-id]
        token            (hidden)
        name             demo
        grants           dw:a.b
        allowed_apis     sql
        referers         -
        expiration_date  -
        created_at       2026-11-23T10:00:00Z
        updated_at       2026-11-23T10:00:00Z
        --- stderr
        Created API Access Token `demo` ([token-id])
        note: wrote `CARTO_API_ACCESS_TOKEN` to `.env`
    "#]],
    );
    carto.sandbox("credentials create m2m --title Nightly --env-file .env --json").ok();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(&file).unwrap();
    let revealed = carto.sandbox("credentials get token demo --reveal --field token").ok().stdout;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..2], ["# mine", "PATH_TO=x"]);
    assert_eq!(lines[2], format!("CARTO_API_ACCESS_TOKEN='{}'", revealed.trim()));
    assert_eq!(lines[3], "export LAST='1'");
    assert!(lines[4].starts_with("CARTO_M2M_CLIENT_ID='") && lines[5].starts_with("CARTO_M2M_CLIENT_SECRET='"));
    // A shell reads it back.
    let script = ". ./.env && printf '%s\\n' \"$CARTO_API_ACCESS_TOKEN\"";
    let shell = Command::new("sh").args(["-c", script]).current_dir(carto.home()).output().unwrap();
    assert_eq!(String::from_utf8(shell.stdout).unwrap(), revealed);
    // Nothing is left beside it.
    let left = std::fs::read_dir(carto.home()).unwrap().filter_map(Result::ok);
    assert!(left.into_iter().all(|entry| !entry.file_name().to_string_lossy().starts_with(".carto-env")));
}

#[test]
fn a_file_that_cannot_be_written_is_found_out_before_anything_is_made() {
    let carto = Carto::new();
    let server = Wire::start(vec![Act::json("200 OK", "{}")]);
    std::fs::create_dir(carto.home().join("folder")).unwrap();
    std::os::unix::fs::symlink("nowhere", carto.home().join("dangling")).unwrap();
    carto.write("broken", "A='1\nB=2\n");
    std::fs::write(carto.home().join("binary"), [0xff, 0xfe]).unwrap();
    carto.write("large", &"#".repeat(2 << 20));
    let mut report = String::new();
    for path in
        ["folder", "nowhere/.env", "dangling", "/dev/null", "broken", "binary", "large", "/proc/.env", "..", "new/"]
    {
        let output = server.run(&carto, &format!("{CREATE} --env-file {path}")).fails(1);
        report.push_str(&format!("{path}: {output}"));
    }
    for line in
        [&format!("{CREATE} --env-file .env -o env"), "credentials create marker --env-file .env --field nothing"]
    {
        carto.install("marker");
        report.push_str(&server.run(&carto, line).fails(2).to_string());
        carto.uninstall("marker");
    }
    expect![[r#"
        folder: status 1
        --- stderr
        error: cannot write to `folder`: it isn't a plain file
        hint: nothing was created; name another file, or use `-o env` to see the variables
        nowhere/.env: status 1
        --- stderr
        error: cannot write to `nowhere/.env`: its folder can't be used: No such file or directory (os error 2)
        hint: nothing was created; name another file, or use `-o env` to see the variables
        dangling: status 1
        --- stderr
        error: cannot write to `dangling`: it is a link that leads nowhere
        hint: nothing was created; name another file, or use `-o env` to see the variables
        /dev/null: status 1
        --- stderr
        error: cannot write to `/dev/null`: it isn't a plain file
        hint: nothing was created; name another file, or use `-o env` to see the variables
        broken: status 1
        --- stderr
        error: cannot write to `broken`: what begins in line 1 has no end: a quote isn't closed, or a backslash ends the file
        hint: nothing was created; name another file, or use `-o env` to see the variables
        binary: status 1
        --- stderr
        error: cannot write to `binary`: it isn't text in UTF-8
        hint: nothing was created; name another file, or use `-o env` to see the variables
        large: status 1
        --- stderr
        error: cannot write to `large`: it is larger than 1 MiB
        hint: nothing was created; name another file, or use `-o env` to see the variables
        /proc/.env: status 1
        --- stderr
        error: cannot write to `/proc/.env`: nothing can be written beside it: entity not found
        hint: nothing was created; name another file, or use `-o env` to see the variables
        ..: status 1
        --- stderr
        error: cannot write to `..`: it isn't a plain file
        hint: nothing was created; name another file, or use `-o env` to see the variables
        new/: status 1
        --- stderr
        error: cannot write to `new/`: that is a folder's name
        hint: nothing was created; name another file, or use `-o env` to see the variables
        status 2
        --- stderr
        error: `-o env` and `--env-file` both write the variables
        hint: leave one of the two out
        status 2
        --- stderr
        error: there is no field `nothing`
        hint: fields: `args`, `id`, `key`, `name`, `now`, `options`, `problem`
    "#]]
    .assert_eq(&report);
    assert_eq!(server.requests().len(), 0);
    // A failure of the service leaves the file as it was.
    let failing = Wire::start(vec![Act::json("403 Forbidden", r#"{"error": "no"}"#)]);
    carto.write(".env", "A=1\n");
    failing.run(&carto, &format!("{CREATE} --env-file .env")).fails(4);
    assert_eq!(std::fs::read_to_string(carto.home().join(".env")).unwrap(), "A=1\n");
}

/// What can't be foreseen is said with the credential that exists.
#[test]
fn a_file_that_is_taken_away_meanwhile_loses_no_credential() {
    let carto = Carto::new();
    for (line, answer, way_out) in [
        (CREATE, r#"{"id": "tok_1", "token": "s3cr3t"}"#, "`carto credentials get token tok_1 --reveal` shows it"),
        (
            "credentials create m2m --title x",
            r#"{"client_id": "id_1", "client_secret": "s3cr3t", "title": "x"}"#,
            "its secret is lost: `carto credentials delete m2m id_1`, then create it again",
        ),
    ] {
        let folder = carto.home().join("folder");
        std::fs::create_dir(&folder).unwrap();
        let server = Wire::start_with(move |_, request| {
            if !request.is_empty() {
                std::fs::remove_dir_all(&folder).unwrap();
            }
            Act::json("200 OK", answer)
        });
        let output = server.run(&carto, &format!("{line} --env-file folder/.env")).fails(1);
        assert!(output.stderr.contains("but its values were not written to `folder/.env`"), "{output}");
        assert!(output.stderr.contains(way_out) && !output.stderr.contains("s3cr3t"), "{output}");
    }
}

/// Twenty commands that write to one file at once: no variable is lost.
#[test]
fn many_commands_share_a_file() {
    let carto = Carto::new();
    carto.write(".env", "A=1\n");
    std::thread::scope(|scope| {
        for nth in 0..10 {
            let carto = &carto;
            scope.spawn(move || {
                carto.sandbox(&format!("credentials create m2m --title n{nth} --env-file .env")).ok();
                carto.sandbox(&format!("credentials create spa --title n{nth} --env-file .env")).ok();
            });
        }
    });
    let text = std::fs::read_to_string(carto.home().join(".env")).unwrap();
    let names: Vec<&str> = text.lines().map(|line| line.split('=').next().unwrap()).collect();
    assert_eq!(names.len(), 4, "{text}");
    assert_eq!(names[0], "A");
}

/// A credential without its secret is worth saying, and no success where the secret is what was asked for.
#[test]
fn a_new_credential_without_its_secret_is_said() {
    let carto = Carto::new();
    let server = Wire::json("200 OK", r#"{"client_id": "id_1", "title": "x"}"#);
    let create = "credentials create m2m --title x";
    for line in
        [&format!("{create} --env-file .env"), &format!("{create} --field clientSecret"), &format!("{create} -o env")]
    {
        let output = server.run(&carto, line).fails(1);
        assert!(output.stderr.contains("(id_1), but the service's answer holds no `clientSecret`"), "{output}");
    }
    assert!(!carto.home().join(".env").exists());
    let output = server.run(&carto, create).ok();
    assert!(output.stderr.contains("warning: created M2M OAuth Client `x` (id_1), but"), "{output}");
}

/// A shell finds everything else as it was, and the new value whatever stood there.
#[test]
fn a_shell_reads_what_was_merged() {
    let carto = Carto::new();
    for before in [
        "OTHER=keep\n",
        "OTHER=keep\nCARTO_M2M_CLIENT_SECRET=old\n",
        "CARTO_M2M_CLIENT_SECRET='old'; export CARTO_M2M_CLIENT_SECRET; OTHER=keep\n",
        "export CARTO_M2M_CLIENT_SECRET=\"o l\nd\" # why\nOTHER='ke''ep'\n",
        "CARTO_M2M_CLIENT_SECRET=1\nOTHER=keep\nCARTO_M2M_CLIENT_SECRET=2",
        "OTHER=\"keep\"\nMORE='\nCARTO_M2M_CLIENT_SECRET=old\n'\n",
    ] {
        carto.write(".env", before);
        carto.sandbox("credentials create m2m --title x --env-file .env").ok();
        let script = ". ./.env && printf '%s %s' \"$OTHER\" \"$CARTO_M2M_CLIENT_SECRET\"";
        let shell = Command::new("sh").args(["-c", script]).current_dir(carto.home()).output().unwrap();
        let read = String::from_utf8(shell.stdout).unwrap();
        let secret = read.strip_prefix("keep ").unwrap_or_else(|| panic!("{before:?}: {read:?}"));
        assert_eq!(secret.len(), 64, "{before:?}: {secret}");
    }
    carto.write(".env", "OTHER=1\nCARTO_M2M_CLIENT_SECRET=$(pass carto) MORE=2\n");
    let output = carto.sandbox("credentials create m2m --title x --env-file .env").fails(1);
    assert!(
        output.stderr.contains("line 2 sets `CARTO_M2M_CLIENT_SECRET` in a way that can't be replaced"),
        "{output}"
    );
}
