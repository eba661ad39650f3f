//! Text for terminals and shells: which characters may not be shown as they are, and how a word is quoted.

/// Whether a character could control a terminal, or hide or reorder what stands around it: control characters, bidirectional marks and
/// overrides, zero-width and tag characters. A manifest that holds one is refused; in any other text a host spells it out.
pub fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A word as a shell takes it, for a command in a hint.
///
/// ```
/// use carto_plugin_api::shell_word;
/// assert_eq!(shell_word("tok_1"), "tok_1");
/// assert_eq!(shell_word("my token"), "'my token'");
/// ```
pub fn shell_word(word: &str) -> String {
    let plain = !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(&b));
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}
