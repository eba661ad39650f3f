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
    "a-name-as-long-as-a-name-of-a-kind-can-ever-be-in-here",
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
