//! A manifest's text, and the command line that is built from it.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| carto::fuzzing::manifest(text));
