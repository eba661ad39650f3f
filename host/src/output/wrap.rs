//! Text in lines that fit the terminal, beside a label.

use unicode_width::UnicodeWidthStr;

use super::text::harmless;

/// No column of text is narrower.
const NARROWEST: usize = 24;

/// A label, and text from a column on. Where nobody watches (no `width`), the text is one line.
pub(crate) fn beside(label: &str, text: &str, column: usize, width: Option<usize>) -> String {
    let (label, text) = (harmless(label), harmless(text));
    let room = width.map_or(usize::MAX, |width| width.saturating_sub(column).max(NARROWEST));
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            // A word that fits nowhere begins a line.
            Some(line) if !line.is_empty() && line.width() + 1 + word.width() > room => lines.push(word.to_owned()),
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) => line.extend([" ", word]),
            None => {}
        }
    }
    let mut shown = String::new();
    for (i, line) in lines.iter().enumerate() {
        let label = if i == 0 { label.as_str() } else { "" };
        // A label that is too long keeps its distance.
        let gap = if label.is_empty() { column } else { column.saturating_sub(label.width()).max(1) };
        shown.push_str(format!("{label}{}{line}", " ".repeat(gap)).trim_end());
        shown.push('\n');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_goes_on_below_itself() {
        let text = "one two three four five six seven";
        assert_eq!(beside("a", text, 4, None), format!("a   {text}\n"));
        assert_eq!(beside("a", text, 4, Some(28)), "a   one two three four five\n    six seven\n");
        assert_eq!(beside("label", &"x".repeat(30), 4, Some(20)), format!("label {}\n", "x".repeat(30)));
    }
}
