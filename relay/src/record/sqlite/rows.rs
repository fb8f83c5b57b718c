//! Rows as SQLite gives them back, and what is made of them.

use crate::record::store::{
    EntryRow, HeadRow, SessionRow, StoreError, StoredSession, TechnicianRow, TechnicianState,
};
use nearhand_proto::{
    ids::{ActorId, Fingerprint, SessionId},
    text::Name,
};
use rusqlite::Row;

/// SQLite's integers have a sign.
pub(super) fn stored(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(|_| StoreError::Failed("a number is too large to be stored".into()))
}

pub(super) fn number(stored: i64) -> Result<u64, StoreError> {
    u64::try_from(stored).map_err(|_| StoreError::Damaged("a number is negative".into()))
}

pub(super) fn bytes(row: &Row<'_>, column: usize) -> Result<Vec<u8>, StoreError> {
    let value = row.get_ref(column)?.as_bytes();
    value.map(<[u8]>::to_vec).map_err(|_| StoreError::Damaged("a field holds no bytes".into()))
}

pub(super) fn array<const N: usize>(row: &Row<'_>, column: usize) -> Result<[u8; N], StoreError> {
    bytes(row, column)?.try_into().map_err(|_| StoreError::Damaged("an id or hash has another length".into()))
}

pub(super) fn entry(row: &Row<'_>) -> Result<EntryRow, StoreError> {
    Ok(EntryRow {
        index: number(row.get(0)?)?,
        session: bytes(row, 1)?,
        seq: row.get::<_, Option<i64>>(2)?.map(number).transpose()?,
        code: row.get(3)?,
        header: bytes(row, 4)?,
        salt: bytes(row, 5)?,
        body: bytes(row, 6)?,
        leaf: bytes(row, 7)?,
    })
}

pub(super) fn head(row: &Row<'_>) -> Result<HeadRow, StoreError> {
    let at_ms = number(row.get(3)?)?;
    Ok(HeadRow { size: number(row.get(0)?)?, root: bytes(row, 1)?, frontier: bytes(row, 2)?, at_ms })
}

pub(super) fn session(row: &Row<'_>) -> Result<StoredSession, StoreError> {
    let committed = SessionRow {
        id: SessionId(array(row, 0)?),
        host_key: Fingerprint(array(row, 1)?),
        viewer_key: Fingerprint(array(row, 2)?),
        technician: ActorId(array(row, 3)?),
    };
    Ok(StoredSession { row: committed, next: number(row.get(4)?)?, open: row.get(5)? })
}

pub(super) fn technician(row: &Row<'_>) -> Result<TechnicianRow, StoreError> {
    let key = || array(row, 3).map(Fingerprint);
    let state = match row.get(2)? {
        0 => TechnicianState::Invited { token: array(row, 4)?, until_ms: number(row.get(5)?)? },
        1 => TechnicianState::Enrolled(key()?),
        2 => TechnicianState::Removed(row.get_ref(3)?.as_bytes().ok().map(|_| key()).transpose()?),
        other => return Err(StoreError::Damaged(format!("unknown state {other} of a technician"))),
    };
    Ok(TechnicianRow { number: number(row.get(0)?)?, name: Name::lossy(&row.get::<_, String>(1)?), state })
}
