//! Kinds come and go with their files, and nothing of a library runs before a verb of it is asked for.

use expect_test::expect;

use crate::support::output::check;
use crate::support::{Carto, library};

#[test]
fn a_kind_that_is_moved_away_is_gone_and_comes_back() {
    let carto = Carto::new();
    carto.sandbox("credentials create m2m --title Nightly").ok();
    carto.uninstall("m2m");
    assert!(!carto.run("credentials create --help").ok().stdout.contains("m2m"));
    assert!(!carto.run("credentials --help").ok().stdout.contains("revoke"));
    assert!(!carto.run("plugin list").ok().stdout.contains("m2m"));
    let listed = carto.sandbox("credentials list --json").ok().json();
    assert_eq!(listed.as_object().unwrap().keys().collect::<Vec<_>>(), ["spa", "tokens"]);
    check(
        &carto.sandbox("credentials list m2m").fails(2),
        expect![[r#"
        status 2
        --- stderr
        error: no kind `m2m` here; kinds: spa, token
        hint: install its plugin, or choose one of these
    "#]],
    );
    check(
        &carto.sandbox("credentials revoke m2m Nightly").fails(2),
        expect![[r#"
        status 2
        --- stderr
        error: no kind `m2m` here; kinds: spa, token
        hint: install its plugin, or choose one of these
    "#]],
    );
    carto.install("m2m");
    assert_eq!(carto.sandbox("credentials list m2m --field title").ok().stdout, "Nightly\n");
}

#[test]
fn without_any_kind_every_message_shows_a_way() {
    let carto = Carto::without_kinds();
    check(
        &carto.sandbox("credentials get token x").fails(2),
        expect![[r#"
        status 2
        --- stderr
        error: no kind `token` here; there are none
        hint: a kind is a library in one of these folders: [home]/kinds
    "#]],
    );
    check(
        &carto.sandbox("credentials list").output(),
        expect![[r#"
            status 0
            --- stderr
            There are no kinds here: `carto plugin list` says where they are looked for.
        "#]],
    );
    check(
        &carto.sandbox("credentials list --json").output(),
        expect![[r#"
        status 0
        --- stdout
        {
        }
    "#]],
    );
    check(
        &carto.run("plugin list").output(),
        expect![[r#"
            status 0
            --- stderr
            note: kinds run `confined` (the default): in a process of their own, behind Landlock and a filter of system calls
            There are no plugins in [home]/kinds.
        "#]],
    );
    check(
        &carto.run("plugin list --json").output(),
        expect![[r#"
            status 0
            --- stdout
            {
              "plugins": [],
              "runtime": {
                "level": "confined",
                "usable": true,
                "meaning": "kinds run in a process of their own, behind Landlock and a filter of system calls",
                "why": "the default",
                "hint": null
              },
              "policies": []
            }
        "#]],
    );
}

#[test]
fn plugins_are_listed_from_their_files() {
    let carto = Carto::new();
    check(
        &carto.run("plugin list").output(),
        expect![[r#"
            status 0
            --- stdout
            NAME   STATE  VERSION  VENDOR  FOLDER
            m2m    ok     0.1.0    carto   [home]/kinds
            spa    ok     0.1.0    carto   [home]/kinds
            token  ok     0.1.0    carto   [home]/kinds
            --- stderr
            note: kinds run `confined` (the default): in a process of their own, behind Landlock and a filter of system calls
        "#]],
    );
    let json = carto.run("plugin list --json").ok().json();
    let token = json["plugins"].as_array().unwrap().iter().find(|row| row["name"] == "token").unwrap().clone();
    assert_eq!(
        (token["state"].as_str(), token["level"].as_str(), token["plural"].as_str()),
        (Some("ok"), Some("confined"), Some("tokens"))
    );
    assert_eq!(token["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn no_library_runs_before_its_verb() {
    // Confined it could leave no mark.
    let carto = Carto::new().at_level("in-process");
    carto.install("marker");
    let mark = carto.home().join("mark");
    for line in [
        "--help",
        "credentials --help",
        "credentials create --help",
        "credentials create marker --help",
        "credentials list tokens",
        "credentials get token x",
        "plugin list",
        "plugin list --json",
        "plugin info marker",
        "plugin why marker",
        "plugin doctor",
        "plugin lock --dry-run",
        "plugin install --dry-run kinds/libcarto_kind_marker.so",
        "credentials create marker --number x",
        "credentials frob marker",
        "credentials delete marker x",
        "credentials list markers --limit 0",
    ] {
        let output = carto.sandbox(line).env("CARTO_TEST_MARK", &mark).output();
        assert!(!mark.exists(), "{line}: {output}");
    }
    carto.sandbox("credentials list markers").env("CARTO_TEST_MARK", &mark).ok();
    assert!(mark.exists(), "the fixture leaves no mark at all");
}

#[test]
fn the_first_folder_that_has_a_name_keeps_it() {
    let carto = Carto::new();
    let second = carto.home().join("second");
    std::fs::create_dir(&second).unwrap();
    std::fs::write(second.join(library::file_name("token")), "not a library").unwrap();
    std::os::unix::fs::symlink(library::built("marker"), second.join(library::file_name("marker"))).unwrap();
    let paths = std::env::join_paths([carto.kinds(), second.clone()]).unwrap();
    let both = |line: &str| carto.sandbox(line).env("CARTO_KINDS_PATH", &paths);
    both("credentials list tokens").ok();
    both("credentials list markers").ok();
    // The other way round, the refused file still holds the name.
    let paths = std::env::join_paths([second, carto.kinds()]).unwrap();
    let refused = carto.sandbox("credentials list tokens").env("CARTO_KINDS_PATH", &paths).fails(7);
    check(
        &refused,
        expect![[r#"
        status 7
        --- stderr
        error: the kind `token` can't be used: `[home]/second/libcarto_kind_token.so` isn't a whole shared library: Could not read file magic
        hint: install the plugin again, or remove the file
    "#]],
    );
}

#[test]
fn the_option_goes_before_the_variable() {
    let carto = Carto::new();
    let empty = carto.home().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let output = carto.run(&format!("--kinds-path {} plugin list --json", empty.display())).ok();
    assert_eq!(output.json()["plugins"], serde_json::json!([]));
}

/// The host's own folder, and a prefix: where an installed `carto` looks without being told.
#[test]
fn an_installed_program_finds_its_kinds() {
    let carto = Carto::new();
    let prefix = carto.home().join("prefix");
    std::fs::create_dir_all(prefix.join("bin")).unwrap();
    std::fs::create_dir_all(prefix.join("lib/carto/kinds")).unwrap();
    let installed = prefix.join("bin/carto");
    std::fs::copy(env!("CARGO_BIN_EXE_carto"), &installed).unwrap();
    std::fs::copy(library::built("m2m"), prefix.join("lib/carto/kinds").join(library::file_name("m2m"))).unwrap();
    let user = carto.data().join("kinds");
    std::fs::create_dir_all(&user).unwrap();
    std::fs::copy(library::built("spa"), user.join(library::file_name("spa"))).unwrap();
    let output = std::process::Command::new(installed)
        .args(["plugin", "list", "--json"])
        .env_clear()
        .env("HOME", carto.home())
        // A library in the working directory, or on `PATH`, is never looked at.
        .env("PATH", carto.kinds())
        .current_dir(carto.kinds())
        .output()
        .unwrap();
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let names: Vec<&str> =
        json["plugins"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["m2m", "spa"]);
}

/// A new kind is a new file, and no change here: outside the sandbox, which knows the API's routes, the host names no kind.
#[test]
fn the_host_knows_no_kind() {
    fn sources(folder: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            // CARTO's own sign-in has machines and browsers, and its clients are made by two kinds: words, and no rule of theirs.
            if path.ends_with("sandbox") || path.ends_with("auth") || path.ends_with("auth.rs") {
                continue;
            }
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
                found.push(path);
            }
        }
    }
    let mut files = Vec::new();
    sources(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    assert!(files.len() > 20);
    // `token` is also what CARTO calls a bearer, in options, variables and files; as a kind it would be in one of these forms.
    let names = regex_lite::Regex::new(
        r#"\b(m2m|spa|tokens|M2m|Spa|M2M|SPA)\b|"token" =>|== "token"|carto_kind_(token|spa|m2m)"#,
    )
    .unwrap();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for (i, line) in code.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            // An option of signing in, which hints name.
            let words = line.replace("--m2m", "");
            assert!(!names.is_match(&words), "{}:{}: {line}", file.display(), i + 1);
        }
    }
}
