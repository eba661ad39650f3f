//! The command line as documents: the page in `docs/` is the one that the program writes, and its man pages are well-formed.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use expect_test::{expect, expect_file};

use crate::support::Carto;

/// The man pages of a home with these kinds: where they are, and their names.
fn man(carto: &Carto) -> (std::path::PathBuf, Vec<String>) {
    let folder = carto.home().join("new/man1");
    let names = carto.run("reference man new/man1 --date 2026-11-23").ok().stdout;
    (folder, names.lines().map(str::to_owned).collect())
}

fn page(carto: &Carto, name: &str) -> String {
    std::fs::read_to_string(man(carto).0.join(name)).unwrap()
}

/// `UPDATE_EXPECT=1` writes the page.
#[test]
fn the_reference_page_is_what_the_program_writes() {
    expect_file!["../../docs/reference.md"].assert_eq(&Carto::new().run("reference markdown").ok().stdout);
}

#[test]
fn every_command_has_a_page() {
    let carto = Carto::new();
    let (folder, names) = man(&carto);
    let written: BTreeSet<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(written, names.iter().cloned().collect());
    for expected in
        ["carto.1", "carto-credentials-create-token.1", "carto-plugin-why.1", "carto-credentials-revoke-m2m.1"]
    {
        assert!(written.contains(expected), "{written:?}");
    }
    assert!(!written.iter().any(|name| name.contains("reference") || name.contains("help")), "{written:?}");
    let (_, without_kinds) = man(&Carto::without_kinds());
    assert!(without_kinds.contains(&"carto-credentials-create.1".to_owned()));
    assert!(!without_kinds.iter().any(|name| name.contains("token")), "{without_kinds:?}");
}

#[test]
fn a_page_says_what_its_command_takes() {
    let carto = Carto::new();
    expect![[r#"
        .ie \n(.g .ds Aq \(aq
        .el .ds Aq '
        .TH CARTO-CREDENTIALS-CREATE-M2M 1 2026-11-23 "carto 0.1.0" carto
        .SH NAME
        carto\-credentials\-create\-m2m \- Create a credential: M2M OAuth Client
        .SH SYNOPSIS
        \fBcarto credentials create m2m\fR [OPTIONS] \-\-title <NAME>
        .SH DESCRIPTION
        Create a credential; its secrets are shown now, and later only with `\-\-reveal`, if at all.
        .PP
        M2M OAuth Client: Sign\-in for a program that acts without a user.
        .SH OPTIONS
        .TP
        \fB\-\-title\fR \fI<NAME>\fR
        Application title [example: Nightly import]; required
        .TP
        \fB\-\-env\-file\fR \fI<PATH>\fR
        Write the credential\*(Aqs variables into this file, and its secrets nowhere else
        .SH "SEE ALSO"
        \fBcarto\fR(1), \fBcarto\-credentials\-create\fR(1)
        .PP
        Options of every command, exit statuses, variables and files are in \fBcarto\fR(1).
    "#]]
    .assert_eq(&page(&carto, "carto-credentials-create-m2m.1"));
    // Without a date its place stays empty.
    carto.run("reference man undated").ok();
    let page = std::fs::read_to_string(carto.home().join("undated/carto.1")).unwrap();
    assert!(page.contains("\n.TH CARTO 1 \"\" \"carto "), "{page}");
}

#[test]
fn the_programs_page_names_every_variable() {
    let page = page(&Carto::new(), "carto.1");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/environment.rs");
    let names = regex_lite::Regex::new(r#""(CARTO_[A-Z_]+)""#).unwrap();
    for name in names.captures_iter(&std::fs::read_to_string(source).unwrap()) {
        assert!(page.contains(&format!("\n\\fI{}\\fR\n", &name[1])), "{} isn't there: {page}", &name[1]);
    }
}

#[test]
fn pages_are_well_formed() {
    let carto = Carto::new();
    let (folder, names) = man(&carto);
    for (program, args) in [("mandoc", &["-Tlint", "-Wwarning"][..]), ("groff", &["-man", "-ww", "-z"])] {
        let file = Path::new("/usr/bin").join(program);
        if !file.exists() {
            println!("left out: {program} isn't installed");
            continue;
        }
        let output = Command::new(file).args(args).args(&names).current_dir(&folder).output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(said, "", "{program}");
    }
}

#[test]
fn a_folder_that_cant_be_written_is_said() {
    let carto = Carto::new();
    carto.write("file", "");
    let said = carto.run("reference man file/man1").fails(1).stderr;
    assert!(said.starts_with("error: cannot write into `file/man1`: "), "{said}");
}
