//! Stories of a run against a scripted session: what it sends, what it says, how it ends. The clock is paused, so
//! nothing really waits.

use super::{Commands, Outcome, Plan, StepError, parse, run};
use crate::messages::{Act, Command, Ends, Event, Stats, Telemetry, channels};
use nearhand_proto::{
    close::Close,
    ids::SessionId,
    rights::Rights,
    session::{
        control::RightsChange,
        geometry::{Monitor, MonitorId, Point, Size},
        screen::{Epoch, UpdateNo},
    },
    text::Name,
};
use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

const BOTH: Rights = Rights::VIEW.union(Rights::CONTROL);
const SIZE: Size = Size { width: 8, height: 4 };

struct Figures;

impl Telemetry for Figures {
    fn stats(&self) -> Stats {
        let rtt = Some(Duration::from_micros(1_500));
        Stats { session: Some(SessionId([1; 16])), quic_handshakes: 1, rtt, bytes_received: 99 }
    }
}

/// Standard output, kept.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Nobody reads.
struct Broken;

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The session's side, played by a story.
struct Played {
    ends: Ends,
    updates: u64,
}

impl Played {
    async fn tell(&self, event: Event) {
        self.ends.events.send(event).await.unwrap();
    }

    /// Paired, and the user says yes to these.
    async fn begin(&self, given: Rights) {
        self.tell(Event::Started { computer: Name::lossy("desk") }).await;
        self.tell(Event::Asking(Rights::VIEW)).await;
        for right in given.iter() {
            self.tell(Event::Rights { held: right | Rights::VIEW, why: RightsChange::Given }).await;
        }
    }

    /// The whole picture in one colour.
    async fn paint(&mut self, colour: [u8; 3], more: bool) {
        self.updates += 1;
        let [red, green, blue] = colour;
        let pixels = [red, green, blue, 0].repeat(32);
        let presented = self.ends.screen.show(Epoch(1), SIZE, &pixels, &[SIZE.rect()]);
        let (changed, monitor) = (vec![SIZE.rect()], MonitorId(7));
        let (epoch, update) = (Epoch(1), UpdateNo(self.updates));
        let (bytes, spent_us, decode_us, size) = (10, 2_000, 1_000, SIZE);
        let event = Event::Updated {
            epoch,
            monitor,
            size,
            update,
            more,
            changed,
            bytes,
            spent_us,
            decode_us,
            presented,
        };
        self.tell(event).await;
    }

    /// Takes commands until the end, and ends.
    async fn finish(mut self) -> Vec<Command> {
        let mut taken = Vec::new();
        while let Some(command) = self.ends.commands.recv().await {
            if let Command::Input(Act::Mark(mark)) = command {
                self.tell(Event::Acted(mark)).await;
                continue;
            }
            if command == Command::End {
                self.tell(Event::Ended(Close::TechnicianLeft)).await;
                break;
            }
            taken.push(command);
        }
        taken
    }
}

/// Runs `commands` (as of `--do`) while `play` plays the session. Returns how it ended, what was said, and what
/// `play` returned.
async fn story<T, F: Future<Output = T>>(
    commands: &str,
    play: impl FnOnce(Played) -> F,
) -> (Outcome, Vec<String>, T) {
    let (handle, ends) = channels(Arc::new(Figures));
    let plan = Plan { commands: Commands::script(parse::parts(commands).unwrap()), want: BOTH };
    let kept = Kept::default();
    let stop = CancellationToken::new();
    let (outcome, played) =
        tokio::join!(run(handle, plan, kept.clone(), stop), play(Played { ends, updates: 0 }));
    let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    (outcome, text.lines().map(str::to_owned).collect(), played)
}

fn has(said: &[String], part: &str) -> bool {
    said.iter().any(|line| line.contains(part))
}

