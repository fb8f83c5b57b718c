//! The record as the auditor finds it: every session's story in order, and not one byte to be changed unseen.

use nearhand_proto::close::Close;
use nearhand_tests::{World, grep, server::program};
use std::{fs, path::Path, process::Output};
use tokio::process::Command;

/// `record verify` of the program, on a folder where no relay runs.
async fn verify(data: &Path) -> Output {
    let mut command = Command::new(program("nearhand-relay"));
    command.args(["record", "verify", "--data"]).arg(data).output().await.unwrap()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

#[tokio::test]
async fn one_changed_byte_is_found_and_its_entry_named() {
    let mut world = World::start().await;
    let (mut host, mut viewer) = world.pair().await;
    let session = viewer.session().await;
    viewer.note("printer driver replaced").await;
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    assert_eq!(host.session_over().await, Close::TechnicianLeft);
    world.operator.recorded("the end", |entry| entry.event == "session.end").await;
    let record = world.operator.record().await;
    let number = record.entries.iter().position(|entry| entry.event == "note").unwrap();
    world.stop_relay().await;
    let (whole, changed) = (world.folder().join("whole"), world.folder().join("changed"));
    copy(&world.data(), &whole);
    copy(&world.data(), &changed);
    let database = changed.join("record.db");
    let mut bytes = fs::read(&database).unwrap();
    let text = b"printer driver replaced";
    assert!(grep::holds(&bytes, text));
    let at = bytes.windows(text.len()).position(|part| part == text).unwrap();
    bytes[at] ^= 1;
    fs::write(&database, bytes).unwrap();
    assert!(verify(&whole).await.status.success());
    let found = verify(&changed).await;
    assert_eq!(found.status.code(), Some(1));
    let said = String::from_utf8(found.stderr).unwrap();
    let name = format!("entry {number} (session {session}, note): body does not match its hash");
    assert!(said.contains(&name), "'{said}' does not say '{name}'");
    world.start_relay().await;
    world.end().await;
}

#[tokio::test]
async fn a_session_stands_in_the_record_in_the_order_in_which_it_happened() {
    let world = World::start().await;
    let (mut host, mut viewer) = world.pair().await;
    let session = viewer.session().await;
    viewer.types("x").await;
    crate::session::injected(&host, &[nearhand_host::inject::recorder::Injected::Text("x".into())]).await;
    viewer.note("seen").await;
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    assert_eq!(host.session_over().await, Close::TechnicianLeft);
    world.operator.recorded("the end", |entry| entry.event == "session.end").await;
    let record = world.operator.record().await;
    let mut story = record.story(session);
    // The picture thread tells by itself when it shows a monitor.
    story.retain(|event| *event != "monitor.watched");
    let expected = [
        "session.start",
        "consent.asked",
        "consent.given",
        "consent.asked",
        "consent.given",
        "control.taken",
        "note",
        "host.ended",
        "session.end",
    ];
    assert_eq!(story, expected);
    let end = record.entries.iter().find(|entry| entry.event == "session.end").unwrap();
    assert!(end.fields["bytes"].as_u64().unwrap() > 1_000, "{end:?}");
    world.end().await;
}
