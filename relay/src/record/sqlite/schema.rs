//! Connections to the file, and its layout.

use super::rows::number;
use crate::record::store::StoreError;
use rusqlite::{Connection, OpenFlags};
use std::{path::Path, time::Duration};

/// Version of the layout; `meta.layout`.
const LAYOUT: u64 = 1;

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS entry (
    idx INTEGER PRIMARY KEY, session BLOB NOT NULL, seq INTEGER, code INTEGER NOT NULL,
    header BLOB NOT NULL, salt BLOB NOT NULL, body BLOB NOT NULL, leaf BLOB NOT NULL) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS entry_seq ON entry (session, seq) WHERE seq IS NOT NULL;
CREATE INDEX IF NOT EXISTS entry_session ON entry (session, idx);
CREATE INDEX IF NOT EXISTS entry_sought ON entry (code, idx) WHERE code IN (100, 101, 500);
CREATE TABLE IF NOT EXISTS head (
    size INTEGER PRIMARY KEY, root BLOB NOT NULL, frontier BLOB NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS session (
    id BLOB PRIMARY KEY, host_key BLOB NOT NULL, viewer_key BLOB NOT NULL, technician BLOB NOT NULL,
    next INTEGER NOT NULL, open INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS session_open ON session (open) WHERE open;
CREATE TABLE IF NOT EXISTS technician (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL, state INTEGER NOT NULL, key_hash BLOB,
    token_hash BLOB, token_until INTEGER) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS technician_name ON technician (name) WHERE state <> 2;
CREATE UNIQUE INDEX IF NOT EXISTS technician_key ON technician (key_hash) WHERE state = 1;
CREATE TRIGGER IF NOT EXISTS entry_update BEFORE UPDATE ON entry
    BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END;
CREATE TRIGGER IF NOT EXISTS entry_delete BEFORE DELETE ON entry
    BEGIN SELECT RAISE(ABORT, 'entries are never deleted'); END;
CREATE TRIGGER IF NOT EXISTS entry_replace BEFORE INSERT ON entry
    WHEN EXISTS (SELECT 1 FROM entry WHERE idx = NEW.idx)
    BEGIN SELECT RAISE(ABORT, 'entries are never replaced'); END;
CREATE TRIGGER IF NOT EXISTS head_update BEFORE UPDATE ON head
    BEGIN SELECT RAISE(ABORT, 'heads are never changed'); END;
CREATE TRIGGER IF NOT EXISTS head_delete BEFORE DELETE ON head
    BEGIN SELECT RAISE(ABORT, 'heads are never deleted'); END;
CREATE TRIGGER IF NOT EXISTS head_replace BEFORE INSERT ON head
    WHEN EXISTS (SELECT 1 FROM head WHERE size = NEW.size)
    BEGIN SELECT RAISE(ABORT, 'heads are never replaced'); END;
";

/// Connects for writing and brings the layout up to date.
pub(super) fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(2))?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.execute_batch("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;")?;
    let empty: bool = connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))?;
    if !empty {
        check_layout(&connection)?;
    }
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; {SCHEMA} INSERT OR IGNORE INTO meta VALUES ('layout', {LAYOUT}); COMMIT;"
    ))?;
    Ok(connection)
}

/// Connects for reading. A read-only folder can't hold the shared memory that a WAL needs, so a file without one is
/// opened as immutable.
pub(super) fn connect_read_only(path: &Path) -> Result<Connection, StoreError> {
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    let has_wal = std::fs::metadata(wal).is_ok_and(|file| file.len() != 0);
    let read = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = if has_wal {
        Connection::open_with_flags(path, read)?
    } else {
        let absolute = std::path::absolute(path).map_err(|error| StoreError::Failed(error.into()))?;
        let uri = format!("file://{}?immutable=1", uri_path(&absolute)?);
        Connection::open_with_flags(uri, read | OpenFlags::SQLITE_OPEN_URI)?
    };
    check_layout(&connection)?;
    Ok(connection)
}

fn uri_path(path: &Path) -> Result<String, StoreError> {
    let text = path.to_str().ok_or_else(|| StoreError::Failed("the folder's name is not UTF-8".into()))?;
    Ok(text.replace('%', "%25").replace('?', "%3f").replace('#', "%23"))
}

fn check_layout(connection: &Connection) -> Result<(), StoreError> {
    let layout = connection.query_row("SELECT value FROM meta WHERE key = 'layout'", [], |row| row.get(0))?;
    let layout = number(layout)?;
    if LAYOUT < layout { Err(StoreError::Newer(layout)) } else { Ok(()) }
}
