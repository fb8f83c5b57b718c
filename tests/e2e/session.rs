//! The main job: a picture that is exact, and input that arrives as it was sent.

use nearhand_host::inject::recorder::Injected;
use nearhand_proto::{
    close::Close,
    rights::Rights,
    session::{
        control::RightsChange,
        geometry::{MonitorId, Point, Rect, Size},
        input::{Button, Usage},
    },
};
use nearhand_tests::{World, eventually, host::FIRST, world::consent};
use nearhand_viewer::messages::{Act, Command, Event};

#[tokio::test]
async fn every_change_of_the_screen_arrives_exactly() {
    let world = World::start().await;
    let (host, viewer) = world.pair().await;
    for (at, area) in [(0, 0, 203, 151), (0, 0, 1, 1), (202, 150, 1, 1), (63, 63, 67, 3), (17, 0, 129, 151)]
        .into_iter()
        .enumerate()
    {
        let (x, y, width, height) = area;
        let area = Rect { x, y, width, height };
        let colour = [10 * u8::try_from(at).unwrap(), 200, 3];
        host.screen.fill(FIRST, area, colour);
        viewer.shows(&host, FIRST).await;
        assert_eq!(viewer.screen.pixel(Point { x, y }), Some(colour));
    }
    let noise: Vec<u8> =
        (0..203_u32 * 151 * 4).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    host.screen.put(FIRST, Rect { x: 0, y: 0, width: 203, height: 151 }, &noise);
    viewer.shows(&host, FIRST).await;
    assert_eq!(viewer.snapshot().size, Size { width: 203, height: 151 });
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    world.end().await;
}

#[tokio::test]
async fn a_screen_that_changes_its_size_goes_on() {
    let world = World::start().await;
    let (host, mut viewer) = world.pair().await;
    for size in
        [Size { width: 97, height: 301 }, Size { width: 1_367, height: 769 }, Size { width: 64, height: 64 }]
    {
        host.screen.resize(&[size]);
        host.screen.fill(FIRST, Rect { x: 5, y: 7, width: 31, height: 29 }, [9, 8, 7]);
        viewer.shows(&host, FIRST).await;
        assert_eq!(viewer.snapshot().size, size);
    }
    let session = viewer.session().await;
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    let watched = |entry: &nearhand_tests::Entry| {
        entry.of(session) && entry.event == "monitor.watched" && entry.fields["width"] == 1_367
    };
    world.operator.recorded("the size that was watched", watched).await;
    world.end().await;
}

#[tokio::test]
async fn another_monitor_is_shown_when_the_technician_chooses_it() {
    let world = World::start().await;
    let technician = world.technician("Vera Example").await;
    let mut host = world.host();
    host.screen.resize(&[Size { width: 203, height: 151 }, Size { width: 99, height: 77 }]);
    host.screen.fill(MonitorId(1), Rect { x: 0, y: 0, width: 99, height: 77 }, [1, 2, 3]);
    let code = host.code().await;
    let mut viewer = world.viewer(&technician, &code);
    consent(&mut host, &mut viewer).await;
    viewer.send(Command::Watch(MonitorId(1))).await;
    viewer.shows(&host, MonitorId(1)).await;
    viewer.hears_picture_of(MonitorId(1)).await;
    viewer.click(3, 4).await;
    let clicked =
        [Injected::Pointer(203 + 3, 4), Injected::ButtonDown(Button::Left), Injected::ButtonUp(Button::Left)];
    injected(&host, &clicked).await;
    viewer.send(Command::Watch(FIRST)).await;
    viewer.shows(&host, FIRST).await;
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    world.end().await;
}

#[tokio::test]
async fn input_arrives_as_it_was_sent() {
    let world = World::start().await;
    let (host, viewer) = world.pair().await;
    viewer.click(40, 12).await;
    viewer.act(Act::Wheel { x: -1, y: 3 }).await;
    viewer.key(0xe0, true).await;
    viewer.key(0x06, true).await;
    viewer.key(0x06, false).await;
    viewer.key(0xe0, false).await;
    viewer.types("grüße, 100 € ~ \\").await;
    let expected = [
        Injected::Pointer(40, 12),
        Injected::ButtonDown(Button::Left),
        Injected::ButtonUp(Button::Left),
        Injected::Wheel(-1, 3),
        Injected::KeyDown(Usage(0xe0)),
        Injected::KeyDown(Usage(0x06)),
        Injected::KeyUp(Usage(0x06)),
        Injected::KeyUp(Usage(0xe0)),
        Injected::Text("grüße, 100 € ~ \\".into()),
    ];
    injected(&host, &expected).await;
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    world.end().await;
}

#[tokio::test]
async fn a_click_is_refused_until_the_user_allows_control() {
    let world = World::start().await;
    let technician = world.technician("Vera Example").await;
    let mut host = world.host();
    let code = host.code().await;
    let mut config = technician.config(world.relay(), &code);
    config.want = Rights::VIEW;
    let mut viewer = nearhand_tests::Viewer::start(config);
    host.allow(Rights::VIEW).await;
    viewer.holds(Rights::VIEW, RightsChange::Given).await;
    viewer.shows(&host, FIRST).await;
    viewer.click(40, 12).await;
    viewer.hears(Event::NeedsRight(Rights::CONTROL)).await;
    viewer.types("too early").await;
    viewer.note("asking for control").await;
    viewer.send(Command::Ask(Rights::CONTROL)).await;
    host.allow(Rights::CONTROL).await;
    viewer.holds(Rights::VIEW | Rights::CONTROL, RightsChange::Given).await;
    viewer.types("now").await;
    injected(&host, &[Injected::Text("now".into())]).await;
    let told = viewer.events.all().iter().filter(|event| matches!(event, Event::NeedsRight(_))).count();
    assert_eq!(told, 1, "said once, until rights change");
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    world.end().await;
}

/// Waits until exactly this has been injected, and nothing else.
pub(crate) async fn injected(host: &nearhand_tests::Host, expected: &[Injected]) {
    let complete = || (expected.len() <= host.input.injected().len()).then(|| host.input.injected());
    let seen = eventually(&format!("{expected:?} is injected"), complete).await;
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_mark_comes_back_once_everything_before_it_is_injected() {
    let world = World::start().await;
    let (host, mut viewer) = world.pair().await;
    let text = "x".repeat(1_000);
    viewer.types(&text).await;
    viewer.act(Act::Mark(7)).await;
    viewer.hears(Event::Acted(7)).await;
    let typed: usize = host
        .input
        .injected()
        .iter()
        .map(|done| if let Injected::Text(text) = done { text.len() } else { 0 })
        .sum();
    assert_eq!(typed, text.len());
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    world.end().await;
}
