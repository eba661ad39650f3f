//! What signing in reads: the file of a client, an account's `config.yaml`, what a browser brings back, an id token and the keys of its authority.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    carto::fuzzing::client_file(text);
    carto::fuzzing::account(text);
    carto::fuzzing::sign_in(text);
    carto::fuzzing::id_token(text);
});
