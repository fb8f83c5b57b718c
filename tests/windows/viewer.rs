//! The technician's window against a real host: from the code to the session's end by keyboard alone, and what it says
//! in every state.

use crate::technician::Technicians;
use eframe::egui::{
    Event, Key, Modifiers, MouseWheelSource, MouseWheelUnit, PointerButton, TouchPhase, pos2, vec2,
};
use egui_kittest::kittest::Queryable as _;
use nearhand_host::{front::Press, inject::recorder::Injected};
use nearhand_proto::{
    code::{Secret, SessionCode},
    rights::Rights,
    session::{
        geometry::{Rect, Size},
        input::{Button, Usage},
    },
};
use nearhand_tests::{
    Host, Technician, World,
    host::{FIRST, SIZE},
    viewer::rgb,
};
use nearhand_viewer::state::State;
use std::path::{Path, PathBuf};

/// A world with a technician, a host, and its code.
async fn begin() -> (World, Technician, Host, SessionCode) {
    let world = World::start().await;
    let technician = world.technician("Vera Example").await;
    let mut host = world.host();
    let code = host.code().await;
    (world, technician, host, code)
}

/// A session with view and control.
async fn session() -> (World, Host, Technicians) {
    let (world, technician, mut host, code) = begin().await;
    let mut window = Technicians::open(&world, &technician, Rights::VIEW | Rights::CONTROL);
    window.enters(&code.for_the_user()).await;
    allow(&mut host, &mut window, Rights::VIEW).await;
    allow(&mut host, &mut window, Rights::CONTROL).await;
    let given = window.words.v_given("Control");
    window.sees(&given).await;
    window.has_picture().await;
    (world, host, window)
}

async fn allow(host: &mut Host, window: &mut Technicians, right: Rights) {
    // The window must go on being drawn: its session waits for room for events.
    window.harness.step();
    host.allow(right).await;
}

