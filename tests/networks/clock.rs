//! The wall clock is set while the relay runs (F14): by libfaketime under the real program, whose monotonic clock stays true.
//! Codes and sessions don't mind, the record keeps its order and says what happened.

use crate::{
    ends::Pair,
    waiting::{shown, told},
};
use nearhand_host::front::Show;
use nearhand_tests::{Entry, World, world::consent};
use nearhand_viewer::messages::Event;
use std::{fs, path::Path, path::PathBuf, time::Duration};

/// Each step in seconds: ten minutes back, an hour and ten years forward.
const STEPS: [i64; 3] = [-600, 3_600, 10 * 365 * 86_400];

/// What a step may be off by: the clocks are looked at once a second, and the machine is busy.
const OFF_MS: u64 = 2_500;

/// libfaketime, where Debian puts it.
fn library() -> PathBuf {
    let folder = format!("/usr/lib/{}-linux-gnu/faketime/libfaketimeMT.so.1", std::env::consts::ARCH);
    let library = PathBuf::from(folder);
    assert!(library.exists(), "{} is missing; tests/setup.sh installs it", library.display());
    library
}

/// The wall clock of whoever reads this file is off by so many seconds from now on.
pub(crate) fn set_clock(file: &Path, seconds: i64) {
    // In one go: a file that is read half-written would be another step.
    let new = file.with_extension("new");
    fs::write(&new, format!("{seconds:+}\n")).unwrap();
    fs::rename(new, file).unwrap();
}

/// A relay whose wall clock, and its monotonic one too if `both`, this file moves.
pub(crate) async fn relay_with_clock(file: &Path, both: bool) -> World {
    let environment = [
        ("LD_PRELOAD", library().to_string_lossy().into_owned()),
        ("FAKETIME_TIMESTAMP_FILE", file.to_string_lossy().into_owned()),
        ("FAKETIME_NO_CACHE", "1".to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", if both { "0" } else { "1" }.to_owned()),
    ];
    World::start_program_in(environment.map(|(name, value)| (name.to_owned(), value)).to_vec()).await
}

#[tokio::test]
async fn a_wall_clock_that_is_set_disturbs_neither_codes_nor_sessions_and_stands_on_record() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clock");
    set_clock(&file, 0);
    let world = relay_with_clock(&file, false).await;
    let technician = world.technician("Vera Example").await;
    let (mut host, mut waiting) = (world.host(), world.host());
    let (code, old) = (host.code().await, waiting.code().await);
    let mut viewer = world.viewer(&technician, &code);
    consent(&mut host, &mut viewer).await;
    let mut pair = Pair { host, viewer, steps: Default::default(), handshakes: 1 };
    let (mut offset, mut notes) = (0, Vec::new());
    for (number, step) in (1..).zip(STEPS) {
        offset += step;
        set_clock(&file, offset);
        let is_it = |entry: &Entry| {
            let by = entry.fields["step_ms"].as_i64().unwrap_or_default();
            entry.event == "clock.step" && by.abs_diff(step * 1_000) < OFF_MS
        };
        world.operator.recorded(&format!("a step of {step} s"), is_it).await;
        pair.works(&format!("after step {number}"), Duration::from_secs(10)).await.unwrap();
        notes.push(pair.viewer.note(&"x".repeat(number)).await);
    }
    assert!(notes.is_sorted(), "{notes:?}");
    pair.is_the_same().unwrap();
    assert_eq!(shown(&pair.host, |show| matches!(show, Show::Suspended | Show::RelayLost)), 0);
    assert_eq!(told(&pair.viewer, |event| matches!(event, Event::Suspended | Event::RelayLost)), 0);
    // A code of before the first step is as good as ever: its ten minutes are not over.
    let mut second = world.viewer(&technician, &old);
    consent(&mut waiting, &mut second).await;
    assert_eq!(second.end().await, nearhand_proto::close::Close::TechnicianLeft);
    pair.end().await;
    let record = world.operator.record().await;
    assert_eq!((record.count("clock.step"), record.count("relay.crashed")), (STEPS.len(), 0));
    assert!(!world.log().contains("panicked"), "{}", world.log());
    world.end().await;
}
