//! `carto plugin check`: the three kinds pass, and each check is seen to find what it is for.

mod cases;

use std::collections::BTreeSet;

use expect_test::expect;

use cases::{Case, checks, files, running, service, strange, verbs};

use crate::support::{Carto, KINDS, library, output};

/// Runs them, two at a time.
fn run(cases: &[Case]) {
    std::thread::scope(|scope| {
        for half in cases.chunks(cases.len().div_ceil(2)) {
            scope.spawn(move || half.iter().for_each(|case| drop(case.run())));
        }
    });
}

#[test]
fn files_and_manifests_are_found_out() {
    run(&files());
}

#[test]
fn verbs_are_found_out() {
    run(&verbs());
}

#[test]
fn what_is_made_of_a_service_is_found_out() {
    run(&service());
}

#[test]
fn faults_and_secrets_are_found_out() {
    run(&running());
}

/// A check that never fails would say nothing.
#[test]
fn each_check_is_seen_to_find_something() {
    let cases: Vec<Case> = files().into_iter().chain(verbs()).chain(service()).chain(running()).collect();
    let finds =
        cases.iter().flat_map(|case| case.finds).filter(|(_, outcome, _)| matches!(*outcome, "failed" | "warned"));
    // In the next test: what is for debuggers isn't in the libraries above.
    let seen: BTreeSet<String> = finds.map(|(id, ..)| (*id).to_owned()).chain(["file.stripped".to_owned()]).collect();
    assert_eq!(seen, cases[0].run());
}

#[test]
fn the_three_kinds_pass() {
    for kind in KINDS {
        let carto = Carto::without_kinds();
        let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../plugins/{kind}/check.toml"));
        for script in [format!("--script {}", script.display()), String::new()] {
            let output = carto.run(&format!("plugin check {} {script} --json", library::built(kind).display())).ok();
            let checks = checks(&output);
            let ended = |outcome: &str| -> Vec<&String> {
                checks.iter().filter(|(_, check)| check["outcome"] == outcome).map(|(id, _)| id).collect()
            };
            assert_eq!(ended("skipped"), ["verbs.missing"], "{output}");
            // How new a glibc it needs is the building machine's, and how quick it is the running one's.
            let warned = ended("warned");
            let warned =
                warned.into_iter().filter(|id| !matches!(id.as_str(), "file.glibc" | "time.second" | "load.opens"));
            let expected: &[&str] = if kind == "spa" { &["file.stripped", "manifest.env"] } else { &["file.stripped"] };
            assert_eq!(warned.collect::<Vec<_>>(), expected, "{output}");
        }
    }
}

#[test]
fn a_person_reads_what_is_wrong_and_what_to_do() {
    let carto = Carto::without_kinds();
    let file = library::file_name("strange");
    std::fs::write(carto.home().join(&file), strange("get:undeclared", &[])).unwrap();
    let output = carto.run(&format!("plugin check {file} --junit check.xml")).output();
    assert!(output.stdout.lines().all(|line| line.chars().count() <= 80), "{output}");
    let told = output.stdout.split("\nfailed calls.declared").nth(1).unwrap();
    let told = told.split("\n\n").next().unwrap();
    expect![[r#"
        : asks for nothing that it doesn't declare
          get `chk_00000000000000000003`: it asked for `api DELETE /v3/tokens/x`, which
          its manifest doesn't declare
          hint: declare it in `calls` of `[verbs.get]`, or don't ask for it"#]]
    .assert_eq(told);
    assert_eq!((output.status, output.stderr.as_str()), (7, ""), "{output}");

    let xml = std::fs::read_to_string(carto.home().join("check.xml")).unwrap();
    let start = xml.find("    <testcase classname=\"libcarto_kind_strange.so\" name=\"calls.declared\"").unwrap();
    let end = xml[start..].find("</testcase>").unwrap();
    expect![[r#"
            <testcase classname="libcarto_kind_strange.so" name="calls.declared">
              <failure message="the library must be one that asks for nothing that it doesn&apos;t declare">get `chk_00000000000000000003`: it asked for `api DELETE /v3/tokens/x`, which its manifest doesn&apos;t declare
        hint: declare it in `calls` of `[verbs.get]`, or don&apos;t ask for it</failure>"#]].assert_eq(xml[start..start + end].trim_end());
}

/// What many checks have in common is said once, and what the others follow from comes first.
#[test]
fn a_report_begins_with_the_cause() {
    let carto = Carto::without_kinds();
    carto.write("Cargo.toml", "[package]\n");
    output::check(
        &carto.run("plugin check Cargo.toml").output(),
        expect![[r#"
            status 7
            --- stdout
            Cargo.toml

            file
              failed   file.library       is a shared library for this machine

            51 skipped: carto can't use the file

            failed file.library: is a shared library for this machine
              it isn't a whole shared library: Could not read file magic
              hint: build it as a `cdylib`, for this machine

            0 passed, 1 failed, 0 warned, 51 skipped
        "#]],
    );

    let file = library::file_name("strange");
    std::fs::write(carto.home().join(&file), strange("get:panic-for-nobody", &[])).unwrap();
    let told = carto.run(&format!("plugin check {file}")).output().stdout;
    let details: Vec<&str> = told.lines().filter(|line| line.starts_with("failed ")).collect();
    assert!(details[0].starts_with("failed run.survives: "), "{told}");
    let reason = "`get` broke: see run.survives";
    assert!(told.contains(reason) && !told.contains("get never asked for"), "{told}");
}

#[test]
fn what_isnt_the_librarys_fault_is_an_error() {
    let carto = Carto::new();
    let file = format!("kinds/{}", library::file_name("m2m"));
    carto.write("bad.toml", "[create]\nargs = { nome = \"x\" }\n");
    output::check(
        &carto.run("plugin check nothing.so").fails(2),
        expect![[r#"
            status 2
            --- stderr
            error: cannot read `nothing.so`: No such file or directory (os error 2)
            hint: name the library that `cargo build --release` has made, like `target/release/libcarto_kind_robot.so`
        "#]],
    );
    output::check(
        &carto.run(&format!("plugin check {file} --script none.toml")).fails(2),
        expect![[r#"
            status 2
            --- stderr
            error: cannot use the script `none.toml`: No such file or directory (os error 2)
            hint: name the script beside the kind's `Cargo.toml`, like `check.toml`
        "#]],
    );
    output::check(
        &carto.run(&format!("plugin check {file} --script bad.toml")).fails(2),
        expect![[r#"
        status 2
        --- stderr
        error: cannot use the script `bad.toml`: line 2, column 10: create has no option `nome`
        hint: docs/plugin-check.md says what a script may hold
    "#]],
    );
    output::check(
        &carto.run(&format!("plugin check {file} -o csv")).fails(2),
        expect![[r#"
        status 2
        --- stderr
        error: the result of a check is a text or JSON
        hint: leave the format out, or use `--json`
    "#]],
    );
    let mut written = carto.run(&format!("plugin check {file} --junit none/x.xml")).output();
    assert!(written.stdout.ends_with(" skipped\n"), "{written}");
    written.stdout.clear();
    output::check(
        &written,
        expect![[r#"
        status 1
        --- stderr
        error: cannot write `none/x.xml`: No such file or directory (os error 2)
        hint: name another file behind `--junit`
    "#]],
    );
    let carto = carto.at_level("in-process");
    output::check(
        &carto.run(&format!("plugin check {file}")).fails(2),
        expect![[r#"
        status 2
        --- stderr
        error: a check needs a process that may end, and the level is `in-process`
        hint: leave `level` out of `[plugins]` in your settings
    "#]],
    );
}
