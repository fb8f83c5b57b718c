//! What the relay saw of a session: nothing of its code, its input, its clipboard or its picture, on the wire, in its data folder or
//! in its log.

use nearhand_host::inject::recorder::Injected;
use nearhand_proto::{close::Close, relay_string::RelayString, route::Rid, session::geometry::Rect};
use nearhand_tests::{
    Host, Viewer, Weather, World,
    grep::{holds, holds_number},
    host::FIRST,
    viewer::rgb,
    weather::Way,
    world::consent,
};
use nearhand_viewer::messages::{Command, Event};
use std::{
    fs, io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};
use tracing_subscriber::fmt::MakeWriter;

/// What is typed: at most 16 characters, which the host injects in one piece.
const TYPED: &str = "horse battery 7!";

/// What is copied, there and here.
const COPIED: [&str; 2] = ["correct horse, copied by the user", "battery staple, copied by the desk"];

/// Where the marker stands: a run of pixels that no codec can shorten.
const MARKED: Rect = Rect { x: 8, y: 64, width: 128, height: 4 };

/// Bytes of the marker that must not be found in a row: six pixels.
const RUN: usize = 18;

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Noise (xorshift64*), so that it would stand in the stream as it is.
fn marker() -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut pixels = Vec::new();
    for _ in 0..MARKED.pixels() {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        pixels.extend_from_slice(&state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_be_bytes()[..4]);
    }
    pixels
}

/// Every run of the marker, as RGB and as BGRX.
fn runs() -> Vec<Vec<u8>> {
    let marker = marker();
    let colours = rgb(&marker);
    let cut = |bytes: &[u8]| bytes.chunks_exact(RUN).map(<[u8]>::to_vec).collect::<Vec<_>>();
    [cut(&colours), cut(&marker)].concat()
}

/// All files of a folder, one after the other.
fn files(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            all.extend(fs::read(path).unwrap());
        }
    }
    all
}

/// The wire of both ends.
fn wire(taps: [&Weather; 2]) -> Vec<Vec<u8>> {
    taps.iter().flat_map(|tap| tap.kept()).map(|datagram| datagram.bytes).collect()
}

#[tokio::test]
async fn the_relay_sees_nothing_of_code_input_and_picture() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false);
    // Host and viewer of this story run on this thread; the relay is a program with a log of its own.
    let _guard = tracing::subscriber::set_default(subscriber.with_writer(log.clone()).finish());
    let mut world = World::start_program().await;
    let (near_host, near_viewer) = (world.tap().await, world.tap().await);
    let technician = world.technician("Vera Example").await;
    let mut host = Host::start(RelayString { port: near_host.port(), ..world.relay() }, |_| {});
    let code = host.code().await;
    let relay = RelayString { port: near_viewer.port(), ..world.relay() };
    let mut viewer = Viewer::start(technician.config(relay, &code));
    consent(&mut host, &mut viewer).await;
    host.screen.put(FIRST, MARKED, &marker());
    viewer.shows(&host, FIRST).await;
    viewer.types(TYPED).await;
    crate::session::injected(&host, &[Injected::Text(TYPED.into())]).await;
    crate::clipboard::given(&mut host, &mut viewer).await;
    host.board.copy(COPIED[0]);
    viewer.hears(Event::Clipboard(COPIED[0].to_owned())).await;
    viewer.send(Command::Clipboard(COPIED[1].to_owned())).await;
    viewer.hears(Event::Clipped { bytes: u64::try_from(COPIED[1].len()).unwrap() }).await;
    viewer.note("the desk's own words").await;
    let picture = viewer.snapshot().rgb;
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    assert_eq!(host.session_over().await, Close::TechnicianLeft);
    host.stop().await.unwrap();
    world.operator.recorded("the end", |entry| entry.event == "session.end").await;
    world.stop_relay().await;

    let wire = wire([&near_host, &near_viewer]);
    let stored = files(&world.data());
    let logged = [files(&world.folder()), log.0.lock().unwrap().clone()].concat();
    let said = code.for_the_user();
    let digits = said.replace(' ', "");
    let secret = code.secret.as_bytes();

    // What must be found, or the search is worth nothing.
    let runs = runs();
    assert!(runs.iter().filter(|run| holds(&picture, run)).count() > 40, "the marker is in the picture");
    assert!(holds(&stored, b"the desk's own words") && holds(&stored, b"Vera Example"));
    assert!(holds(&logged, b"TRACE") && holds(&logged, b"session over"));
    let named = |datagram: &nearhand_tests::weather::Datagram| {
        datagram.way == Way::FromRelay && Rid::in_packet(&datagram.bytes).is_some()
    };
    assert!(near_viewer.kept().iter().filter(|kept| named(kept)).count() > 10, "the picture passed here");

    let [out, inwards] = COPIED.map(str::as_bytes);
    for needle in [TYPED.as_bytes(), out, inwards, secret, digits.as_bytes(), said.as_bytes()] {
        let shown = String::from_utf8_lossy(needle);
        assert!(!wire.iter().any(|packet| holds(packet, needle)), "'{shown}' on the wire");
        assert!(!holds(&stored, needle), "'{shown}' in the data folder");
        if needle != secret {
            assert!(!holds(&logged, needle), "'{shown}' in a log");
        }
    }
    assert!(!holds_number(&logged, secret), "the secret half in a log");
    for run in &runs {
        assert!(!wire.iter().any(|packet| holds(packet, run)), "pixels on the wire");
        assert!(!holds(&stored, run) && !holds(&logged, run), "pixels at the relay");
    }
    world.start_relay().await;
    world.end().await;
}
