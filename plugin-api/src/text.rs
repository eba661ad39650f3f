//! Which characters may not reach a terminal as they are.

/// Whether a character could control a terminal, or hide or reorder what stands around it: control characters, bidirectional marks and
/// overrides, zero-width and tag characters. A manifest that holds one is refused; in any other text a host spells it out.
pub fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}
