//! The files of a user and of an organisation: credentials, settings, policies, variables.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    carto::fuzzing::credentials_file(text);
    carto::fuzzing::settings_file(text);
    carto::fuzzing::policy_file(text);
    carto::fuzzing::env_file(text);
});
