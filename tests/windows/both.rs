//! Two people, two windows: from the code that is shown to the session's end, by keyboard alone on both sides.

use crate::{person::Person, technician::Technicians};
use eframe::egui::{Key, vec2};
use nearhand_desktop::words::{Language, Words};
use nearhand_host::{
    inject::recorder::Injected,
    window::{Scene, Window},
};
use nearhand_proto::{code::SessionCode, rights::Rights, session::input::Usage};
use nearhand_tests::{Host, World};
use std::time::Instant;

async fn code(user: &mut Person<Window>) -> SessionCode {
    let shown = |window: &Window| match &window.state().scene {
        Scene::Code { code, .. } => Some(code.clone()),
        _ => None,
    };
    user.finds("a code", shown).await
}

/// Answers the question that stands, once it may be answered.
async fn answers(user: &mut Person<Window>, answer: &str) {
    user.sees(answer).await;
    user.finds("calm", |window| (!window.state().is_calm(Instant::now())).then_some(())).await;
    user.presses(answer).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_hold_a_session_from_code_to_end_without_a_mouse() {
    let world = World::start().await;
    let technician = world.technician("Vera Example").await;
    let (host, front) = Host::start_behind(world.relay(), |_| {});
    let words = Words::new(Language::En);
    let window = Window::new(front, words.clone());
    let mut user = Person::at(window, vec2(900.0, 700.0), |ui, window| window.ui(ui));
    let mut window = Technicians::open(&world, &technician, Rights::VIEW | Rights::CONTROL);

    let shown = code(&mut user).await;
    window.enters(&shown.for_the_user()).await;
    window.sees(&words.v_consent("desk-7")).await;
    answers(&mut user, words.allow_view()).await;
    window.sees(words.v_control_wait()).await;
    answers(&mut user, words.allow_control()).await;
    window.has_picture().await;
    window.types("hello");
    window.key(Key::Enter);
    let return_key = [Injected::KeyDown(Usage(0x28)), Injected::KeyUp(Usage(0x28))];
    let expected: Vec<_> = [Injected::Text("hello".into())].into_iter().chain(return_key).collect();
    window.until("what was typed", |_| (host.input.injected() == expected).then_some(())).await;
    user.presses(words.pause()).await;
    window.sees(words.v_paused()).await;
    user.presses(words.go_on()).await;
    window.has_picture().await;
    user.presses(words.stop()).await;
    window.sees(words.v_why_user_stopped()).await;
    user.sees(words.why_user_stopped()).await;

    window.presses(words.v_new_code()).await;
    user.presses(words.over_again()).await;
    let next = code(&mut user).await;
    assert!(next != shown);
    window.enters(&next.for_the_user()).await;
    answers(&mut user, words.decline()).await;
    window.sees(words.v_why_declined()).await;
    world.end().await;
}