#[tokio::test(start_paused = true)]
async fn a_script_waits_for_consent_and_picture_then_acts_and_ends() {
    let (outcome, said, sent) =
        story("click 3 2; type hi; stats; note all well", async |mut played: Played| {
            played.begin(BOTH).await;
            played.paint([1, 2, 3], false).await;
            let (mut first, mut marks) = (Vec::new(), Vec::new());
            while !matches!(first.last(), Some(Command::Note(_))) {
                let command = played.ends.commands.recv().await.unwrap();
                if let Command::Input(Act::Mark(mark)) = command {
                    marks.push(mark);
                    played.tell(Event::Acted(mark)).await;
                } else {
                    first.push(command);
                }
            }
            played.tell(Event::Noted { seq: 4 }).await;
            assert_eq!(marks, [1, 2], "each command waits until it is injected");
            assert_eq!(played.finish().await, []);
            first
        })
        .await;
    assert!(matches!(outcome, Outcome::Ended(Close::TechnicianLeft)), "{outcome:?}");
    assert_eq!(outcome.exit_code(), 0);
    assert_eq!(sent.len(), 5, "{sent:?}");
    assert_eq!(sent[0], Command::Input(Act::Pointer(Point { x: 3, y: 2 })));
    assert_eq!(sent[3], Command::Input(Act::Text("hi".into())));
    assert!(has(&said, r#""event":"picture","epoch":1,"monitor":null,"width":8,"height":4"#), "{said:?}");
    assert!(has(&said, r#""quic_handshakes":1,"rtt_ms":1.5,"updates":1,"bytes_received":99"#), "{said:?}");
    assert!(has(&said, r#"{"event":"done","line":4,"command":"note"}"#), "{said:?}");
    assert!(!has(&said, "all well") && !has(&said, "hi\""), "texts are not repeated");
}

#[tokio::test(start_paused = true)]
async fn settling_waits_for_quiet_and_for_what_is_known_to_come() {
    let (outcome, said, ()) =
        story("wait-settled 300; snapshot /nonexistent/a.png", async |mut played: Played| {
            played.begin(Rights::VIEW).await;
            for more in [false, false, true, false] {
                played.paint([9; 3], more).await;
                let pause = if more { 5_000 } else { 200 };
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
            played.finish().await;
        })
        .await;
    assert!(has(&said, r#"{"event":"settled","ms":5700}"#), "{said:?}");
    assert!(matches!(outcome, Outcome::Failed(StepError::File(_))), "{outcome:?}");
    assert_eq!(outcome.exit_code(), 18);
    assert!(has(&said, r#"{"event":"failed","line":2,"why":"can't write /nonexistent/a.png"#), "{said:?}");
}

#[tokio::test(start_paused = true)]
async fn a_picture_that_never_rests_is_unsettled_after_fifteen_seconds() {
    let (outcome, said, ()) = story("wait-settled", async |mut played: Played| {
        played.begin(Rights::VIEW).await;
        for at in 0..=150_u8 {
            played.paint([at; 3], false).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        played.finish().await;
    })
    .await;
    assert!(has(&said, r#"{"event":"unsettled","ms":15000}"#), "{said:?}");
    assert_eq!(outcome.exit_code(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_watched_pixel_is_told_as_it_changes() {
    let (_, said, ()) = story("watch 7 3; wait-settled 1000", async |mut played: Played| {
        played.begin(Rights::VIEW).await;
        played.paint([0, 0, 1], false).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        for colour in [[255, 0, 0], [255, 0, 0], [0, 255, 0]] {
            played.paint(colour, false).await;
        }
        played.finish().await;
    })
    .await;
    let watch: Vec<_> = said.iter().filter(|line| line.contains(r#""event":"watch","#)).collect();
    assert!(has(&said, r##"{"event":"watching","x":7,"y":3,"rgb":"#000001"}"##), "{said:?}");
    assert_eq!(watch.len(), 2, "{said:?}");
    assert!(watch[0].starts_with(r##"{"event":"watch","x":7,"y":3,"rgb":"#ff0000","t_ns":"##), "{watch:?}");
    assert!(watch[1].contains("#00ff00"), "{watch:?}");
}

#[tokio::test(start_paused = true)]
async fn without_the_right_nothing_is_sent() {
    let (outcome, said, sent) = story("move 1 1; end", async |mut played: Played| {
        played.begin(Rights::VIEW).await;
        played.paint([1; 3], false).await;
        played.tell(Event::Asking(Rights::CONTROL)).await;
        tokio::time::sleep(Duration::from_secs(50)).await;
        assert!(played.ends.commands.try_recv().is_err(), "sent while the user was being asked");
        played.tell(Event::Rights { held: Rights::VIEW, why: RightsChange::Declined }).await;
        played.finish().await
    })
    .await;
    assert!(matches!(outcome, Outcome::Failed(StepError::Missing(Rights::CONTROL))), "{outcome:?}");
    assert_eq!(outcome.exit_code(), 10);
    assert_eq!(sent, []);
    assert!(has(&said, "'control'"), "{said:?}");
}

#[tokio::test(start_paused = true)]
async fn a_point_outside_the_picture_is_refused() {
    let (outcome, ..) = story("drag 0 0 8 0", async |mut played: Played| {
        played.begin(BOTH).await;
        played.paint([1; 3], false).await;
        assert_eq!(played.finish().await, []);
    })
    .await;
    assert_eq!(outcome.to_string(), "8,0 is outside the picture of 8 x 4 pixels");
}

#[tokio::test(start_paused = true)]
async fn input_waits_while_the_relay_is_away() {
    let (outcome, _, ()) = story("key a", async |mut played: Played| {
        played.tell(Event::RelayLost).await;
        played.begin(BOTH).await;
        tokio::time::sleep(Duration::from_secs(9)).await;
        assert!(played.ends.commands.try_recv().is_err(), "sent into a lost connection");
        played.tell(Event::RelayBack).await;
        assert_eq!(played.finish().await.len(), 2);
    })
    .await;
    assert_eq!(outcome.exit_code(), 0);
}

#[tokio::test(start_paused = true)]
async fn another_monitor_is_named_by_its_number() {
    let play = async |mut played: Played| {
        played.begin(Rights::VIEW).await;
        let monitor = |id, name| {
            let (name, size) = (Name::lossy(name), SIZE);
            Monitor { id: MonitorId(id), name, left: 0, top: 0, size, primary: id == 3 }
        };
        played.tell(Event::Monitors(vec![monitor(3, "A"), monitor(7, "B")])).await;
        played.paint([1; 3], false).await;
        played.finish().await
    };
    let (outcome, said, sent) = story("monitor 2", play).await;
    assert_eq!((outcome.exit_code(), sent), (0, vec![Command::Watch(MonitorId(7))]));
    assert!(has(&said, r#""monitor":2,"width":8"#), "{said:?}");
    let (outcome, _, sent) = story("monitor 3", play).await;
    assert_eq!(
        (outcome.to_string().as_str(), sent.len()),
        ("there is no monitor 3; the computer has 2, counted from 1", 0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ends_by_itself_ends_the_run() {
    for (why, exit) in [(Close::UserStopped, 11), (Close::WrongCode, 5), (Close::Declined, 10)] {
        let (outcome, said, ()) =
            story("wait-settled", async |played: Played| played.tell(Event::Ended(why)).await).await;
        assert_eq!(outcome.exit_code(), exit);
        assert_eq!(outcome.to_string(), why.sentence());
        assert!(has(&said, &format!(r#"{{"event":"ended","exit":{exit},"#)), "{said:?}");
    }
    let (outcome, ..) = story("wait-settled", async |played: Played| drop(played)).await;
    assert!(matches!(outcome, Outcome::Ended(Close::Internal)), "a session that vanishes: {outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn being_stopped_ends_the_session() {
    let (handle, ends) = channels(Arc::new(Figures));
    let plan = Plan { commands: Commands::script(parse::parts("wait-settled").unwrap()), want: BOTH };
    let stop = CancellationToken::new();
    stop.cancel();
    let played = Played { ends, updates: 0 };
    let (outcome, sent) = tokio::join!(run(handle, plan, Kept::default(), stop), played.finish());
    assert_eq!((outcome.exit_code(), sent), (130, vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_goes_ends_the_session() {
    let (handle, ends) = channels(Arc::new(Figures));
    let plan = Plan { commands: Commands::script(Vec::new()), want: BOTH };
    let played = Played { ends, updates: 0 };
    let play = async {
        played.tell(Event::Connecting).await;
        played.finish().await
    };
    let (outcome, sent) = tokio::join!(run(handle, plan, Broken, CancellationToken::new()), play);
    assert!(matches!(outcome, Outcome::Output(_)), "{outcome:?}");
    assert_eq!(sent, []);
}

#[tokio::test(start_paused = true)]
async fn with_lines_a_failure_is_told_and_the_next_is_taken() {
    let (to, lines) = tokio::sync::mpsc::channel(4);
    let (handle, ends) = channels(Arc::new(Figures));
    let plan = Plan { commands: Commands::Lines(lines), want: BOTH };
    for (number, text) in ["fly", "move 99 99", "move 1 1"].into_iter().enumerate() {
        let next = parse::line(parse::Place::Line(number + 1), text);
        to.send(next.map(Option::unwrap)).await.unwrap();
    }
    drop(to);
    let kept = Kept::default();
    let mut played = Played { ends, updates: 0 };
    let play = async {
        played.begin(BOTH).await;
        played.paint([1; 3], false).await;
        played.finish().await
    };
    let (outcome, sent) = tokio::join!(run(handle, plan, kept.clone(), CancellationToken::new()), play);
    assert_eq!(outcome.exit_code(), 0);
    assert_eq!(sent, [Command::Input(Act::Pointer(Point { x: 1, y: 1 }))]);
    let said = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    assert_eq!(said.matches(r#""event":"failed""#).count(), 2, "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_text_is_done_when_it_is_on_the_users_clipboard() {
    let (outcome, said, ()) =
        story("ask clipboard-in; clipboard hi there; clipboard too late", async |mut played: Played| {
            played.begin(Rights::VIEW).await;
            assert_eq!(played.ends.commands.recv().await, Some(Command::Ask(Rights::CLIPBOARD_IN)));
            let held = Rights::VIEW | Rights::CLIPBOARD_IN;
            played.tell(Event::Rights { held, why: RightsChange::Given }).await;
            played.tell(Event::Clipboard("theirs".to_owned())).await;
            assert_eq!(played.ends.commands.recv().await, Some(Command::Clipboard("hi there".to_owned())));
            played.tell(Event::Clipped { bytes: 8 }).await;
            assert!(matches!(played.ends.commands.recv().await, Some(Command::Clipboard(_))));
            played.tell(Event::Rights { held: Rights::VIEW, why: RightsChange::Revoked }).await;
            played.finish().await;
        })
        .await;
    assert!(has(&said, r#"{"event":"clipboard","bytes":6,"text":"theirs"}"#), "{said:?}");
    assert!(has(&said, r#"{"event":"clipped","bytes":8}"#), "{said:?}");
    assert!(has(&said, r#"{"event":"done","line":2,"command":"clipboard"}"#), "{said:?}");
    assert!(!has(&said, "hi there"), "our own texts are not repeated");
    assert!(matches!(outcome, Outcome::Failed(StepError::Missing(Rights::CLIPBOARD_IN))), "{outcome:?}");
}
