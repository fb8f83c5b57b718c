//! Every capture backend keeps the promises of [`Capture`]: one conformance test for all, and what only X11 can show.

use crate::xvfb::Xvfb;
use nearhand_host::capture::{Capture, CaptureError, Frame, Wake, areas::MAX_AREAS, scripted, x11};
use nearhand_proto::session::geometry::{MonitorId, Rect, Size};
use std::{
    iter,
    time::{Duration, Instant},
};
use x11rb::{
    connection::Connection,
    protocol::{
        xproto::{ChangeWindowAttributesAux, ConnectionExt as _},
        xtest::ConnectionExt as _,
    },
    wrapper::ConnectionExt as _,
};

const ODD: Size = Size { width: 1_367, height: 769 };
const FULL_HD: Size = Size { width: 1_920, height: 1_080 };

/// A backend, and the hands and eyes of a test on the screen behind it.
struct Subject {
    capture: Box<dyn Capture>,
    /// Fills an area with one colour.
    fill: Box<dyn Fn(Rect, [u8; 3])>,
    /// The screen as it is: BGRX8 without gaps.
    shot: Box<dyn Fn() -> Vec<u8>>,
}

fn rect(x: u16, y: u16, width: u16, height: u16) -> Rect {
    Rect { x, y, width, height }
}

/// Waits until damage is told.
fn await_damage(capture: &mut dyn Capture, wake: &Wake) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !capture.wait(wake, Some(Duration::from_secs(10))).unwrap().damage {
        assert!(Instant::now() < deadline, "no damage was told");
    }
}

/// True unless the next 50 ms tell damage.
fn is_quiet(capture: &mut dyn Capture, wake: &Wake) -> bool {
    let until = Instant::now() + Duration::from_millis(50);
    iter::from_fn(|| until.checked_duration_since(Instant::now()))
        .all(|left| !capture.wait(wake, Some(left)).unwrap().damage)
}

/// The frame must show exactly what the screen shows, and say that it changed there.
fn check_frame(frame: Option<Frame<'_>>, shot: &[u8], changed: &[Rect]) {
    let frame = frame.expect("a frame");
    assert!((1..=MAX_AREAS).contains(&frame.damage.len()), "{} areas", frame.damage.len());
    assert!(frame.damage.iter().all(|area| area.fits(frame.picture.size)), "{:?}", frame.damage);
    for area in changed {
        let holds = |damage: &Rect, area: Rect| {
            damage.x <= area.x
                && damage.y <= area.y
                && area.right() <= damage.right()
                && area.bottom() <= damage.bottom()
        };
        let is_covered = |area: Rect| frame.damage.iter().any(|damage| holds(damage, area));
        let mut pixels = (area.x..area.x + area.width)
            .flat_map(|x| (area.y..area.y + area.height).map(move |y| rect(x, y, 1, 1)));
        let whole = is_covered(*area) || pixels.all(is_covered);
        assert!(whole, "{area:?} changed, told were {:?}", frame.damage);
    }
    let width = usize::from(frame.picture.size.width) * 4;
    let rows = frame.picture.pixels.chunks(frame.picture.stride).map(|row| &row[..width]);
    assert_eq!(rows.len(), usize::from(frame.picture.size.height));
    for (y, (got, expected)) in rows.zip(shot.chunks(width)).enumerate() {
        let differs = |(got, expected): (&[u8], &[u8])| got[..3] != expected[..3];
        let x = got.chunks(4).zip(expected.chunks(4)).position(differs);
        assert_eq!(x, None, "differs at this column of row {y}");
    }
}

