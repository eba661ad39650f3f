//! A library's file, up to the manifest in it.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| carto::fuzzing::library(bytes));
