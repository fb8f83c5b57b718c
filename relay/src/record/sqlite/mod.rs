//! The store in one SQLite file, `DIR/record.db`: WAL, `synchronous=FULL`, so that a commit survives a power cut.
//! Entries and heads can't be changed: triggers refuse it. Working state (sessions, technicians) can.

mod rows;
mod schema;

use super::{
    folder,
    store::{EntryRow, Filter, HeadRow, Store, StoreError, StoredSession, TechnicianRow, TechnicianState},
};
use nearhand_proto::{
    ids::{ActorId, Fingerprint, SessionId},
    text::Name,
};
use rows::{array, bytes, entry, head, number, session, stored, technician};
use rusqlite::{Connection, OptionalExtension as _, Params, Row, named_params, params};
use std::path::{Path, PathBuf};

/// The events that are looked for by their code: the relay's starts and stops, the sessions' starts. Only these are in that
/// index, word for word as it says: an index over all of them would cost each commit a page for each event in it.
const SOUGHT: &str = "code IN (100, 101, 500)";

/// The store in a file.
pub(super) struct Sqlite {
    path: PathBuf,
    read_only: bool,
    /// `None` only between a failed `reopen` and the next one.
    connection: Option<Connection>,
}

impl Sqlite {
    /// Opens `DIR/record.db` for writing, made with mode 0600 if it is missing.
    pub(super) fn open(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join("record.db");
        folder::private_file(&path).map_err(|error| StoreError::Failed(error.into()))?;
        let mut store = Self { path, read_only: false, connection: None };
        store.reopen()?;
        Ok(store)
    }

    /// Opens `DIR/record.db` for reading alone; the folder may be read-only.
    pub(super) fn open_read_only(dir: &Path) -> Result<Self, StoreError> {
        let mut store = Self { path: dir.join("record.db"), read_only: true, connection: None };
        store.reopen()?;
        Ok(store)
    }

    fn connection(&self) -> Result<&Connection, StoreError> {
        self.connection.as_ref().ok_or_else(|| StoreError::Failed("the database is closed".into()))
    }

    fn execute(&self, sql: &str, params: impl Params) -> Result<usize, StoreError> {
        Ok(self.connection()?.prepare_cached(sql)?.execute(params)?)
    }

    fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut statement = self.connection()?.prepare_cached(sql)?;
        statement.query_row(params, |row| Ok(read(row))).optional()?.transpose()
    }

    fn many<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.connection()?.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(read(row)?);
        }
        Ok(found)
    }
}

impl Store for Sqlite {
    fn begin(&mut self) -> Result<(), StoreError> {
        self.execute(if self.read_only { "BEGIN" } else { "BEGIN IMMEDIATE" }, [])?;
        Ok(())
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.execute("COMMIT", [])?;
        Ok(())
    }

    fn rollback(&mut self) {
        // A failed commit may have rolled back by itself; `reopen` settles what is true.
        drop(self.connection().and_then(|connection| Ok(connection.execute_batch("ROLLBACK")?)));
    }

    fn reopen(&mut self) -> Result<(), StoreError> {
        self.connection = None;
        let connect = if self.read_only { schema::connect_read_only } else { schema::connect };
        self.connection = Some(connect(&self.path)?);
        Ok(())
    }

    fn put_entry(&mut self, row: &EntryRow) -> Result<(), StoreError> {
        let EntryRow { index, session, seq, code, header, salt, body, leaf } = row;
        let seq = seq.map(stored).transpose()?;
        self.execute(
            "INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            params![stored(*index)?, session, seq, code, header, salt, body, leaf],
        )?;
        Ok(())
    }

    fn put_head(&mut self, row: &HeadRow) -> Result<(), StoreError> {
        let HeadRow { size, root, frontier, at_ms } = row;
        self.execute(
            "INSERT INTO head VALUES (?, ?, ?, ?)",
            params![stored(*size)?, root, frontier, stored(*at_ms)?],
        )?;
        Ok(())
    }

    fn size(&mut self) -> Result<u64, StoreError> {
        let size = self.one("SELECT coalesce(max(idx) + 1, 0) FROM entry", [], |row| number(row.get(0)?))?;
        Ok(size.unwrap_or(0))
    }

    fn last_head(&mut self) -> Result<Option<HeadRow>, StoreError> {
        self.one("SELECT size, root, frontier, at FROM head ORDER BY size DESC LIMIT 1", [], head)
    }