/// Waits until exactly this was injected, in this order.
async fn injected(host: &Host, window: &mut Technicians, expected: &[Injected]) {
    let input = host.input.clone();
    let all = || (expected.len() <= input.injected().len()).then(|| input.injected());
    let seen = window.until(&format!("{expected:?} is injected"), |_| all()).await;
    assert_eq!(seen, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_from_code_to_end_by_keyboard_alone() {
    let (world, technician, mut host, code) = begin().await;
    let mut window = Technicians::open(&world, &technician, Rights::VIEW);
    let words = window.words.clone();
    let shown = code.for_the_user();
    let digits = shown.replace(' ', "");
    // Odd groups, and a slip in the last digit.
    let slip = (digits[11..].parse::<u8>().unwrap() + 1) % 10;
    window.sees(&words.v_code_missing(12)).await;
    window.types(&format!("{}-{}", &digits[..5], &digits[5..9]));
    window.sees(&words.v_code_missing(3)).await;
    window.types(&format!(" {}{slip}", &digits[9..11]));
    window.sees(words.v_code_slip()).await;
    // A slip is one once it is meant: a longer code passes through wrong ones while it is typed.
    window.key(Key::Enter);
    world.operator.recorded("the slip", |entry| entry.event == "code.mistyped").await;
    window.key(Key::Backspace);
    window.sees(words.v_code_missing_one()).await;
    window.types(&digits[11..]);
    window.sees(words.v_code_good()).await;
    let field = window.node(words.v_code_title());
    let fields = window.harness.query_all_by_label(words.v_code_title());
    assert!(
        field.is_some() && fields.into_iter().any(|field| field.value().as_deref() == Some(shown.as_str()))
    );
    window.key(Key::Enter);
    window.sees(&words.v_consent("desk-7")).await;
    window.sees(&words.v_announced("Vera Example", "Example Desk")).await;
    host.allow(Rights::VIEW).await;
    window.sees(words.v_view_only()).await;
    window.presses(words.v_ask_control()).await;
    window.sees(words.v_control_wait()).await;
    host.allow(Rights::CONTROL).await;
    window.has_picture().await;
    window.types("grüße");
    window.key(Key::Enter);
    window.key(Key::Tab);
    let key = |usage, down: bool| {
        if down { Injected::KeyDown(Usage(usage)) } else { Injected::KeyUp(Usage(usage)) }
    };
    let typed = [
        Injected::Text("grüße".into()),
        key(0x28, true),
        key(0x28, false),
        key(0x2b, true),
        key(0x2b, false),
    ];
    injected(&host, &mut window, &typed).await;
    window.leaves_picture();
    window.sees_beginning(words.v_not_typing()).await;
    window.types("not there");
    window.presses(words.v_note()).await;
    window.harness.step();
    window.harness.step();
    window.types("printer driver");
    window.key(Key::Enter);
    window.sees_beginning("The note stands in the record").await;
    window.has_picture().await;
    window.leaves_picture();
    window.presses(words.v_end()).await;
    window.sees(words.v_why_technician_left()).await;
    assert_eq!(host.input.injected().len(), typed.len(), "what was typed elsewhere stayed here");
    window.key(Key::Enter);
    window.sees(&words.v_code_missing(12)).await;
    world.operator.recorded("the note", |entry| entry.event == "note").await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_who_is_not_enrolled_gets_further_than_the_enrolment() {
    let world = World::start().await;
    let token = world.operator.add("Vera Example").await;
    let folder = world.folder().join("new");
    let mut window = Technicians::open_in(&folder, &world, Rights::VIEW, "");
    let words = window.words.clone();
    window.sees(words.v_enrol_title()).await;
    window.harness.step();
    window.types("127.0.0.1:4433");
    window.key(Key::Tab);
    window.sees(words.v_relay_no_key()).await;
    window.goes_to(words.v_enrol_relay()).await;
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    window.types(&world.relay().to_string());
    window.key(Key::Tab);
    window.types("wrong");
    window.key(Key::Enter);
    window.sees(words.v_why_bad_token()).await;
    window.goes_to(words.v_enrol_token()).await;
    window.harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    window.types(&token.0);
    window.key(Key::Enter);
    window.sees(&words.v_enrol_done("Vera Example", "Example Desk")).await;
    let state = State::open(Some(folder)).unwrap();
    assert_eq!(state.relay().unwrap(), Some(world.relay()));
    let mut host = world.host();
    let code = host.code().await;
    window.enters(&format!("The code: {}!", code.for_the_user())).await;
    host.asked(Rights::VIEW).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pause_yield_and_what_is_taken_back_are_said_and_nothing_stays() {
    let (world, mut host, mut window) = session().await;
    let words = window.words.clone();
    host.press(Press::Pause(true)).await;
    window.sees(words.v_paused()).await;
    assert!(window.node(&words.v_picture("desk-7")).is_none(), "no picture is left");
    window.types("unseen");
    host.press(Press::Pause(false)).await;
    window.has_picture().await;
    host.hands.touch();
    window.sees(words.v_yielded()).await;
    window.sees_no_more(words.v_yielded()).await;
    host.press(Press::Revoke(Rights::CONTROL)).await;
    window.sees(words.v_view_only()).await;
    window.sees(&words.v_revoked(words.v_right_control())).await;
    window.types("ignored");
    window.goes_to(words.v_scale_fit()).await;
    host.press(Press::Give(Rights::CONTROL)).await;
    window.has_picture().await;
    host.press(Press::Revoke(Rights::VIEW)).await;
    window.sees(words.v_no_view()).await;
    window.presses(words.v_ask_view()).await;
    window.sees(words.v_view_wait()).await;
    allow(&mut host, &mut window, Rights::VIEW).await;
    window.sees(&words.v_picture("desk-7")).await;
    assert_eq!(host.input.injected(), []);
    host.press(Press::Stop).await;
    window.sees(words.v_why_user_stopped()).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_mouse_hits_the_pixel_that_is_under_it_and_a_drag_stays_inside() {
    let (world, host, mut window) = session().await;
    let label = window.words.v_picture("desk-7");
    // What stood above the picture is gone, and it has moved up.
    (0..3).for_each(|_| window.harness.step());
    let rect = window.node(&label).unwrap().rect();
    let factor = rect.width() / f32::from(SIZE.width);
    assert_eq!(factor, factor.round(), "whole factors only");
    let at = |x: f32, y: f32| pos2(rect.min.x + (x + 0.5) * factor, rect.min.y + (y + 0.5) * factor);
    let press = |pos, pressed| Event::PointerButton {
        pos,
        button: PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    };
    for event in [
        Event::PointerMoved(at(40.0, 12.0)),
        press(at(40.0, 12.0), true),
        Event::PointerMoved(pos2(1_090.0, -5.0)),
        press(pos2(1_090.0, -5.0), false),
        Event::PointerMoved(at(7.0, 8.0)),
    ] {
        window.harness.event(event);
        window.harness.step();
    }
    window.harness.event(Event::MouseWheel {
        unit: MouseWheelUnit::Line,
        delta: vec2(0.0, 2.0),
        phase: TouchPhase::Move,
        source: MouseWheelSource::Wheel,
        modifiers: Modifiers::NONE,
    });
    let expected = [
        Injected::Pointer(40, 12),
        Injected::ButtonDown(Button::Left),
        Injected::Pointer(202, 0),
        Injected::ButtonUp(Button::Left),
        Injected::Pointer(7, 8),
        Injected::Wheel(0, -2),
    ];
    injected(&host, &mut window, &expected).await;
    // Held when the window loses the focus: let go.
    window.harness.event(press(at(7.0, 8.0), true));
    window.harness.step();
    window.harness.input_mut().focused = false;
    window.harness.event(Event::WindowFocused(false));
    let mut held = expected.to_vec();
    held.extend([Injected::ButtonDown(Button::Left), Injected::ButtonUp(Button::Left)]);
    injected(&host, &mut window, &held).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_screenshot_is_the_hosts_picture_pixel_for_pixel() {
    let (world, host, mut window) = session().await;
    host.screen.fill(FIRST, Rect { x: 9, y: 9, width: 60, height: 40 }, [200, 10, 90]);
    let wanted = rgb(&host.screen.pixels(FIRST));
    window.leaves_picture();
    let words = window.words.clone();
    let mut tries = 0;
    let file = loop {
        // The picture may still be on its way when the first one is taken.
        window.presses(if tries == 0 { words.v_shot() } else { words.v_shot_again() }).await;
        let said = window.sees_beginning("Saved as ").await;
        let file = PathBuf::from(said.trim_start_matches("Saved as "));
        let (size, pixels) = png(&file);
        assert_eq!(size, SIZE);
        if pixels == wanted {
            break file;
        }
        tries += 1;
        assert!(tries < 100, "{} is another picture", file.display());
    };
    assert_eq!(file.parent(), Some(world.folder().as_path()));
    assert!(file.file_name().unwrap().to_str().unwrap().starts_with("desk-7-20"));
    world.end().await;
}

fn png(file: &Path) -> (Size, Vec<u8>) {
    let decoder =
        png::Decoder::new(std::io::BufReader::new(std::fs::File::open(file).expect("the file is there")));
    let mut reader = decoder.read_info().expect("a PNG file");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
    let info = reader.next_frame(&mut pixels).expect("whole");
    let side = |length: u32| u16::try_from(length).expect("a side of a screen");
    (Size { width: side(info.width), height: side(info.height) }, pixels)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_relay_is_said_and_the_session_goes_on() {
    let (mut world, host, mut window) = session().await;
    let words = window.words.clone();
    world.stop_relay().await;
    window.sees(words.v_relay_lost()).await;
    world.start_relay().await;
    window.sees(words.v_relay_back()).await;
    window.sees_no_more(words.v_relay_lost()).await;
    window.types("still here");
    injected(&host, &mut window, &[Injected::Text("still here".into())]).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clipboards_are_joined_once_both_directions_are_given() {
    let (world, mut host, mut window) = session().await;
    let words = window.words.clone();
    window.board.copy("from before");
    host.board.copy("theirs from before");
    window.leaves_picture();
    window.presses(words.v_ask_clipboard()).await;
    window.sees(words.v_asked_clipboard()).await;
    allow(&mut host, &mut window, Rights::CLIPBOARD_IN).await;
    allow(&mut host, &mut window, Rights::CLIPBOARD_OUT).await;
    window.sees(words.v_clipboard_both()).await;
    let (listening, theirs) = (window.board.clone(), host.board.clone());
    window
        .until("both listen", |_| (listening.is_listened_to() && theirs.is_listened_to()).then_some(()))
        .await;
    window.board.copy("an answer");
    window.sees(&words.v_copied_in("9 B")).await;
    assert_eq!(host.board.content(), "an answer");
    host.board.copy("a question, longer");
    window.sees(&words.v_copied_out("18 B")).await;
    assert_eq!(window.board.content(), "a question, longer");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_refusal_says_why_and_leads_to_a_new_code() {
    let (world, technician, mut host, code) = begin().await;
    let number: u32 = std::str::from_utf8(code.secret.as_bytes()).unwrap().parse().unwrap();
    let secret = Secret::draw(((number + 1) % 1_000_000).to_be_bytes()).unwrap();
    let wrong = SessionCode { locator: code.locator, secret };
    let mut window = Technicians::open(&world, &technician, Rights::VIEW);
    let words = window.words.clone();
    for why in [words.v_why_wrong_code(), words.v_why_code_dead(), words.v_why_refused_twice()] {
        window.enters(&wrong.for_the_user()).await;
        window.sees(words.v_over_none()).await;
        window.sees(why).await;
        window.presses(words.v_new_code()).await;
    }
    window.enters(&code.for_the_user()).await;
    window.sees(words.v_why_no_such_code()).await;
    window.presses(words.v_new_code()).await;
    let new = host.code().await;
    window.enters(&new.for_the_user()).await;
    host.asked(Rights::VIEW).await;
    host.press(Press::Decline(Rights::VIEW)).await;
    window.sees(words.v_why_declined()).await;
    window.presses(words.v_new_code()).await;
    let new = host.code().await;
    window.enters(&new.for_the_user()).await;
    window.sees(&words.v_consent("desk-7")).await;
    window.presses(words.v_cancel()).await;
    window.sees(words.v_why_technician_left()).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_is_told_to_enrol() {
    let (world, _technician, _host, code) = begin().await;
    let stranger = Technician::stranger("Vito Example");
    let mut window = Technicians::open(&world, &stranger, Rights::VIEW);
    let words = window.words.clone();
    window.enters(&code.for_the_user()).await;
    window.sees(words.v_why_unknown_technician()).await;
    window.presses(words.v_enrol_again()).await;
    window.sees(words.v_enrol_title()).await;
    world.end().await;
}
