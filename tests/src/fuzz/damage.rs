//! The record on disk when somebody or something has damaged its files, what is exported of any event, and the admin
//! socket's lines: with the real store, in memory where the system has a folder for that.

use super::{Input, Target, record};
use crate::operator::{Answer, Operator};
use nearhand_proto::{
    ids::{ActorId, Fingerprint, SessionId},
    record::{Entry, Event, Origin, Stamp, Value},
    text::is_printable,
};
use nearhand_relay::{
    admin::Listener,
    record::{Recorder, SessionRow},
};
use serde_json::{Value as Json, json};
use std::{fs, io::ErrorKind, path::Path};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
    runtime::{Builder, Runtime},
};
use tokio_util::sync::CancellationToken;

/// `1 file | ( 1 kind | 4 place | 1 byte )*`: damage done to a record.
pub(super) const RECORD_FILE: Target =
    Target { name: "record_file", run: damaged, decode: None, seeds: damages };
/// `( 2 code | 1 length | body )*`: facts.
pub(super) const EXPORT: Target = Target { name: "export", run: export, decode: None, seeds: facts };
/// What is written to the admin socket.
pub(super) const ADMIN: Target = Target { name: "admin", run: admin, decode: None, seeds: requests };

const RELAY: ActorId = ActorId([1; 16]);
const SESSION: SessionId = SessionId([5; 16]);

/// A folder in memory, if the system has that.
pub(super) fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("room for a folder")
}

/// A runtime of one thread, so that a run can be repeated.
pub(super) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime starts")
}

/// Serves the operator's commands on this record while `story` happens.
async fn serving<R>(recorder: Recorder, folder: &Path, story: impl Future<Output = R>) -> R {
    let stop = CancellationToken::new();
    let listener = Listener::bind(folder).expect("an admin socket");
    let told = async {
        let told = story.await;
        stop.cancel();
        told
    };
    let ((), told) = tokio::join!(listener.serve(recorder.clone(), stop.clone()), told);
    recorder.close().await;
    told
}