fn conforms(mut subject: Subject, size: Size) {
    let wake = Wake::new().unwrap();
    let Subject { capture, fill, shot } = &mut subject;
    let capture = &mut **capture;
    let monitors = capture.monitors().unwrap();
    assert_eq!(monitors.iter().map(|monitor| monitor.size).collect::<Vec<_>>(), [size]);
    assert!(capture.frame().unwrap().is_none(), "a frame of nothing");
    assert!(matches!(capture.watch(MonitorId(7)), Err(CaptureError::UnknownMonitor(MonitorId(7)))));

    // The first frame is whole.
    assert_eq!(capture.watch(monitors[0].id).unwrap(), size);
    assert!(capture.picture().is_none());
    await_damage(capture, &wake);
    check_frame(capture.frame().unwrap(), &shot(), &[size.rect()]);
    assert!(capture.frame().unwrap().is_none(), "a frame although nothing changed");
    assert!(is_quiet(capture, &wake));

    // A change is told, covered and exact, up to the edges.
    let (right, bottom) = (size.width, size.height);
    for (number, area) in
        (1..).zip([rect(3, 5, 1, 1), rect(right - 7, bottom - 3, 7, 3), rect(0, 100, right, 1), size.rect()])
    {
        fill(area, [number * 40, 255 - number, number]);
        await_damage(capture, &wake);
        check_frame(capture.frame().unwrap(), &shot(), &[area]);
        assert_eq!(capture.picture().unwrap().pixels[0..3], shot()[0..3]);
    }

    // Damage gathers, and is told once, while nobody asks.
    fill(rect(10, 10, 20, 20), [1, 2, 3]);
    await_damage(capture, &wake);
    fill(rect(300, 200, 33, 44), [4, 5, 6]);
    assert!(is_quiet(capture, &wake), "told twice");
    check_frame(capture.frame().unwrap(), &shot(), &[rect(10, 10, 20, 20), rect(300, 200, 33, 44)]);
    assert!(capture.frame().unwrap().is_none());

    // Very many areas become few.
    let many: Vec<_> = (0..300).map(|n| rect(n % 20 * 61 + n % 7, n / 20 * 47, 3, 2)).collect();
    many.iter().for_each(|area| fill(*area, [250, 128, 7]));
    await_damage(capture, &wake);
    check_frame(capture.frame().unwrap(), &shot(), &many);

    // Watching again makes it whole again.
    capture.watch(monitors[0].id).unwrap();
    check_frame(capture.frame().unwrap(), &shot(), &[size.rect()]);

    // A wake ends the wait, even a call before it.
    wake.wake();
    assert!(capture.wait(&wake, None).unwrap().woken);
    let waker = wake.clone();
    let thread = std::thread::spawn(move || waker.wake());
    while !capture.wait(&wake, None).unwrap().woken {}
    thread.join().unwrap();
}

fn x11_subject(server: &Xvfb, size: Size) -> Subject {
    let (painter, viewer) = (server.client(), server.client());
    viewer.connection.destroy_window(viewer.window).unwrap();
    viewer.connection.sync().unwrap();
    Subject {
        capture: x11::open(Some(server.display.clone()))().unwrap(),
        fill: Box::new(move |area, colour| painter.fill(area, colour)),
        shot: Box::new(move || viewer.shot(0, 0, size.width, size.height)),
    }
}

#[test]
fn x11_conforms() {
    for size in [ODD, FULL_HD] {
        let server = Xvfb::start(size.width, size.height);
        conforms(x11_subject(&server, size), size);
    }
}

#[test]
fn scripted_conforms() {
    for size in [ODD, FULL_HD] {
        let screen = scripted::Screen::new(&[size]);
        let (hand, eye) = (screen.clone(), screen.clone());
        let subject = Subject {
            capture: screen.open()().unwrap(),
            fill: Box::new(move |area, colour| hand.fill(MonitorId(0), area, colour)),
            shot: Box::new(move || eye.pixels(MonitorId(0))),
        };
        conforms(subject, size);
    }
}

