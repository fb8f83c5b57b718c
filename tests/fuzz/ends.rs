//! The files that host and viewer keep for themselves. They are the user's own, but a crash, a disk or another program may
//! have written them: they are taken, or refused with a reason that names the file.

use clap::Parser as _;
use nearhand_host::{config::Args, relays::Book};
use nearhand_proto::{code::SessionCode, ids::Fingerprint, relay_string::RelayString};
use nearhand_tests::fuzz::Target;
use nearhand_viewer::{slips::Slips, state::State};
use std::fs;
use tempfile::TempDir;

/// Those that need the programs with their windows.
pub(crate) const TARGETS: &[Target] = &[
    Target { name: "host_config", run: host_config, decode: None, seeds: configs },
    Target { name: "host_state", run: host_state, decode: None, seeds: books },
    Target { name: "viewer_state", run: viewer_state, decode: None, seeds: slips },
];

const KEY: &str = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";

fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("room for a folder")
}

fn host_config(data: &[u8]) {
    let folder = folder();
    let path = folder.path().join("nearhand-host.toml");
    fs::write(&path, data).expect("room for a file");
    let typed = [
        "nearhand-host".as_ref(),
        "--config".as_ref(),
        path.as_os_str(),
        "--state".as_ref(),
        folder.path().as_os_str(),
    ];
    let args = Args::try_parse_from(typed).expect("a sound command line");
    if let Err(error) = args.resolve() {
        let said = error.to_string();
        let told = said.chars().any(|c| c.is_control() && c != '\n');
        assert!(said.contains("nearhand-host.toml") && !told, "{said:?}");
    }
}

fn configs() -> Vec<Vec<u8>> {
    let all = [
        format!("relay = \"relay.example.org:4433#{KEY}\"\nlanguage = \"de\"\n"),
        "language = 'de_AT.UTF-8'".to_owned(),
        "relay = 'a.example:1'".to_owned(),
        "relais = [{}, {}]".to_owned(),
    ];
    all.map(String::into_bytes).into()
}

/// A damaged list of relays never makes one known that is called a scam in it.
fn host_state(data: &[u8]) {
    let folder = folder();
    fs::write(folder.path().join("relays"), data).expect("room for a file");
    fs::write(folder.path().join("relay"), data).expect("room for a file");
    let book = Book::new(folder.path().to_owned());
    drop(book.remembered());
    let relay = RelayString { host: "a.example".into(), port: 4433, key: Fingerprint([7; 32]) };
    let before = book.standing(&relay);
    if before.is_ok() && book.confirm(&relay).is_ok() {
        let after = book.standing(&relay).expect("what was written is read");
        let (known, blocked) = (nearhand_host::relays::Standing::Confirmed, before.ok());
        let still = matches!(&blocked, Some(nearhand_host::relays::Standing::Blocked(_)));
        assert!(if still { Some(after) == blocked } else { after == known });
    }
}

fn books() -> Vec<Vec<u8>> {
    let key = Fingerprint([7; 32]);
    let all = [
        format!("confirmed\ta.example:4433#{key}\n"),
        format!(
            "blocked\tA.example.:1#{KEY}\t1764028800\tEve Example\tÜnreal Desk\n\nconfirmed\tb.example:1#{key}\n"
        ),
        format!("blocked\tb.example:1#{key}\t18446744073709551615\t\t\n"),
        format!("relay.example.org:4433#{KEY}\n"),
    ];
    all.map(String::into_bytes).into()
}

/// A damaged counter of failures opens no code that it refuses.
fn viewer_state(data: &[u8]) {
    let folder = folder();
    let state = State::open(Some(folder.path().to_owned())).expect("a folder of its own");
    let code: SessionCode = "384 711 904 253".parse().expect("a whole code");
    let counter = Slips::new(state.clone());
    (0..2).for_each(|_| drop(counter.count(&code)));
    let list = folder.path().join("slips");
    let good = fs::read(&list).expect("it was counted");
    fs::write(folder.path().join("technician.relay"), data).expect("room for a file");
    drop(state.relay());
    fs::write(&list, [&good[..], data].concat()).expect("room for a file");
    assert!(counter.is_refused(&code).unwrap_or(true), "a refused code is open again");
}

fn slips() -> Vec<Vec<u8>> {
    let line = format!("{} 2 1764028800\n", "ab".repeat(32));
    vec![
        line.repeat(3).into_bytes(),
        b"nonsense".to_vec(),
        format!("r.example:1#{KEY}").into_bytes(),
        Vec::new(),
    ]
}