/// A record with a session in it: `record.db`, and `record.db-wal` as a killed relay leaves it.
async fn written() -> [(&'static str, Vec<u8>); 2] {
    let folder = folder();
    let recorder = Recorder::open(folder.path(), RELAY).expect("a new record opens");
    let (host_key, technician) = (Fingerprint([2; 32]), ActorId([3; 16]));
    let row = SessionRow { id: SESSION, host_key, viewer_key: Fingerprint([4; 32]), technician };
    let start = record::start();
    recorder.fact(SessionId::NONE, RELAY, Event::HostWaiting).await.expect("recorded");
    recorder.start_session(row, start).await.expect("recorded");
    let stamp = |seq| Stamp {
        origin: Origin::Host,
        session: SESSION,
        seq,
        wall_ms: 1,
        monotonic_ns: 1,
        actor: host_key.actor(),
    };
    let entries = (0..3).map(|seq| Entry::new(&Event::ControlTaken, stamp(seq), [9; 32])).collect();
    recorder.append(SESSION, entries).await.expect("recorded");
    let file = |name| (name, fs::read(folder.path().join(name)).expect("a file of the record"));
    let files = ["record.db", "record.db-wal"].map(file);
    recorder.close().await;
    files
}

fn change(bytes: &mut Vec<u8>, input: &mut Input<'_>) {
    let (kind, place, byte) = (input.byte(), input.u32(), input.byte());
    let length = u32::try_from(bytes.len().max(1)).unwrap_or(u32::MAX);
    let at = usize::try_from(place % length).unwrap_or(0);
    match kind % 4 {
        0 | 1 => bytes.get_mut(at).into_iter().for_each(|old| *old ^= byte.max(1)),
        2 => bytes.truncate(at),
        _ => bytes.iter_mut().skip(at).take(byte.into()).for_each(|old| *old = 0),
    }
}

/// A damaged record opens or says why not; and if it verifies, its entries are those that were written.
fn damaged(data: &[u8]) {
    let mut input = Input::new(data);
    let in_log = input.byte() & 1 == 1;
    runtime().block_on(async {
        let (mut files, folder) = (written().await, folder());
        let original = read(&files).await.expect("a whole record opens").0;
        while !input.is_empty() {
            change(&mut files[usize::from(in_log)].1, &mut input);
        }
        put(&files, folder.path());
        let Some((entries, verified)) = read(&files).await else { return };
        if verified.code == 0 {
            same_or_new(&original, &entries);
        }
    });
}

fn put(files: &[(&str, Vec<u8>)], folder: &Path) {
    files.iter().for_each(|(name, bytes)| fs::write(folder.join(name), bytes).expect("room for a file"));
}

/// All entries and what verifying says; `None` if the record does not open.
async fn read(files: &[(&str, Vec<u8>)]) -> Option<(Vec<Json>, Answer)> {
    let folder = folder();
    put(files, folder.path());
    let recorder = Recorder::open(folder.path(), RELAY).ok()?;
    let operator = Operator::new(folder.path());
    let story = async {
        let verified = operator.ask(json!({"do": "record-verify"})).await;
        drop(operator.ask(json!({"do": "record-list"})).await);
        drop(operator.ask(json!({"do": "record-show", "session": SESSION.0})).await);
        (operator.ask(json!({"do": "record-export"})).await.out, verified)
    };
    let (lines, verified) = serving(recorder, folder.path(), story).await;
    let entries = lines.iter().map(|line| serde_json::from_str(line).expect("export prints JSON Lines"));
    Some((entries.collect(), verified))
}

/// What was written, as far as it is there; after that nothing but what this run has added.
fn same_or_new(original: &[Json], entries: &[Json]) {
    let part = |entry: &Json| ["index", "canonical", "salt", "body", "leaf"].map(|name| entry[name].clone());
    let is_new = |entry: &Json| entry["event"] == "record.read" || entry["tree_size"].is_u64();
    for (at, entry) in entries.iter().enumerate() {
        let same = original.get(at).is_some_and(|old| part(old) == part(entry));
        assert!(same || is_new(entry), "entry {at} was changed, and verifies: {entry}");
    }
}

fn damages() -> Vec<Vec<u8>> {
    let at = |file: u8, kind: u8, place: u32, byte: u8| {
        [&[file, kind][..], &place.to_be_bytes(), &[byte]].concat()
    };
    let mut all = vec![vec![0], vec![1]];
    for place in [0, 16, 18, 24, 100, 4_096, 5_000, 20_000, 60_000] {
        all.extend([at(0, 0, place, 1), at(0, 3, place, 200), at(1, 0, place, 1), at(1, 2, place, 0)]);
    }
    all
}

/// What is exported of a fact is one line of JSON that says what the fact says; what is shown drives no terminal.
fn export(data: &[u8]) {
    let mut input = Input::new(data);
    let mut facts = Vec::new();
    while !input.is_empty() && facts.len() < 32 {
        let code = input.u16();
        facts.extend(Event::decode(code, input.chunk()).ok());
    }
    let folder = folder();
    runtime().block_on(async {
        let recorder = Recorder::open(folder.path(), RELAY).expect("a new record opens");
        for fact in &facts {
            recorder.fact(SESSION, RELAY, fact.clone()).await.expect("recorded");
        }
        let operator = Operator::new(folder.path());
        let story = async {
            let session = json!({"do": "record-show", "session": SESSION.0});
            let exported = operator.ask(json!({"do": "record-export"})).await;
            (exported, operator.ask(session).await, operator.ask(json!({"do": "record-list"})).await)
        };
        let (exported, shown, listed) = serving(recorder, folder.path(), story).await;
        let lines = shown.out.iter().chain(&listed.out);
        let drives = |c: char| c.is_control() && c != '\t';
        lines.for_each(|line| assert!(!line.contains(drives), "{line:?} could drive a terminal"));
        for (fact, line) in facts.iter().zip(&exported.out) {
            assert!(line.chars().all(is_printable), "{line:?} could drive a terminal");
            says(&serde_json::from_str(line).expect("export prints JSON Lines"), fact);
        }
        assert!(facts.len() < exported.out.len(), "all facts, the reading and the head");
    });
}

fn says(line: &Json, fact: &Event) {
    assert_eq!(line["event"], fact.name());
    let Event::Unknown { body, .. } = fact else {
        let field = |value: Value| match value {
            Value::Number(number) => json!(number),
            Value::Signed(number) => json!(number),
            Value::Text(text) => json!(text),
            Value::Reason(close) => json!(close.code()),
            other => json!(other.to_string()),
        };
        let fields: serde_json::Map<_, _> =
            fact.fields().into_iter().map(|(name, value)| (name.to_owned(), field(value))).collect();
        return assert_eq!(line["fields"], Json::Object(fields));
    };
    assert_eq!(line["body"], Value::Bytes(body.clone()).to_string());
}

fn facts() -> Vec<Vec<u8>> {
    let fact = |event: &[u8]| {
        let (code, body) = event.split_at(2);
        [code, &[u8::try_from(body.len()).unwrap_or(0)], body].concat()
    };
    let events = record::events();
    let all: Vec<_> = events.iter().filter(|event| event.len() < 250).map(|event| fact(event)).collect();
    let note = fact(&[&[7, 208, 0, 9][..], b"=\x1b[2J\r\n\",\xc2\x85"].concat());
    all.chunks(12).map(<[_]>::concat).chain([note]).collect()
}

/// Whatever comes, the admin socket answers in whole lines or hangs up, and goes on.
fn admin(data: &[u8]) {
    let folder = folder();
    runtime().block_on(async {
        let recorder = Recorder::open(folder.path(), RELAY).expect("a new record opens");
        let operator = Operator::new(folder.path());
        let story = async {
            let mut stream = UnixStream::connect(folder.path().join("relay.sock")).await.expect("it listens");
            // It may hang up before all of it is written.
            drop(stream.write_all(data).await);
            drop(stream.shutdown().await);
            let mut answer = Vec::new();
            match stream.read_to_end(&mut answer).await {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
                Err(error) => panic!("{error}"),
            }
            for line in answer.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                let _: Json = serde_json::from_slice(line).expect("whole lines of JSON");
            }
            assert_eq!(operator.verify().await.code, 0);
        };
        serving(recorder, folder.path(), story).await;
    });
}

fn requests() -> Vec<Vec<u8>> {
    let all = [
        json!({"do": "technician-add", "name": "Vera"}),
        json!({"do": "technician-list"}),
        json!({"do": "technician-remove", "name": "Vera"}),
        json!({"do": "record-list"}),
        json!({"do": "record-show", "session": SESSION.0}),
        json!({"do": "record-verify"}),
        json!({"do": "record-export"}),
    ];
    all.iter().map(|request| format!("{request}\n").into_bytes()).collect()
}
