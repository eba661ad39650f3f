//! What is said of plugins: the list, the sheet of permissions, the lock, and what the doctor finds.

mod accepted;
mod doctor;
mod list;
mod sheet;

use std::fs;
use std::path::PathBuf;

use crate::support::library;
use crate::support::prefix::Prefix;
use crate::support::robot::Robot;

const ROBOTS: &str = "https://robots.example.com/v1";

fn own(place: &Prefix, kind: &str) -> PathBuf {
    let folder = place.free.data().join("kinds");
    fs::create_dir_all(&folder).unwrap();
    folder.join(library::file_name(kind))
}

/// Several commands, as a person would see them.
fn told(place: &Prefix, lines: &[&str]) -> String {
    lines.iter().map(|line| format!("$ carto {line}\n{}", place.run(line).output())).collect()
}

/// One of each state: `spa` is refused, `token` shadows one, policy refuses `walker`, `robot` has changed, and `m2m` is as it should be.
fn of_every_state() -> Prefix {
    let place = Prefix::new();
    fs::write(place.library("spa"), "text").unwrap();
    fs::write(own(&place, "token"), library::small("token")).unwrap();
    let walker = Robot::at(ROBOTS).manifest().replace("\"robot", "\"walker");
    fs::write(own(&place, "walker"), library::with_manifest("strange", walker.as_bytes())).unwrap();
    fs::write(own(&place, "robot"), Robot::at(ROBOTS).library()).unwrap();
    place.run("plugin lock robot m2m").ok();
    fs::write(own(&place, "robot"), Robot::at("https://robots.example.com/v2").library()).unwrap();
    fs::write(place.free.data().join("kinds/libcarto_kind_Bad.so"), "").unwrap();
    place.policy("version = 1\nmode = \"allow-all\"\n[[deny]]\nkind = \"walker\"\n[[deny]]\nkind = \"token\"\nverbs = [\"delete\"]\n");
    place
}
