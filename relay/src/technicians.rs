//! Who may claim codes. The operator adds a technician by name and gets a one-time token; the technician's viewer
//! makes a key and enrols it with the token. The relay keeps SHA-256 of both, and no key that could mint technicians.
//!
//! ```text
//! add --> Invited --token, within 24 h--> Enrolled(key) --remove--> Removed
//!            \------------remove---------------------------------/
//! ```

use crate::record::{Log, RecordError, Recorder, TechnicianRow, TechnicianState, wall_ms};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use nearhand_proto::{
    control::Token,
    ids::{ActorId, Fingerprint, SessionId},
    record::Event,
    text::Name,
};
use sha2::{Digest as _, Sha256};
use std::collections::{HashMap, HashSet};

/// How long a token may be used, in ms.
const TOKEN_MS: u64 = 24 * 60 * 60 * 1_000;

/// An enrolled technician.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Technician {
    /// First 16 bytes of SHA-256 over the key.
    pub id: ActorId,
    /// The name that the operator gave.
    pub name: Name,
}

/// Who may claim codes, as of the last commit: asked at each claim and each pairing, so without a way to the disk.
#[derive(Debug, Default)]
pub(crate) struct Roll {
    /// The name of an enrolled technician; `None` for one who was removed.
    keys: HashMap<Fingerprint, Option<Name>>,
    /// The ids of the enrolled ones.
    ids: HashSet<ActorId>,
}

impl Roll {
    /// From every technician that was ever added.
    pub(crate) fn new(rows: Vec<TechnicianRow>) -> Self {
        let mut roll = Self::default();
        for TechnicianRow { name, state, .. } in rows {
            match state {
                TechnicianState::Enrolled(key) => {
                    roll.keys.insert(key, Some(name));
                    roll.ids.insert(key.actor());
                }
                TechnicianState::Removed(Some(key)) => drop(roll.keys.entry(key).or_default()),
                TechnicianState::Removed(None) | TechnicianState::Invited { .. } => {}
            }
        }
        roll
    }
}

impl Recorder {
    /// Whose key this is now; `None` if it was never enrolled here. Ask at every claim.
    ///
    /// # Errors
    /// `Removed` if it once was a technician's.
    pub fn technician(&self, key: Fingerprint) -> Result<Option<Technician>, RecordError> {
        match self.roll().keys.get(&key) {
            None => Ok(None),
            Some(Some(name)) => Ok(Some(Technician { id: key.actor(), name: name.clone() })),
            Some(None) => Err(RecordError::Removed),
        }
    }

    /// True if this technician is enrolled now.
    pub fn is_enrolled(&self, technician: ActorId) -> bool {
        self.roll().ids.contains(&technician)
    }

    /// Makes a token for a new technician. It is shown once and stored as its hash.
    ///
    /// # Errors
    /// `NameTaken`, `Unavailable`.
    pub async fn add_technician(&self, name: Name) -> Result<Token, RecordError> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| RecordError::Unavailable(error.to_string()))?;
        let token = Token(URL_SAFE_NO_PAD.encode(random));
        let hash = token_hash(&token);
        self.call(move |log| add(log, name, hash, wall_ms())).await?;
        Ok(token)
    }

    /// Makes `key` the key of the technician whose token this is. A key that was another technician's leaves the
    /// old name.
    ///
    /// # Errors
    /// `BadToken` (the caller, who knows from where it came, records that), `Unavailable`.
    pub async fn enrol(&self, token: Token, key: Fingerprint) -> Result<Technician, RecordError> {
        let hash = token_hash(&token);
        self.call(move |log| enrol(log, hash, key, wall_ms())).await
    }

    /// Removes a technician. Returns the key, if one was enrolled; [`Recorder::removed`] tells whoever must cut its
    /// connections.
    ///
    /// # Errors
    /// `NoTechnician`, `Unavailable`.
    pub async fn remove_technician(&self, name: Name) -> Result<Option<Fingerprint>, RecordError> {
        self.call(move |log| remove(log, &name)).await
    }

    /// Everybody who was ever added: one line each, for people: name, state and, where there is one, the key.
    pub(crate) async fn list_technicians(&self) -> Result<Vec<String>, RecordError> {
        let rows = self.call(|log| Ok(log.store().technicians()?)).await?;
        let now = wall_ms();
        Ok(rows.iter().map(|row| line(row, now)).collect())
    }
}

