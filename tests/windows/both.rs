//! Two people, two windows: from the code that is shown to the session's end, by keyboard alone on both sides.

use crate::{host::user, technician::Technicians};
use eframe::egui::Key;
use nearhand_desktop::words::{Language, Words};
use nearhand_host::inject::recorder::Injected;
use nearhand_proto::{rights::Rights, session::input::Usage};
use nearhand_tests::{Host, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_hold_a_session_from_code_to_end_without_a_mouse() {
    let world = World::start().await;
    let technician = world.technician("Vera Example").await;
    let (host, front) = Host::start_behind(world.relay(), |_| {});
    let words = Words::new(Language::En);
    let mut user = user(front);
    let mut window = Technicians::open(&world, &technician, Rights::VIEW | Rights::CONTROL);

    let shown = user.code().await;
    window.enters(&shown.for_the_user()).await;
    window.sees(&words.v_consent("desk-7")).await;
    user.answers(words.allow_view()).await;
    window.sees(words.v_control_wait()).await;
    user.answers(words.allow_control()).await;
    window.sees(&words.v_given("Control")).await;
    window.has_picture().await;
    window.types("hello");
    window.key(Key::Enter);
    let return_key = [Injected::KeyDown(Usage(0x28)), Injected::KeyUp(Usage(0x28))];
    let expected: Vec<_> = [Injected::Text("hello".into())].into_iter().chain(return_key).collect();
    window.until("what was typed", |_| (host.input.injected() == expected).then_some(())).await;
    user.presses(words.pause()).await;
    window.sees(words.v_paused()).await;
    user.gives(words.go_on()).await;
    window.has_picture().await;
    user.presses(words.stop()).await;
    window.sees(words.v_why_user_stopped()).await;
    user.sees(words.why_user_stopped()).await;

    window.presses(words.v_new_code()).await;
    user.presses(words.over_again()).await;
    let next = user.code().await;
    assert!(next != shown);
    window.enters(&next.for_the_user()).await;
    user.answers(words.decline()).await;
    window.sees(words.v_why_declined()).await;
    world.end().await;
}
