//! `carto plugin new`: what it makes, says and refuses. That the crate builds and passes is for `tests/vendor/run`, which needs a registry.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use expect_test::expect;

use crate::support::output::{Output, check};
use crate::support::{Carto, Run};

fn contract() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugin-api").canonicalize().unwrap()
}

/// `plugin new` in an empty folder, with the contract's crate of this checkout.
fn new(carto: &Carto, line: &str) -> Run {
    carto.run(&format!("plugin new {line} --plugin-api {}", contract().display()))
}

/// Without the path of this checkout.
fn shown(mut output: Output) -> Output {
    let path = contract().display().to_string();
    for text in [&mut output.stdout, &mut output.stderr] {
        *text = text.replace(&path, "[checkout]/plugin-api");
    }
    output
}

/// Everything below a folder, by name.
fn listed(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path)
            } else {
                found.push(path.strip_prefix(folder).unwrap().display().to_string())
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_crate_is_made() {
    let carto = Carto::without_kinds();
    let output = new(&carto, "api-key").ok();
    let files: Vec<&str> = output.stdout.lines().map(|line| line.strip_prefix("api-key/").unwrap()).collect();
    let mut sorted = files.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, listed(&carto.home().join("api-key")));
    check(
        &shown(output),
        expect![[r#"
        status 0
        --- stdout
        api-key/Cargo.toml
        api-key/kind.toml
        api-key/src/lib.rs
        api-key/src/find.rs
        api-key/src/tests.rs
        api-key/check.toml
        api-key/ci/run
        api-key/README.md
        api-key/LICENSE
        api-key/rustfmt.toml
        api-key/.gitignore
        --- stderr
        note: carto-plugin-api isn't published yet; this is the one that `--plugin-api` named: `[checkout]/plugin-api`
        Made the crate carto-kind-api-key. It works as it is; README.md says how to make it yours. Next:
          cd api-key
          cargo test
          cargo build --release
          carto plugin check target/release/libcarto_kind_api_key.so --script check.toml
    "#]],
    );
    let script = carto.home().join("api-key/ci/run").metadata().unwrap();
    assert_ne!(script.permissions().mode() & 0o100, 0);
    let cargo = std::fs::read_to_string(carto.home().join("api-key/Cargo.toml")).unwrap();
    assert!(cargo.contains(&format!("path = \"{}\"", contract().display())), "{cargo}");
}

#[test]
fn a_dry_run_writes_nothing_and_json_says_what_was_written() {
    let carto = Carto::without_kinds();
    let before = listed(carto.home());
    check(
        &shown(new(&carto, "x --dry-run").ok()),
        expect![[r#"
        status 0
        --- stdout
        x/Cargo.toml
        x/kind.toml
        x/src/lib.rs
        x/src/find.rs
        x/src/tests.rs
        x/check.toml
        x/ci/run
        x/README.md
        x/LICENSE
        x/rustfmt.toml
        x/.gitignore
        --- stderr
        note: carto-plugin-api isn't published yet; this is the one that `--plugin-api` named: `[checkout]/plugin-api`
        Not written: this was a dry run.
    "#]],
    );
    assert_eq!(listed(carto.home()), before);
    check(
        &shown(new(&carto, "x --json").ok()),
        expect![[r#"
        status 0
        --- stdout
        {
          "folder": "[home]/x",
          "files": [
            "Cargo.toml",
            "kind.toml",
            "src/lib.rs",
            "src/find.rs",
            "src/tests.rs",
            "check.toml",
            "ci/run",
            "README.md",
            "LICENSE",
            "rustfmt.toml",
            ".gitignore"
          ],
          "plugin_api": {
            "path": "[checkout]/plugin-api",
            "from": "option"
          },
          "written": true
        }
    "#]],
    );
    assert!(carto.home().join("x/kind.toml").is_file());
}

#[test]
fn what_is_there_is_left_as_it_is() {
    let carto = Carto::without_kinds();
    carto.write("x/mine.txt", "mine");
    let before = listed(carto.home());
    assert_eq!(new(&carto, "x --dry-run").fails(5).stderr, new(&carto, "x").fails(5).stderr);
    check(
        &new(&carto, "x").fails(5),
        expect![[r#"
            status 5
            --- stderr
            error: `[home]/x` is there already, and was left as it is
            hint: choose another name, or go to another folder
        "#]],
    );
    assert_eq!(listed(carto.home()), before);
}

#[test]
fn what_cant_be_a_kind_is_refused_before_anything_is_written() {
    let carto = Carto::without_kinds();
    let before = listed(carto.home());
    let mut report = String::new();
    for name in ["API_Key", "list", "help", "../x", "''", "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffff"] {
        report.push_str(&new(&carto, name).fails(2).stderr);
    }
    report.push_str(&new(&carto, "x -o csv").fails(2).stderr);
    report.push_str(&carto.run("plugin new x --plugin-api kinds").fails(2).stderr);
    expect![[r#"
        error: `API_Key` can't be the name of a kind: a name is lower-case letters and digits, in words joined by `-`, and begins with a letter
        hint: `carto plugin new api-key`
        error: `list` can't be the name of a kind: it is a word of carto's own
        hint: choose a name like `list-key`
        error: `help` can't be the name of a kind: it is a word of carto's own
        hint: choose a name like `help-key`
        error: `../x` can't be the name of a kind: a name is lower-case letters and digits, in words joined by `-`, and begins with a letter
        hint: `carto plugin new x`
        error: `` can't be the name of a kind: a name is lower-case letters and digits, in words joined by `-`, and begins with a letter
        hint: choose a name like `api-key`
        error: `aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffff` is too long for a kind: 54 letters, and 53 is the most
        hint: choose a shorter name
        error: what is made is shown as a list of files, or as JSON
        hint: leave the format out, or use `--json`
        error: `kinds` isn't the folder of the crate carto-plugin-api: `kinds/Cargo.toml`: No such file or directory (os error 2)
        hint: name the folder `plugin-api` of a checkout of carto, or leave `--plugin-api` out
    "#]].assert_eq(&report);
    assert_eq!(listed(carto.home()), before);
}

#[test]
fn a_name_that_an_installed_kind_has_is_a_warning() {
    let carto = Carto::new();
    let output = new(&carto, "tokens").ok();
    assert!(output.stderr.contains("`tokens` means an installed kind already"), "{output}");
}

/// In a prefix, with the crate that came along and without it.
#[test]
fn an_installed_program_knows_its_contract() {
    let carto = Carto::without_kinds();
    let prefix = carto.home().join("prefix");
    std::fs::create_dir_all(prefix.join("bin")).unwrap();
    std::fs::copy(env!("CARGO_BIN_EXE_carto"), prefix.join("bin/carto")).unwrap();
    let run = || {
        let mut command = std::process::Command::new(prefix.join("bin/carto"));
        command.args(["plugin", "new", "x", "--json"]).env_clear().env("HOME", carto.home()).current_dir(carto.home());
        Run::of(command, carto.home())
    };
    let error = run().fails(2).error();
    let text = format!("{}\n{}", error["message"].as_str().unwrap(), error["hint"].as_str().unwrap());
    expect![[r#"
        the crate carto-plugin-api isn't published yet, and none came with this carto (looked for in `[home]/prefix/share/carto/plugin-api`)
        add `--plugin-api PATH`, the folder `plugin-api` of a checkout of carto"#]].assert_eq(&text.replace(&carto.home().canonicalize().unwrap().display().to_string(), "[home]"));
    let share = carto.write("prefix/share/carto/plugin-api/Cargo.toml", "[package]\nname = \"carto-plugin-api\"\n");
    let made = run().ok().json();
    assert_eq!(made["plugin_api"]["from"], "prefix");
    assert_eq!(made["plugin_api"]["path"], share.parent().unwrap().canonicalize().unwrap().to_str().unwrap());
}
