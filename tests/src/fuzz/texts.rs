//! Texts that people type or paste and texts that come from others: names, relay strings and file names, session codes,
//! the headless viewer's commands.

use super::Target;
use nearhand_proto::{
    code::SessionCode,
    ids::{Fingerprint, SessionId},
    relay_string::RelayString,
    rights::Rights,
    text::{Name, cut, is_printable, printable},
};
use nearhand_viewer::headless::{keys::Chord, parse};

/// A name.
pub(super) const NAME: Target = Target { name: "name", run: name, decode: None, seeds: names };
/// A relay string, a file name, an id or a fingerprint.
pub(super) const RELAY_STRING: Target =
    Target { name: "relay_string", run: relay_string, decode: Some(addresses), seeds: relay_strings };
/// A session code.
pub(super) const CODE: Target = Target { name: "code", run: code, decode: None, seeds: codes };
/// Commands, keys and rights.
pub(super) const SCRIPT: Target = Target { name: "script", run: script, decode: None, seeds: scripts };

/// Whatever a text is, what is shown of it drives no terminal and is no longer than it may be.
fn name(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let lossy = Name::lossy(&text);
    assert!(lossy.as_str().parse() == Ok(lossy.clone()), "{lossy:?} is no name");
    if let Ok(name) = text.parse::<Name>() {
        assert_eq!(name.as_str(), text);
    }
    let shown = printable(&text);
    assert!(shown.chars().all(is_printable));
    let mut short = shown.clone();
    cut(&mut short, data.len() / 2);
    assert!(short.len() <= data.len() / 2 && shown.starts_with(&short));
}

fn names() -> Vec<Vec<u8>> {
    let all = ["Vera Müller", "a\u{1b}[31mb", "a\u{202e}b", "\u{3164}", " ", "", "\u{10ffff}\u{0}\u{feff}"];
    all.iter()
        .map(|text| text.as_bytes().to_vec())
        .chain([vec![0xff; 70], "ü".repeat(40).into_bytes()])
        .collect()
}

fn addresses(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    drop(text.parse::<RelayString>());
    drop(RelayString::from_file_name(text));
    let _ = text.parse::<Fingerprint>();
    let _ = text.parse::<SessionId>();
}

/// What is read is printed as something that is read as the same.
fn relay_string(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    addresses(data);
    let named = RelayString::from_file_name(text).and_then(Result::ok);
    for relay in text.parse::<RelayString>().into_iter().chain(named) {
        assert!(relay.host.len() <= 253 && relay.host.is_ascii() && relay.port != 0);
        assert_eq!(relay.to_string().parse(), Ok(relay.clone()));
        if let Some(name) = relay.file_name() {
            assert_eq!(RelayString::from_file_name(&name), Some(Ok(relay)), "{name}");
        }
    }
    if let Ok(print) = text.parse::<Fingerprint>() {
        assert_eq!(print.to_string(), text, "two texts of one fingerprint");
    }
    if let Ok(id) = text.parse::<SessionId>() {
        assert_eq!(id.to_string(), text.to_ascii_lowercase());
    }
}

fn relay_strings() -> Vec<Vec<u8>> {
    let key = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
    let texts = [
        format!("relay.example.org:4433#{key}"),
        format!(" [::1%2]:1#{key}\n"),
        format!("nearhand-host-relay.example.org_4433_{key} (1).EXE"),
        format!("Nearhand-Host-a_b_1_4433_{key}(12)"),
        "nearhand-host-1.0-linux-x86_64".to_owned(),
        "ab".repeat(16),
    ];
    texts.map(String::into_bytes).into()
}

/// A code that is taken is read out as one that is taken as the same.
fn code(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(code) = text.parse::<SessionCode>() else { return };
    assert!(code.for_the_user().parse::<SessionCode>() == Ok(code), "read out as another code");
}

fn codes() -> Vec<Vec<u8>> {
    let all =
        ["384 711 904 253", "384-711.904253", "000 000 000 000", "384 711 904 253 12", "\u{a0}1\u{202f}2"];
    all.map(|text| text.as_bytes().to_vec()).into()
}

/// No commands, keys or rights are too much, and errors can be shown.
fn script(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for parsed in [parse::script(&text), parse::parts(&text)] {
        match parsed {
            Ok(steps) => assert!(steps.len() <= data.len().saturating_add(1)),
            Err(error) => assert!(error.to_string().chars().all(is_printable), "{error:?}"),
        }
    }
    if let Ok(chord) = text.parse::<Chord>() {
        assert!((1..=8).contains(&chord.keys().len()));
    }
    if let Ok(rights) = text.parse::<Rights>() {
        assert_eq!(rights.to_string().parse(), Ok(rights));
    }
}

fn scripts() -> Vec<Vec<u8>> {
    let all = [
        "wait-settled 300\nsnapshot a.png\n# no more\nmove 1 2\nclick 1 2 right\ndrag 1 2 3 4\nwheel 1 2 -3",
        "key ctrl+alt+t; hold ctrl++; release ctrl+plus; type  a; note b; clipboard c; end",
        "watch 1 2; monitor 2; ask view,control; stats; clik 1",
        "ctrl+alt+Delete",
        "view,control,clipboard-in",
    ];
    all.map(|text| text.as_bytes().to_vec()).into()
}