fn token_hash(token: &Token) -> [u8; 32] {
    Sha256::digest(token.0.as_bytes()).into()
}

fn add(log: &mut Log, name: Name, token: [u8; 32], now_ms: u64) -> Result<(), RecordError> {
    if let Some(row) = log.store().technician_named(&name)? {
        match row.state {
            // A token that nobody used in time may be replaced.
            TechnicianState::Invited { until_ms, .. } if until_ms <= now_ms => {
                log.put_technician(&TechnicianRow { state: TechnicianState::Removed(None), ..row })?;
            }
            _ => return Err(RecordError::NameTaken(name.into())),
        }
    }
    let state = TechnicianState::Invited { token, until_ms: now_ms.saturating_add(TOKEN_MS) };
    log.put_technician(&TechnicianRow { number: 0, name: name.clone(), state })?;
    log.fact(SessionId::NONE, log.actor(), &Event::TechnicianAdded { name })?;
    Ok(())
}

fn enrol(log: &mut Log, token: [u8; 32], key: Fingerprint, now_ms: u64) -> Result<Technician, RecordError> {
    let row = log.store().technician_with_token(token)?;
    let in_time = |row: &TechnicianRow| matches!(row.state, TechnicianState::Invited { until_ms, .. } if now_ms < until_ms);
    let row = row.filter(in_time).ok_or(RecordError::BadToken)?;
    let before = log.store().technician_with_key(key)?;
    if let Some(before) = before.filter(|before| before.state == TechnicianState::Enrolled(key)) {
        let name = before.name.clone();
        log.put_technician(&TechnicianRow { state: TechnicianState::Removed(Some(key)), ..before })?;
        log.fact(SessionId::NONE, key.actor(), &Event::TechnicianRemoved { name })?;
    }
    let name = row.name.clone();
    log.put_technician(&TechnicianRow { state: TechnicianState::Enrolled(key), ..row })?;
    log.fact(SessionId::NONE, key.actor(), &Event::TechnicianEnrolled { name: name.clone(), key })?;
    Ok(Technician { id: key.actor(), name })
}

fn remove(log: &mut Log, name: &Name) -> Result<Option<Fingerprint>, RecordError> {
    let row = log.store().technician_named(name)?;
    let row = row.ok_or_else(|| RecordError::NoTechnician(name.to_string()))?;
    let key = match row.state {
        TechnicianState::Enrolled(key) => Some(key),
        TechnicianState::Invited { .. } | TechnicianState::Removed(_) => None,
    };
    log.put_technician(&TechnicianRow { state: TechnicianState::Removed(key), ..row })?;
    log.fact(SessionId::NONE, log.actor(), &Event::TechnicianRemoved { name: name.clone() })?;
    key.iter().for_each(|key| log.cut(key.actor()));
    Ok(key)
}

