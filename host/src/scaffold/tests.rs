//! The crate, for names that could go wrong. That it builds, passes its tests and its check is tried by `tests/vendor/run`.

use carto_plugin_api::manifest::Manifest;

use super::*;

const NAMES: [&str; 9] = [
    "x",
    "api-key",
    "a1-2b",
    "fn",
    "self",
    "string",
    "news",
    "credential",
    "a-name-as-long-as-the-name-of-a-kind-can-ever-be-here",
];

fn rendered(name: &str) -> Vec<File> {
    files(
        name,
        &Contract::find(Some(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../plugin-api")))).unwrap(),
    )
}

fn text(files: &[File], path: &str) -> String {
    files.iter().find(|file| file.path == path).unwrap().text.clone()
}

#[test]
fn nothing_is_left_to_fill_in() {
    for name in NAMES {
        for file in rendered(name) {
            assert!(!file.text.contains("{{"), "{name}: {}: {}", file.path, file.text);
            assert!(file.text.ends_with('\n') && !file.text.contains("  \n"), "{}", file.path);
        }
    }
}

#[test]
fn a_plural_is_english_where_that_is_simple() {
    for (name, plural) in [
        ("api-key", "api-keys"),
        ("door-pass", "door-passes"),
        ("box", "boxes"),
        ("match", "matches"),
        ("error", "error"),
    ] {
        assert_eq!(super::plural(name), plural);
    }
}

#[test]
fn the_manifest_is_one_of_that_kind() {
    for name in NAMES {
        let files = rendered(name);
        let manifest = Manifest::parse(&text(&files, "kind.toml")).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!((manifest.name.as_str(), manifest.verbs.len()), (name, 5));
        assert!(!manifest.plural.ends_with("ss"), "{}", manifest.plural);
        let variable = &manifest.record.env["secret"];
        assert_eq!(*variable, format!("{}_SECRET", name.to_uppercase().replace('-', "_")));
    }
    assert_eq!(Manifest::parse(&text(&rendered("api-key"), "kind.toml")).unwrap().title, "Api key");
}

#[test]
fn the_crate_is_the_one_whose_library_is_found() {
    for name in NAMES {
        let files = rendered(name);
        let cargo: toml::Table = text(&files, "Cargo.toml").parse().unwrap();
        let text_at = |table: &str, key: &str| cargo[table][key].as_str().unwrap().to_owned();
        assert_eq!(text_at("package", "name"), format!("carto-kind-{name}"));
        assert_eq!(text_at("package", "rust-version"), env!("CARGO_PKG_RUST_VERSION"));
        assert!(cargo["workspace"].as_table().unwrap().is_empty());
        assert_eq!(cargo["profile"]["release"]["panic"].as_str(), Some("unwind"));
        for dependencies in ["dependencies", "dev-dependencies"] {
            let path = cargo[dependencies]["carto-plugin-api"]["path"].as_str().unwrap();
            assert!(std::path::Path::new(path).join("Cargo.toml").is_file(), "{path}");
        }
        // What its own documents and scripts say of the file.
        let file = crate::kinds::file_name(name);
        for path in ["README.md", "ci/run"] {
            assert!(text(&files, path).contains(&format!("/release/{file}")), "{path}");
        }
    }
}

/// rustfmt is asked by `tests/vendor/run`; here, that no name can make a difference to it.
#[test]
fn a_name_changes_no_line_of_code_but_one() {
    let code = |name: &str, path: &str| {
        let code = text(&rendered(name), path);
        code.lines().filter(|line| !line.trim_start().starts_with("//")).map(str::to_owned).collect::<Vec<_>>()
    };
    for path in ["src/lib.rs", "src/find.rs", "src/tests.rs"] {
        let (short, long) = (code("x", path), code(NAMES[8], path));
        let differing: Vec<_> = short.iter().zip(&long).filter(|(short, long)| short != long).collect();
        assert_eq!(short.len(), long.len());
        assert_eq!(differing.len(), usize::from(path == "src/lib.rs"), "{differing:?}");
        assert!(long.iter().all(|line| line.chars().count() <= 100), "{path}");
    }
}

/// The page for vendors shows the crate as it is: what stands below its marks is written here, with `UPDATE_EXPECT=1`.
#[test]
fn the_page_for_vendors_shows_this_crate() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/plugin-abi.md");
    let page = std::fs::read_to_string(path).unwrap();
    let files = rendered("api-key");
    let mut filled = String::new();
    let mut lines = page.lines();
    let mut marks = 0;
    while let Some(line) = lines.next() {
        filled.push_str(line);
        filled.push('\n');
        let Some(mark) = line.strip_prefix("<!-- scaffold: ").and_then(|rest| rest.strip_suffix(" -->")) else {
            continue;
        };
        marks += 1;
        let (file, functions) = mark.split_once(" fn ").unwrap_or((mark, ""));
        let whole = text(&files, file);
        let shown = if functions.is_empty() {
            whole
        } else {
            functions.split(", ").map(|name| function(&whole, name)).collect::<Vec<_>>().join("\n")
        };
        let language = if file.ends_with(".rs") { "rust" } else { "toml" };
        filled.push_str(&format!("```{language}\n{shown}```\n"));
        // What stands there: a block, or nothing yet.
        if lines.clone().next().is_some_and(|next| next.starts_with("```")) {
            lines.by_ref().skip(1).find(|line| *line == "```").unwrap();
        }
    }
    assert!(marks >= 3);
    expect_test::expect_file![path].assert_eq(&filled);
}

/// A function of a formatted file, with its attributes.
fn function(source: &str, name: &str) -> String {
    let lines: Vec<&str> = source.lines().collect();
    let at = lines
        .iter()
        .position(|line| line.starts_with(&format!("fn {name}(")))
        .unwrap_or_else(|| panic!("no fn {name}"));
    let start = lines[..at].iter().rposition(|line| line.is_empty()).map_or(0, |empty| empty + 1);
    let end = at + lines[at..].iter().position(|line| *line == "}").unwrap();
    lines[start..=end].iter().map(|line| format!("{line}\n")).collect()
}
