//! Files that are damaged, foreign, or not what they say: one line for their kind, and nothing for the others.

use std::os::unix::fs::PermissionsExt;

use expect_test::expect;

use crate::support::output::check;
use crate::support::{Carto, library};

/// A file under a kind's name, and what is said of it.
fn refused(bytes: &[u8]) -> String {
    let carto = Carto::new();
    carto.uninstall("token");
    let path = carto.kinds().join(library::file_name("token"));
    std::fs::write(path, bytes).unwrap();
    said_of_token(&carto)
}

fn said_of_token(carto: &Carto) -> String {
    let asked = carto.sandbox("credentials create token --grant dw,a.b --apis sql").fails(7);
    // The other kinds don't notice, and a list of all goes on.
    carto.sandbox("credentials create m2m --title x").ok();
    let listed = carto.sandbox("credentials list --json").output();
    assert!(listed.json().get("m2m").is_some(), "{listed}");
    assert_eq!((listed.status, &listed.json()["errors"][0]["kind"]), (7, &"token".into()), "{listed}");
    asked.to_string().replace("status 7\n--- stderr\n", "")
}

#[test]
fn what_is_no_library_is_refused_in_one_line() {
    let whole = std::fs::read(library::built("token")).unwrap();
    let mut report = String::new();
    let mut other_machine = whole.clone();
    // RISC-V, or x86-64 on RISC-V.
    let machine: u16 = if cfg!(target_arch = "riscv64") { 62 } else { 243 };
    other_machine[18..20].copy_from_slice(&machine.to_le_bytes());
    let mut executable = whole.clone();
    executable[16..18].copy_from_slice(&2u16.to_le_bytes());
    for (what, bytes) in [
        ("empty", &b""[..]),
        ("text", b"this is not a library\n"),
        ("half", &whole[..whole.len() / 2]),
        ("all but the last bytes", &whole[..whole.len() - 40]),
        ("another machine", &other_machine),
        ("an executable", &executable),
        ("no manifest", &library::patched("token", b".carto_kind\0", b".carto_kino\0")),
        ("another ABI", &library::patched("token", b"\nabi = 1\n", b"\nabi = 9\n")),
        ("another schema", &library::patched("token", b"schema = \"1.1\"", b"schema = \"9.0\"")),
        ("a misspelt key", &library::patched("token", b"\nplural = ", b"\nplurak = ")),
        ("not UTF-8", &library::patched("token", b"# API Access Tokens.", b"# API Access Tokens\xff")),
        ("another kind's name", &library::patched("token", b"\nname = \"token\"", b"\nname = \"tokem\"")),
        ("no entry", &library::patched("token", b"root_bmodule_bloader", b"root_bmodule_bloadeX")),
        (
            "another abi_stable",
            &library::patched("token", b"abi stable library for Rust", b"abi stable library for Rusk"),
        ),
    ] {
        report.push_str(&format!("{what}:\n{}", refused(bytes)).replace(std::env::consts::ARCH, "[this machine]"));
    }
    expect![[r#"
        empty:
        error: the kind `token` can't be used: `[home]/kinds/libcarto_kind_token.so` isn't a whole shared library: Could not read file magic
        hint: install the plugin again, or remove the file
        text:
        error: the kind `token` can't be used: `[home]/kinds/libcarto_kind_token.so` isn't a whole shared library: Unknown file magic
        hint: install the plugin again, or remove the file
        half:
        error: the kind `token` can't be used: `[home]/kinds/libcarto_kind_token.so` isn't a whole shared library: Invalid ELF section header offset/size/alignment
        hint: install the plugin again, or remove the file
        all but the last bytes:
        error: the kind `token` can't be used: `[home]/kinds/libcarto_kind_token.so` isn't a whole shared library: Invalid ELF section header offset/size/alignment
        hint: install the plugin again, or remove the file
        another machine:
        error: the kind `token` can't be used: `[home]/kinds/libcarto_kind_token.so` is built for another platform (riscv64)
        hint: get the plugin for linux on [this machine]
        an executable:
        error: the kind `token` can't be used: `[home]/kinds/libcarto_kind_token.so` isn't a shared library
        hint: build the plugin as a `cdylib`
        no manifest:
        error: the kind `token` can't be used: `[home]/kinds/libcarto_kind_token.so` holds no manifest
        hint: build it with `carto_plugin_api::export_kind!`, or remove the file
        another ABI:
        error: the kind `token` can't be used: `[home]/kinds/libcarto_kind_token.so` has plugin ABI 9, and this carto has ABI 1
        hint: update carto, which is 0.1.0 here, or get an earlier version of the plugin
        another schema:
        error: the kind `token` can't be used: `[home]/kinds/libcarto_kind_token.so` is written in manifest schema 9.0, and this carto reads schema 1.1
        hint: update carto, which is 0.1.0 here, or get an earlier version of the plugin
        a misspelt key:
        error: the kind `token` can't be used: `[home]/kinds/libcarto_kind_token.so` holds a manifest that can't be used: missing field `plural`
        hint: get a newer version of the plugin, or remove the file
        not UTF-8:
        error: the kind `token` can't be used: `[home]/kinds/libcarto_kind_token.so` holds a manifest that isn't UTF-8
        hint: get a newer version of the plugin, or remove the file
        another kind's name:
        error: the kind `token` can't be used: `[home]/kinds/libcarto_kind_token.so` is the kind `tokem` under another name
        hint: rename the file to `libcarto_kind_tokem.so`
        no entry:
        error: the kind `token` can't be loaded: `[home]/kinds/libcarto_kind_token.so` has a manifest but no entry; nothing was changed
        hint: build it with `carto_plugin_api::export_kind!`
        another abi_stable:
        error: the kind `token` can't be loaded: `[home]/kinds/libcarto_kind_token.so` was built with another version of abi_stable; nothing was changed
        hint: get a version of the plugin that is built with the plugin ABI of this carto
    "#]].assert_eq(&report);
}

#[test]
fn what_is_no_file_is_refused_in_one_line() {
    let carto = Carto::new();
    carto.uninstall("token");
    let path = carto.kinds().join(library::file_name("token"));
    let mut report = String::new();
    std::fs::create_dir(&path).unwrap();
    report.push_str(&said_of_token(&carto));
    std::fs::remove_dir(&path).unwrap();
    std::os::unix::fs::symlink("/nowhere/at/all", &path).unwrap();
    report.push_str(&said_of_token(&carto));
    std::fs::remove_file(&path).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
    report.push_str(&said_of_token(&carto));
    expect![[r#"
        error: the kind `token` can't be used: `[home]/kinds/libcarto_kind_token.so` isn't a file
        hint: remove it: a kind is a shared library
        error: the kind `token` can't be used: `[home]/kinds/libcarto_kind_token.so` can't be read: No such file or directory (os error 2)
        hint: install the plugin again, or remove the file
        error: the kind `token` can't be used: `[home]/kinds/libcarto_kind_token.so` isn't a file
        hint: remove it: a kind is a shared library
    "#]].assert_eq(&report);
}

#[test]
fn what_others_can_write_is_refused_with_the_command_that_mends_it() {
    let carto = Carto::new();
    carto.uninstall("token");
    let path = carto.kinds().join(library::file_name("token"));
    std::fs::copy(library::built("token"), &path).unwrap();
    let set =
        |path: &std::path::Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    set(&path, 0o777);
    expect![[r#"
        error: the kind `token` can't be used: `[home]/kinds/libcarto_kind_token.so` can be written by anyone
        hint: `chmod o-w [home]/kinds/libcarto_kind_token.so`
    "#]]
    .assert_eq(&said_of_token(&carto));
    set(&path, 0o775);
    carto.sandbox("credentials list tokens").ok();
    set(&carto.kinds(), 0o777);
    check(
        &carto.sandbox("credentials list tokens").fails(7),
        expect![[r#"
        status 7
        --- stderr
        error: the kinds in `[home]/kinds` can't be used: it can be written by anyone
        hint: `chmod o-w [home]/kinds`
    "#]],
    );
    check(
        &carto.sandbox("credentials list").output(),
        expect![[r#"
            status 7
            --- stderr
            warning: the kinds in `[home]/kinds` can't be used: it can be written by anyone
            hint: `chmod o-w [home]/kinds`
        "#]],
    );
    set(&carto.kinds(), 0o755);
    carto.sandbox("credentials list tokens").ok();
}

#[test]
fn the_list_of_plugins_says_why() {
    let carto = Carto::new();
    carto.uninstall("spa");
    std::fs::write(carto.kinds().join(library::file_name("spa")), "text").unwrap();
    std::fs::write(carto.kinds().join("libcarto_kind_Bad-Name.so"), "text").unwrap();
    check(
        &carto.run("plugin list").output(),
        expect![[r#"
            status 0
            --- stdout
            NAME   STATE    VERSION  VENDOR  FOLDER
            m2m    ok       0.1.0    carto   [home]/kinds
            spa    refused  -        -       [home]/kinds
            token  ok       0.1.0    carto   [home]/kinds
            -      refused  -        -       [home]/kinds
            --- stderr
            note: kinds run `confined` (the default): in a process of their own, behind Landlock and a filter of system calls
            warning: the kind `spa` can't be used: `[home]/kinds/libcarto_kind_spa.so` isn't a whole shared library: Could not read file magic
            hint: install the plugin again, or remove the file
            warning: `[home]/kinds/libcarto_kind_Bad-Name.so` can't be used: it has a name that no kind can have
            hint: rename it: lower-case letters and digits, in words joined by `_`
        "#]],
    );
    let rows = carto.run("plugin list --json").ok().json();
    let refused: Vec<_> = rows["plugins"].as_array().unwrap().iter().filter(|row| row["state"] == "refused").collect();
    assert_eq!(refused.len(), 2);
    assert!(refused.iter().all(|row| row["cause"].is_string() && row["remedy"].is_string()), "{refused:?}");
}

/// The marker's library with another plural, in that folder.
fn marker_with_plural(folder: &std::path::Path, plural: &str) {
    let to = format!("{:<18}", format!("plural = \"{plural}\""));
    let bytes = library::patched("marker", b"plural = \"markers\"", to.as_bytes());
    std::fs::write(folder.join(library::file_name("marker")), bytes).unwrap();
}

#[test]
fn a_plural_belongs_to_the_first_that_claims_it() {
    let carto = Carto::new();
    marker_with_plural(&carto.kinds(), "tokens");
    let listed = carto.run("plugin list --json").ok().json();
    let state = |name: &str| {
        listed["plugins"].as_array().unwrap().iter().find(|row| row["name"] == name).unwrap()["state"].clone()
    };
    assert_eq!((state("marker"), state("token")), ("ok".into(), "refused".into()));
    // Its name is its own all the same.
    carto.sandbox("credentials list token").ok();
    check(
        &carto.sandbox("credentials list").output(),
        expect![[r#"
            status 7
            --- stdout
            M2M OAuth Client (m2m)
            none

            Marker (tokens)
            ID  NAME  ARGS
            m0  mark  -
            m1  mark  -
            m2  mark  -
            m3  mark  -
            m4  mark  -
            m5  mark  -

            SPA OAuth Client (spa)
            none
            --- stderr
            error: token: the kind `token` can't be used: `[home]/kinds/libcarto_kind_token.so` isn't listed: the plural `tokens` belongs to another kind
            hint: remove one of the two
        "#]],
    );
}

#[test]
fn a_later_folder_takes_no_word_from_an_earlier_one() {
    // Where a constructor could leave a mark.
    let carto = Carto::new().at_level("in-process");
    let users = carto.home().join("users");
    std::fs::create_dir(&users).unwrap();
    let paths = std::env::join_paths([carto.kinds(), users.clone()]).unwrap();
    let run = |line: &str| carto.sandbox(line).env("CARTO_KINDS_PATH", &paths);
    let mark = carto.home().join("mark");
    // A kind of the user's that is called as a kind of the system's is listed: as an empty file, and as a library.
    let file = users.join(library::file_name("tokens"));
    std::fs::write(&file, "").unwrap();
    run("credentials list token").ok();
    run("credentials list tokens").ok();
    let named = library::patched("marker", b"\nname = \"marker\"", b"\nname = \"tokens\"");
    std::fs::write(&file, named).unwrap();
    run("credentials list tokens").env("CARTO_TEST_MARK", &mark).ok();
    assert!(!mark.exists(), "the user's library was opened");
    // A plural of the user's that is a name or a plural of the system's.
    std::fs::remove_file(&file).unwrap();
    for plural in ["token", "tokens", "spa"] {
        marker_with_plural(&users, plural);
        run(&format!("credentials list {plural}")).env("CARTO_TEST_MARK", &mark).ok();
        assert!(!mark.exists(), "the user's library was opened");
        assert!(run("plugin list").ok().stderr.contains("belongs to another kind"));
    }
}
