//! What the host and a worker say to each other: frames over a socket pair, each a tag, two lengths, a head (a name) and a body (JSON).
//! Lengths are held against their limits before anything is kept, and nothing is kept that hasn't come.

use std::io::{self, ErrorKind, Read, Write};

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Tag {
    /// To the worker: run the verb in the head on the input in the body.
    Invoke = 1,
    /// To the worker: what the service answered.
    Answer = 2,
    /// To the worker: why there is no answer.
    Refusal = 3,
    /// To the host: the verb's answer.
    Done = 4,
    /// To the host: the verb's error.
    Failed = 5,
    /// To the host: ask the service in the head for what the body says.
    Call = 6,
    /// To the host: the library is open.
    Ready = 7,
    /// To the host: the library, or the worker, can't be used. Why in the head, what to do in the body.
    Unusable = 8,
    /// To the host: the worker can't be confined as it was told. Why in the body. Unless a library is open, nothing of one has run.
    Unconfined = 9,
    /// To the host: the kind made a system call that it may not. Its number in the body, four bytes, little end first.
    Forbidden = 10,
    /// To the host: the worker has given up what it should, and waits for a library.
    Confined = 11,
    /// To the worker: the library is sealed, open it.
    Open = 12,
}

impl Tag {
    const ALL: [Tag; 12] = [
        Tag::Invoke,
        Tag::Answer,
        Tag::Refusal,
        Tag::Done,
        Tag::Failed,
        Tag::Call,
        Tag::Ready,
        Tag::Unusable,
        Tag::Unconfined,
        Tag::Forbidden,
        Tag::Confined,
        Tag::Open,
    ];
}

/// A tag, the head's length, the body's length; both little end first.
pub(super) const HEADER: usize = 9;
/// The longest head: names of verbs and services, and a line for a person.
const LONGEST_HEAD: usize = 1024;
/// The longest body.
pub(super) const LONGEST_BODY: usize = 32 * 1024 * 1024;

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) tag: Tag,
    pub(crate) head: Vec<u8>,
    pub(crate) body: Vec<u8>,
}

/// Why bytes aren't a frame, as the end of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) String);

/// Tag and lengths of the frame whose header this is.
fn header(bytes: [u8; HEADER]) -> Result<(Tag, usize, usize), Malformed> {
    let [tag, lengths @ ..] = bytes;
    let tag = Tag::ALL.into_iter().find(|known| *known as u8 == tag);
    let tag = tag.ok_or_else(|| Malformed("a message of a type that there isn't".to_owned()))?;
    let [h0, h1, h2, h3, b0, b1, b2, b3] = lengths;
    let length = |bytes: [u8; 4]| u32::from_le_bytes(bytes) as usize;
    let (head, body) = (length([h0, h1, h2, h3]), length([b0, b1, b2, b3]));
    if head > LONGEST_HEAD || body > LONGEST_BODY {
        let whole = head.saturating_add(body);
        return Err(Malformed(format!("a message of {whole} bytes, and {LONGEST_BODY} is the limit")));
    }
    Ok((tag, head, body))
}

/// The frame at the beginning of what has come so far, and how many bytes it takes; nothing if it hasn't come as a whole.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<(Frame, usize)>, Malformed> {
    let Some((first, rest)) = bytes.split_first_chunk() else { return Ok(None) };
    let (tag, head, body) = header(*first)?;
    let Some((content, _)) = rest.split_at_checked(head + body) else { return Ok(None) };
    let (head, body) = content.split_at(head);
    Ok(Some((Frame { tag, head: head.to_owned(), body: body.to_owned() }, HEADER + content.len())))
}

/// Reads one frame; nothing at the end of the stream. For the side that trusts the other.
pub(super) fn read(from: &mut impl Read) -> io::Result<Option<Frame>> {
    let mut first = [0; HEADER];
    match from.read_exact(&mut first) {
        Ok(()) => {}
        Err(e) if e.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        Err(e) => return Err(e),
    }
    let (tag, head, body) = header(first).map_err(|Malformed(why)| io::Error::new(ErrorKind::InvalidData, why))?;
    let (mut head, mut body) = (vec![0; head], vec![0; body]);
    from.read_exact(&mut head)?;
    from.read_exact(&mut body)?;
    Ok(Some(Frame { tag, head, body }))
}

/// The bytes of one frame. A head that is too long is cut; a body that is too long is an error.
pub(super) fn bytes(tag: Tag, head: &[u8], body: &[u8]) -> io::Result<Vec<u8>> {
    if body.len() > LONGEST_BODY {
        let message = format!("{} bytes, and {LONGEST_BODY} is the limit", body.len());
        return Err(io::Error::new(ErrorKind::InvalidInput, message));
    }
    let head = head.get(..LONGEST_HEAD).unwrap_or(head);
    let mut bytes = Vec::with_capacity(HEADER + head.len() + body.len());
    bytes.push(tag as u8);
    for length in [head.len(), body.len()] {
        // Both are within their limits, which are far below.
        bytes.extend(u32::try_from(length).unwrap_or_default().to_le_bytes());
    }
    bytes.extend(head);
    bytes.extend(body);
    Ok(bytes)
}

/// Writes one frame, for the side that trusts the other.
pub(super) fn write(to: &mut impl Write, tag: Tag, head: &[u8], body: &[u8]) -> io::Result<()> {
    to.write_all(&bytes(tag, head, body)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(frame: &Frame) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(&mut bytes, frame.tag, &frame.head, &frame.body).unwrap();
        bytes
    }

    #[test]
    fn what_claims_too_much_is_refused_by_its_header() {
        let claims = |tag: u8, head: u32, body: u32| {
            let mut bytes = vec![tag];
            bytes.extend(head.to_le_bytes());
            bytes.extend(body.to_le_bytes());
            parse(&bytes)
        };
        assert!(claims(0, 0, 0).is_err());
        assert!(claims(13, 0, 0).is_err());
        assert!(claims(4, u32::MAX, u32::MAX).is_err());
        assert!(claims(4, 1025, 0).is_err());
        assert!(claims(4, 0, 32 * 1024 * 1024 + 1).is_err());
        assert_eq!(claims(4, 1024, 32 * 1024 * 1024), Ok(None));
        assert!(write(&mut Vec::new(), Tag::Done, b"", &vec![0; LONGEST_BODY + 1]).is_err());
    }

    proptest! {
        #[test]
        fn a_frame_comes_as_it_went_however_it_is_cut(
            tag in prop::sample::select(&Tag::ALL[..]),
            head in prop::collection::vec(any::<u8>(), 0..100),
            body in prop::collection::vec(any::<u8>(), 0..1000),
            more in prop::collection::vec(any::<u8>(), 0..20),
            cut in any::<prop::sample::Index>(),
        ) {
            let frame = Frame { tag, head, body };
            let mut bytes = written(&frame);
            let length = bytes.len();
            prop_assert_eq!(parse(&bytes[..cut.index(length)]), Ok(None));
            bytes.extend(more);
            prop_assert_eq!(read(&mut bytes.as_slice()).unwrap(), Some(frame.clone()));
            prop_assert_eq!(parse(&bytes), Ok(Some((frame, length))));
        }

        #[test]
        fn no_bytes_are_trouble(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = parse(&bytes);
            let _ = read(&mut bytes.as_slice());
        }
    }
}
