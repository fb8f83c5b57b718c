//! QUIC frames as bytes (RFC 9000 §19), the lawful and the hostile ones. Nothing here checks whether a frame makes sense: that
//! is the receiver's job, and what the stories look at.

/// A variable-length integer (RFC 9000 §16), in its shortest form. What does not fit 62 bits is cut to them.
pub fn varint(value: u64) -> Vec<u8> {
    let value = value & (u64::MAX >> 2);
    let bytes = value.to_be_bytes();
    let (length, tag) = match value {
        0..=0x3f => (1, 0x00),
        0x40..=0x3fff => (2, 0x40),
        0x4000..=0x3fff_ffff => (4, 0x80),
        _ => (8, 0xc0),
    };
    let mut short = bytes[8 - length..].to_vec();
    short[0] |= tag;
    short
}

/// A type and its fields, all of them integers.
pub fn plain(kind: u64, fields: &[u64]) -> Vec<u8> {
    [kind].iter().chain(fields).flat_map(|field| varint(*field)).collect()
}

/// STREAM with offset and length (§19.8).
pub fn stream(id: u64, offset: u64, data: &[u8]) -> Vec<u8> {
    let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
    [plain(0x0e, &[id, offset, length]), data.to_vec()].concat()
}

/// STREAM that ends there (§19.8).
pub fn last_of_stream(id: u64, offset: u64, data: &[u8]) -> Vec<u8> {
    let mut frame = stream(id, offset, data);
    frame[0] |= 0x01;
    frame
}

/// STREAM that claims `claimed` bytes and brings none.
pub fn stream_claiming(id: u64, offset: u64, claimed: u64) -> Vec<u8> {
    plain(0x0e, &[id, offset, claimed])
}

/// RESET_STREAM (§19.4).
pub fn reset_stream(id: u64, code: u64, size: u64) -> Vec<u8> {
    plain(0x04, &[id, code, size])
}

/// STOP_SENDING (§19.5).
pub fn stop_sending(id: u64, code: u64) -> Vec<u8> {
    plain(0x05, &[id, code])
}

/// CRYPTO (§19.6).
pub fn crypto(offset: u64, data: &[u8]) -> Vec<u8> {
    let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
    [plain(0x06, &[offset, length]), data.to_vec()].concat()
}

/// MAX_STREAMS of bidirectional streams (§19.11).
pub fn max_streams(count: u64) -> Vec<u8> {
    plain(0x12, &[count])
}

/// NEW_CONNECTION_ID (§19.15) with an id and a reset token that follow from its number.
pub fn new_connection_id(sequence: u64, retire_prior_to: u64, length: u8) -> Vec<u8> {
    let mut id = [0xaa; 20];
    id[..8].copy_from_slice(&(sequence | 1 << 63).to_be_bytes());
    let mut frame = plain(0x18, &[sequence, retire_prior_to]);
    frame.push(length);
    frame.extend_from_slice(&id[..usize::from(length).min(20)]);
    frame.extend_from_slice(&sequence.to_be_bytes().repeat(2));
    frame
}

/// RETIRE_CONNECTION_ID (§19.16).
pub fn retire_connection_id(sequence: u64) -> Vec<u8> {
    plain(0x19, &[sequence])
}

/// PATH_CHALLENGE (§19.17).
pub fn path_challenge(data: u64) -> Vec<u8> {
    [&[0x1a][..], &data.to_be_bytes()].concat()
}

/// ACK (§19.3) of everything from `smallest` to `largest`.
pub fn ack(smallest: u64, largest: u64) -> Vec<u8> {
    plain(0x02, &[largest, 0, 0, largest.saturating_sub(smallest)])
}

/// DATAGRAM with length (RFC 9221 §4).
pub fn datagram(data: &[u8]) -> Vec<u8> {
    let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
    [plain(0x31, &[length]), data.to_vec()].concat()
}

/// How far a payload consists of frames that keep a connection going: PADDING, PING, ACK, HANDSHAKE_DONE, and a
/// CONNECTION_CLOSE that follows them. What comes behind is for somebody who listens.
pub(super) fn bare(payload: &[u8]) -> usize {
    let mut at = 0;
    loop {
        let next = match payload.get(at) {
            Some(0x00 | 0x01 | 0x1e) => Some(at + 1),
            Some(0x02 | 0x03) => after_ack(payload, at),
            Some(0x1c | 0x1d) => return payload.len(),
            _ => None,
        };
        match next {
            Some(next) => at = next,
            None => return at,
        }
    }
}

/// Where the last frame of an Initial packet's payload ends, and padding begins.
pub(super) fn content(payload: &[u8]) -> usize {
    let (mut at, mut end) = (0, 0);
    while let Some(kind) = payload.get(at) {
        let next = match kind {
            0x00 | 0x01 => Some(at + 1),
            0x02 | 0x03 => after_ack(payload, at),
            0x06 => after_crypto(payload, at),
            _ => None,
        };
        let Some(next) = next else { return payload.len() };
        at = next;
        if *kind != 0 {
            end = at;
        }
    }
    end
}

fn after_crypto(payload: &[u8], start: usize) -> Option<usize> {
    let (_offset, at) = read(payload, start + 1)?;
    let (length, at) = read(payload, at)?;
    Some(at + usize::try_from(length).ok()?)
}

fn after_ack(payload: &[u8], start: usize) -> Option<usize> {
    let with_ecn = payload.get(start)? & 1 == 1;
    let mut at = start + 1;
    let mut field = || {
        let (value, next) = read(payload, at)?;
        at = next;
        Some(value)
    };
    let (_largest, _delay, ranges, _first) = (field()?, field()?, field()?, field()?);
    for _ in 0..ranges * 2 + if with_ecn { 3 } else { 0 } {
        field()?;
    }
    Some(at)
}

/// The integer at `at`, and where it ends.
fn read(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let first = *bytes.get(at)?;
    let length = 1 << (first >> 6);
    let rest = bytes.get(at + 1..at + length)?;
    let value = rest.iter().fold(u64::from(first & 0x3f), |value, byte| value << 8 | u64::from(*byte));
    Some((value, at + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_those_of_the_rfc() {
        // RFC 9000 §A.1
        for (value, bytes) in [
            (151_288_809_941_952_652, "c2197c5eff14e88c"),
            (494_878_333, "9d7f3e7d"),
            (15_293, "7bbd"),
            (37, "25"),
        ] {
            let encoded = varint(value);
            let shown: String = encoded.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(shown, bytes);
            assert_eq!(read(&encoded, 0), Some((value, encoded.len())));
        }
    }

    #[test]
    fn a_payload_is_bare_up_to_its_first_frame_with_content() {
        let acks = [ack(3, 900), vec![0x03, 9, 0, 1, 2, 0, 1, 1, 2, 3]].concat();
        let payload = [&[0x01, 0x1e][..], &acks, &stream(0, 0, b"x"), &[0; 9]].concat();
        assert_eq!(bare(&payload), 2 + acks.len());
        let closing = [acks, vec![0x1d, 0, 0, 0]].concat();
        assert_eq!(bare(&closing), closing.len());
        assert_eq!(bare(&[0x02, 0xc0]), 0, "cut off");
        let hello = [&[0x01][..], &crypto(0, &[7, 0, 0])].concat();
        assert_eq!(content(&[&hello[..], &[0; 9]].concat()), hello.len());
    }
}