    fn entries(&mut self, filter: &Filter, limit: u32) -> Result<Vec<EntryRow>, StoreError> {
        // One statement for each shape, so that each uses its index.
        let session = if filter.session.is_some() { "AND session = :session" } else { "" };
        let code = if filter.code.is_some() { "AND code = :code" } else { "" };
        let sought = match (filter.session, filter.code) {
            (None, Some(100 | 101 | 500)) => format!("AND {SOUGHT}"),
            _ => String::new(),
        };
        let narrowed = format!("{session} {code} {sought}");
        let sql = format!("SELECT * FROM entry WHERE :from <= idx {narrowed} ORDER BY idx LIMIT :limit");
        let from = stored(filter.from)?;
        let session = filter.session.unwrap_or(SessionId::NONE).0;
        let code = filter.code.unwrap_or(0);
        let all = named_params! { ":from": from, ":limit": limit, ":session": session, ":code": code };
        let wanted = |name: &str| sql.contains(name);
        let used: Vec<_> = all.iter().filter(|(name, _)| wanted(name)).copied().collect();
        self.many(&sql, used.as_slice(), entry)
    }

    fn heads(&mut self, from: u64, limit: u32) -> Result<Vec<HeadRow>, StoreError> {
        let sql = "SELECT size, root, frontier, at FROM head WHERE ? <= size ORDER BY size LIMIT ?";
        self.many(sql, params![stored(from)?, limit], head)
    }

    fn session_fact(&mut self, session: SessionId, seq: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT header FROM entry WHERE session = ? AND seq = ?";
        self.one(sql, params![session.0, stored(seq)?], |row| bytes(row, 0))
    }

    fn last_start_or_stop(&mut self) -> Result<Option<EntryRow>, StoreError> {
        let last = format!("SELECT max(idx) FROM entry WHERE code IN (100, 101) AND {SOUGHT}");
        self.one(&format!("SELECT * FROM entry WHERE idx = ({last})"), [], entry)
    }

    fn put_session(&mut self, session: &StoredSession) -> Result<(), StoreError> {
        let StoredSession { row, next, open } = session;
        self.execute(
            "INSERT OR REPLACE INTO session VALUES (?, ?, ?, ?, ?, ?)",
            params![row.id.0, row.host_key.0, row.viewer_key.0, row.technician.0, stored(*next)?, open],
        )?;
        Ok(())
    }

    fn session(&mut self, id: SessionId) -> Result<Option<StoredSession>, StoreError> {
        self.one("SELECT * FROM session WHERE id = ?", [id.0], session)
    }

    fn open_sessions(&mut self) -> Result<Vec<StoredSession>, StoreError> {
        self.many("SELECT * FROM session WHERE open", [], session)
    }

    fn put_technician(&mut self, row: &TechnicianRow) -> Result<(), StoreError> {
        let (state, key, token) = match &row.state {
            TechnicianState::Invited { token, until_ms } => (0, None, Some((*token, stored(*until_ms)?))),
            TechnicianState::Enrolled(key) => (1, Some(key.0), None),
            TechnicianState::Removed(key) => (2, key.map(|key| key.0), None),
        };
        let number = if row.number == 0 { None } else { Some(stored(row.number)?) };
        self.execute(
            "INSERT INTO technician VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (number) DO UPDATE SET name = excluded.name,
             state = excluded.state, key_hash = excluded.key_hash, token_hash = excluded.token_hash,
             token_until = excluded.token_until",
            params![number, row.name.as_str(), state, key, token.map(|t| t.0), token.map(|t| t.1)],
        )?;
        Ok(())
    }

    fn technicians(&mut self) -> Result<Vec<TechnicianRow>, StoreError> {
        self.many("SELECT * FROM technician ORDER BY number", [], technician)
    }

    fn technician_with_key(&mut self, key: Fingerprint) -> Result<Option<TechnicianRow>, StoreError> {
        // Enrolled is 1, removed 2.
        let sql = "SELECT * FROM technician WHERE key_hash = ? ORDER BY state, number DESC LIMIT 1";
        self.one(sql, [key.0], technician)
    }

    fn technician_named(&mut self, name: &Name) -> Result<Option<TechnicianRow>, StoreError> {
        self.one("SELECT * FROM technician WHERE name = ? AND state <> 2", [name.as_str()], technician)
    }