fn line(row: &TechnicianRow, now_ms: u64) -> String {
    match &row.state {
        TechnicianState::Invited { until_ms, .. } if *until_ms <= now_ms => {
            format!("{}\ttoken expired", row.name)
        }
        TechnicianState::Invited { .. } => format!("{}\tinvited", row.name),
        TechnicianState::Enrolled(key) => format!("{}\tenrolled\t{key}", row.name),
        TechnicianState::Removed(Some(key)) => format!("{}\tremoved\t{key}", row.name),
        TechnicianState::Removed(None) => format!("{}\tremoved", row.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Filter;

    const KEY: Fingerprint = Fingerprint([4; 32]);

    fn open(dir: &tempfile::TempDir) -> Recorder {
        Recorder::open(dir.path(), ActorId([1; 16])).unwrap()
    }

    fn vera() -> Name {
        "Vera".parse().unwrap()
    }

    async fn events(recorder: &Recorder) -> Vec<u16> {
        recorder.entries(Filter::default(), 99).await.unwrap().iter().map(|row| row.code).collect()
    }

    #[tokio::test]
    async fn a_token_enrols_one_key_once() {
        let dir = tempfile::tempdir().unwrap();
        let recorder = open(&dir);
        assert_eq!(recorder.technician(KEY), Ok(None));
        let token = recorder.add_technician(vera()).await.unwrap();
        assert_eq!(token.0.len(), 22);
        let bad = Err(RecordError::BadToken);
        assert_eq!(recorder.enrol(Token("x".repeat(22)), KEY).await, bad);
        let technician = recorder.enrol(token.clone(), KEY).await.unwrap();
        assert_eq!(technician, Technician { id: KEY.actor(), name: vera() });
        assert_eq!(recorder.technician(KEY), Ok(Some(technician)));
        assert!(recorder.is_enrolled(KEY.actor()));
        assert_eq!(recorder.enrol(token, Fingerprint([5; 32])).await, bad, "used");
        assert_eq!(recorder.add_technician(vera()).await, Err(RecordError::NameTaken("Vera".into())));
        assert_eq!(events(&recorder).await, [200, 201]);
        recorder.close().await;
    }

    #[tokio::test]
    async fn a_removed_technician_is_cut_off_and_may_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let recorder = open(&dir);
        let mut removed = recorder.removed();
        assert_eq!(recorder.remove_technician(vera()).await, Err(RecordError::NoTechnician("Vera".into())));
        let token = recorder.add_technician(vera()).await.unwrap();
        recorder.enrol(token, KEY).await.unwrap();
        assert_eq!(recorder.remove_technician(vera()).await, Ok(Some(KEY)));
        assert_eq!(removed.recv().await, Ok(KEY.actor()));
        assert_eq!(recorder.technician(KEY), Err(RecordError::Removed));
        assert!(!recorder.is_enrolled(KEY.actor()));
        let token = recorder.add_technician(vera()).await.unwrap();
        recorder.enrol(token, KEY).await.unwrap();
        assert!(recorder.technician(KEY).unwrap().is_some());
        let lines = recorder.list_technicians().await.unwrap();
        assert_eq!(lines, [format!("Vera\tremoved\t{KEY}"), format!("Vera\tenrolled\t{KEY}")]);
        recorder.close().await;
    }

    #[tokio::test]
    async fn a_token_lasts_24_hours() {
        let dir = tempfile::tempdir().unwrap();
        let recorder = open(&dir);
        recorder.call(|log| add(log, vera(), [7; 32], 1_000)).await.unwrap();
        let late = recorder.call(|log| enrol(log, [7; 32], KEY, 1_000 + TOKEN_MS)).await;
        assert_eq!(late, Err(RecordError::BadToken));
        recorder.call(|log| add(log, vera(), [8; 32], 1_000 + TOKEN_MS)).await.unwrap();
        let in_time = recorder.call(|log| enrol(log, [8; 32], KEY, 999 + 2 * TOKEN_MS)).await;
        assert!(in_time.is_ok());
        recorder.close().await;
    }

    #[tokio::test]
    async fn a_key_has_one_name() {
        let dir = tempfile::tempdir().unwrap();
        let recorder = open(&dir);
        for name in ["Vera", "Vera Müller"] {
            let token = recorder.add_technician(name.parse().unwrap()).await.unwrap();
            recorder.enrol(token, KEY).await.unwrap();
        }
        let technician = recorder.technician(KEY).unwrap().unwrap();
        assert_eq!(technician.name.as_str(), "Vera Müller");
        assert_eq!(events(&recorder).await, [200, 201, 200, 202, 201]);
        recorder.close().await;
    }
}
