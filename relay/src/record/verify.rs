//! `record verify`: every entry and every head, from the first one on.

use super::{
    output::{CommandError, Output},
    pages::{Entries, Heads},
    recorder::Recorder,
    store::{Filter, HeadRow},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use nearhand_proto::record::{StoredHead, StoredRow, Verifier};

/// Prints `verified N entries, tree head <base64>`, or fails with the first broken entry.
pub(crate) async fn verify(recorder: &Recorder, output: &Output) -> Result<(), CommandError> {
    let (end, last) = recorder.end().await?;
    let mut verifier = Verifier::new();
    let mut entries = Entries::new(recorder, Filter::default(), end);
    let mut heads = Heads::new(recorder);
    while let Some(row) = entries.next().await? {
        verifier.entry(StoredRow {
            index: row.index,
            session: &row.session,
            seq: row.seq,
            code: row.code,
            header: &row.header,
            salt: &row.salt,
            body: &row.body,
            leaf: &row.leaf,
        })?;
        while let Some(head) = heads.next_up_to(verifier.size()).await? {
            verifier.head(stored(&head))?;
        }
    }
    // A head over more entries than there are: some were cut off.
    if let Some(last) = last.filter(|last| verifier.size() < last.size) {
        verifier.head(stored(&last))?;
    }
    let (size, root) = verifier.finish()?;
    output.line(format!("verified {size} entries, tree head {}", STANDARD.encode(root))).await
}

fn stored(head: &HeadRow) -> StoredHead<'_> {
    StoredHead { size: head.size, root: &head.root, frontier: &head.frontier }
}