    fn technician_with_token(&mut self, token: [u8; 32]) -> Result<Option<TechnicianRow>, StoreError> {
        self.one("SELECT * FROM technician WHERE token_hash = ? AND state = 0", [token], technician)
    }

    fn put_actor(&mut self, actor: ActorId) -> Result<(), StoreError> {
        self.execute("INSERT OR REPLACE INTO meta VALUES ('actor', ?)", [actor.0])?;
        Ok(())
    }

    fn actor(&mut self) -> Result<Option<ActorId>, StoreError> {
        self.one("SELECT value FROM meta WHERE key = 'actor'", [], |row| Ok(ActorId(array(row, 0)?)))
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::ReadOnly) => Self::ReadOnly,
            _ => Self::Failed(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::store::contract;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn keeps_the_contract() {
        let dir = tempfile::tempdir().unwrap();
        contract::check(&|| Box::new(Sqlite::open(dir.path()).unwrap()));
    }

    #[test]
    fn its_files_are_the_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Sqlite::open(dir.path()).unwrap();
        store.begin().unwrap();
        store.put_actor(ActorId([1; 16])).unwrap();
        store.commit().unwrap();
        for file in ["record.db", "record.db-wal", "record.db-shm"] {
            let mode = std::fs::metadata(dir.path().join(file)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
    }

    #[test]
    fn entries_and_heads_are_never_changed() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Sqlite::open(dir.path()).unwrap();
        store.put_head(&HeadRow { size: 1, root: vec![], frontier: vec![], at_ms: 0 }).unwrap();
        let row = EntryRow {
            index: 0,
            session: vec![0; 16],
            seq: None,
            code: 1,
            header: vec![],
            salt: vec![],
            body: vec![],
            leaf: vec![],
        };
        store.put_entry(&row).unwrap();
        for sql in [
            "UPDATE entry SET body = x'00'",
            "DELETE FROM entry",
            "INSERT OR REPLACE INTO entry SELECT idx, session, seq, 2, header, salt, body, leaf FROM entry",
            "UPDATE head SET root = x'00'",
            "DELETE FROM head",
            "INSERT OR REPLACE INTO head SELECT size, x'00', frontier, at FROM head",
        ] {
            let error = store.connection().unwrap().execute_batch(sql).expect_err(sql).to_string();
            assert!(error.contains("never"), "{sql}: {error}");
        }
    }

    #[test]
    fn what_is_looked_for_by_its_code_is_found_by_the_index() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Sqlite::open(dir.path()).unwrap();
        assert_eq!(store.last_start_or_stop().unwrap(), None);
        assert!(store.entries(&Filter { code: Some(500), ..Filter::default() }, 9).unwrap().is_empty());
        let connection = store.connection().unwrap();
        for sql in
            ["SELECT max(idx) FROM entry WHERE code IN (100, 101)", "SELECT * FROM entry WHERE code = 500"]
        {
            let plan = format!("EXPLAIN QUERY PLAN {sql} AND {SOUGHT}");
            let plan: String = connection.query_row(&plan, [], |row| row.get("detail")).unwrap();
            assert!(plan.contains("entry_sought"), "{sql}: {plan}");
        }
        let schema: String = connection
            .query_row("SELECT sql FROM sqlite_schema WHERE name = 'entry_sought'", [], |row| row.get(0))
            .unwrap();
        assert!(schema.ends_with(&format!("WHERE {SOUGHT}")), "{schema}");
    }

    #[test]
    fn a_newer_layout_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let store = Sqlite::open(dir.path()).unwrap();
        store.connection().unwrap().execute_batch("UPDATE meta SET value = 2 WHERE key = 'layout'").unwrap();
        drop(store);
        assert!(matches!(Sqlite::open(dir.path()), Err(StoreError::Newer(2))));
    }

    #[test]
    fn is_read_without_writing_a_byte() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Sqlite::open(dir.path()).unwrap();
        store.put_actor(ActorId([1; 16])).unwrap();
        drop(store);
        let mut store = Sqlite::open_read_only(dir.path()).unwrap();
        assert_eq!(store.actor().unwrap(), Some(ActorId([1; 16])));
        assert!(matches!(store.put_actor(ActorId([2; 16])), Err(StoreError::ReadOnly)));
        let files: Vec<_> =
            std::fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert_eq!(files, ["record.db"]);
    }
}
