//! What a service answers, what a worker sends, and what a kind says in it.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (status, body) = bytes.split_at(bytes.len().min(2));
    carto::fuzzing::body(status.iter().fold(0, |status, byte| status * 256 + u16::from(*byte)) % 1000, body);
    carto::fuzzing::frame(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        carto::fuzzing::answer(text);
        carto::fuzzing::tried(text);
        carto::fuzzing::retry_after(text);
    }
});