/// scrap knows only `$DISPLAY`, so the test runs itself again with that set.
#[cfg(feature = "scrap")]
#[test]
fn scrap_conforms() {
    use crate::xvfb::Client;
    use nearhand_host::capture::scrap;
    use std::{env, process::Command};

    const INSIDE: &str = "NEARHAND_TEST_SCRAP";
    if let Some(display) = env::var_os(INSIDE) {
        let display = display.into_string().unwrap();
        let (painter, size) = (Client::connect(&display), ODD);
        let viewer = Client::connect(&display);
        viewer.connection.destroy_window(viewer.window).unwrap();
        viewer.connection.sync().unwrap();
        let subject = Subject {
            capture: scrap::open()().unwrap(),
            fill: Box::new(move |area, colour| painter.fill(area, colour)),
            shot: Box::new(move || viewer.shot(0, 0, size.width, size.height)),
        };
        return conforms(subject, size);
    }
    let server = Xvfb::start(ODD.width, ODD.height);
    let inside = Command::new(env::current_exe().unwrap())
        .args(["--exact", "capture::scrap_conforms", "--nocapture"])
        .envs([("DISPLAY", &server.display), (INSIDE, &server.display)])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&inside.stdout) + String::from_utf8_lossy(&inside.stderr);
    assert!(inside.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn x11_loses_nothing_while_the_screen_keeps_changing() {
    let server = Xvfb::start(ODD.width, ODD.height);
    let (viewer, painter) = (server.client(), server.client()); // the painter's window lies on top
    let wake = Wake::new().unwrap();
    let mut capture = x11::open(Some(server.display.clone()))().unwrap();
    let monitors = capture.monitors().unwrap();
    capture.watch(monitors[0].id).unwrap();
    let done = wake.clone();
    let thread = std::thread::spawn(move || {
        for n in 0..4_000_u32 {
            let colour = [n, n / 16, n * 7].map(|part| part.to_le_bytes()[0]);
            let [x, y, width, height] =
                [n * 37 % 1_300, n * 53 % 700, n % 60 + 1, n % 41 + 1].map(|part| part.try_into().unwrap());
            painter.fill(rect(x, y, width, height), colour);
        }
        done.wake();
        painter // its window stays until the end
    });
    let (mut frames, mut woken) = (0, false);
    while !woken {
        let happened = capture.wait(&wake, Some(Duration::from_secs(10))).unwrap();
        assert!(happened.any(), "the painter stopped");
        woken = happened.woken;
        frames += u32::from(capture.frame().unwrap().is_some());
    }
    let _painter = thread.join().unwrap();
    while !is_quiet(&mut *capture, &wake) {
        capture.frame().unwrap();
    }
    let shot = viewer.shot(0, 0, ODD.width, ODD.height);
    let pixels = capture.picture().unwrap().pixels;
    let same = |(got, expected): (&[u8], &[u8])| got[..3] == expected[..3];
    assert!(pixels.chunks(4).zip(shot.chunks(4)).all(same), "differs after {frames} frames");
    assert!(10 < frames, "only {frames} frames: nothing changed between two of them");
}

/// What the wait says until it says that the layout changed.
fn await_layout(capture: &mut dyn Capture, wake: &Wake) {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        assert!(Instant::now() < deadline, "no change of layout was told");
        match capture.wait(wake, Some(Duration::from_secs(10))) {
            Ok(_) => {}
            Err(CaptureError::Layout) => return,
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn x11_follows_the_resolution() {
    let server = Xvfb::start(FULL_HD.width, FULL_HD.height);
    let client = server.client();
    let wake = Wake::new().unwrap();
    let mut capture = x11::open(Some(server.display.clone()))().unwrap();
    let monitors = capture.monitors().unwrap();
    capture.watch(monitors[0].id).unwrap();
    check_frame(capture.frame().unwrap(), &client.shot(0, 0, 1_920, 1_080), &[FULL_HD.rect()]);

    client.resize(1_021, 767);
    await_layout(&mut *capture, &wake);
    assert!(matches!(capture.frame(), Err(CaptureError::Layout)), "it repeats");
    assert!(matches!(capture.watch(monitors[0].id), Err(CaptureError::Layout)));
    let monitors = capture.monitors().unwrap();
    let size = Size { width: 1_021, height: 767 };
    assert_eq!(capture.watch(monitors[0].id).unwrap(), size);
    client.fill(rect(1_000, 700, 21, 67), [9, 99, 199]);
    check_frame(capture.frame().unwrap(), &client.shot(0, 0, 1_021, 767), &[size.rect()]);
}

#[test]
fn x11_shows_one_monitor_of_two() {
    let server = Xvfb::start(ODD.width, ODD.height);
    let client = server.client();
    let wake = Wake::new().unwrap();
    let mut capture = x11::open(Some(server.display.clone()))().unwrap();
    client.split(500, ODD.width, ODD.height);
    await_layout(&mut *capture, &wake);
    let monitors = capture.monitors().unwrap();
    let seen: Vec<_> = monitors.iter().map(|m| (m.name.as_str(), m.left, m.size.width, m.primary)).collect();
    assert_eq!(seen, [("left", 0, 500, false), ("right", 500, 867, true)]);

    let size = capture.watch(monitors[1].id).unwrap();
    check_frame(capture.frame().unwrap(), &client.shot(500, 0, 867, 769), &[size.rect()]);
    client.fill(rect(490, 20, 20, 20), [1, 200, 3]);
    await_damage(&mut *capture, &wake);
    check_frame(capture.frame().unwrap(), &client.shot(500, 0, 867, 769), &[rect(0, 20, 10, 20)]);
    client.fill(rect(10, 20, 20, 20), [1, 200, 3]);
    await_damage(&mut *capture, &wake);
    assert!(capture.frame().unwrap().is_none(), "the other monitor changed");
    client.fill(rect(1_366, 768, 1, 1), [1, 200, 3]);
    await_damage(&mut *capture, &wake);
    check_frame(capture.frame().unwrap(), &client.shot(500, 0, 867, 769), &[rect(866, 768, 1, 1)]);
}

#[test]
fn x11_tells_where_the_pointer_is_and_what_it_looks_like() {
    let server = Xvfb::start(ODD.width, ODD.height);
    let client = server.client();
    let wake = Wake::new().unwrap();
    let mut capture = x11::open(Some(server.display.clone()))().unwrap();
    let monitors = capture.monitors().unwrap();
    assert_eq!(capture.cursor().unwrap(), None, "nothing is watched");
    capture.watch(monitors[0].id).unwrap();
    let first = capture.cursor().unwrap().unwrap();
    assert_eq!(first.image.as_ref().map(|shape| shape.id), Some(first.shape));
    assert_eq!(capture.cursor().unwrap(), None, "nothing new");
    check_frame(capture.frame().unwrap(), &client.shot(0, 0, ODD.width, ODD.height), &[]);
    while capture.wait(&wake, Some(Duration::ZERO)).unwrap().any() {}

    let motion = x11rb::protocol::xproto::MOTION_NOTIFY_EVENT;
    client.connection.xtest_fake_input(motion, 0, 0, client.root, 321, 123, 0).unwrap();
    client.connection.sync().unwrap();
    assert!(capture.wait(&wake, Some(Duration::from_secs(10))).unwrap().cursor);
    let moved = capture.cursor().unwrap().unwrap();
    assert_eq!((moved.x, moved.y, moved.shape, moved.image), (321, 123, first.shape, None));
    assert_eq!(capture.frame().unwrap().map(|frame| frame.damage.to_vec()), None, "the pointer is no damage");

    let font = client.connection.generate_id().unwrap();
    client.connection.open_font(font, b"cursor").unwrap();
    let cursor = client.connection.generate_id().unwrap();
    client
        .connection
        .create_glyph_cursor(cursor, font, font, 34, 35, 0, 0, 0, 65_535, 65_535, 65_535)
        .unwrap();
    let look = ChangeWindowAttributesAux::new().cursor(cursor);
    client.connection.change_window_attributes(client.window, &look).unwrap().check().unwrap();
    assert!(capture.wait(&wake, Some(Duration::from_secs(10))).unwrap().cursor);
    let changed = capture.cursor().unwrap().unwrap();
    assert_ne!(changed.shape, first.shape);
    let image = changed.image.unwrap();
    assert!(image.is_whole() && image.id == changed.shape);
    assert!(image.pixels.chunks(4).any(|pixel| pixel == [0, 0, 0, 255]), "a black cross-hair");

    client.connection.warp_pointer(x11rb::NONE, client.root, 0, 0, 0, 0, 44, 55).unwrap();
    client.connection.sync().unwrap();
    assert!(capture.wait(&wake, Some(Duration::from_secs(10))).unwrap().cursor, "a warp is told");
    let warped = capture.cursor().unwrap().unwrap();
    assert_eq!((warped.x, warped.y), (44, 55));
}

#[test]
fn x11_notices_the_end_of_the_desktop() {
    let server = Xvfb::start(200, 100);
    let mut capture = x11::open(Some(server.display.clone()))().unwrap();
    let wake = Wake::new().unwrap();
    drop(server);
    let ended = iter::repeat_with(|| capture.wait(&wake, Some(Duration::from_secs(10))));
    assert!(ended.take(5).any(|waited| matches!(waited, Err(CaptureError::Lost(_)))));
}

#[test]
fn no_desktop_is_said_in_a_sentence() {
    let Err(error) = x11::open(Some(":4711".to_owned()))() else { panic!("there is no such display") };
    assert!(matches!(error, CaptureError::NoDesktop(_) | CaptureError::Unsupported(_)), "{error:?}");
}

#[test]
fn scripted_shows_monitors_pointer_and_the_end() {
    let screen = scripted::Screen::new(&[ODD, FULL_HD]);
    let mut capture = screen.open()().unwrap();
    let wake = Wake::new().unwrap();
    let monitors = capture.monitors().unwrap();
    assert_eq!(monitors[1].left, 1_367);
    capture.watch(monitors[1].id).unwrap();
    screen.fill(MonitorId(0), rect(0, 0, 9, 9), [1, 2, 3]);
    check_frame(capture.frame().unwrap(), &screen.pixels(MonitorId(1)), &[FULL_HD.rect()]);
    screen.move_cursor(1_400, 10);
    assert!(capture.wait(&wake, None).unwrap().cursor);
    let cursor = capture.cursor().unwrap().unwrap();
    assert_eq!((cursor.x, cursor.y, cursor.image.is_some()), (33, 10, true));
    assert_eq!(capture.cursor().unwrap(), None);
    screen.resize(&[ODD]);
    await_layout(&mut *capture, &wake);
    assert_eq!(capture.monitors().unwrap().len(), 1);
    screen.lose();
    assert!(matches!(capture.wait(&wake, None), Err(CaptureError::Lost(_))));
}
