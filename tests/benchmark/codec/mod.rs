//! The picture's codec alone: clips of real programs, through the host's encoder and the viewer's decoder, without a network. Every
//! frame is compared with what was recorded.

mod clip;

use self::clip::{Clip, Recording};
use crate::{
    machine::Machine,
    say,
    screen::{desk::Desk, work},
};
use anyhow::Context as _;
use nearhand_host::encode::{Encoder, Ending, Marks, Pixels};
use nearhand_proto::{
    net::LENGTH_BYTES,
    session::{
        geometry::MonitorId,
        screen::{Epoch, Screen},
    },
    wire,
};
use nearhand_viewer::decode::Decoder;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Map, Value, json};
use std::{io::Write as _, time::Duration};
use tokio::time::sleep;

/// The desktop's size, in pixels.
const SIZE: (u16, u16) = (1_920, 1_080);

/// What can be typed.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Times each clip is played; the cheapest counts
    #[arg(long, value_name = "N", default_value_t = 3)]
    plays: usize,
    /// Clips, comma separated; all if nothing is said
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Kind::Typing, Kind::Paging, Kind::Dragging, Kind::Switching, Kind::Pages, Kind::Film])]
    only: Vec<Kind>,
    /// One JSON object instead of a table
    #[arg(long)]
    json: bool,
}

/// A clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// Typing in a terminal
    Typing,
    /// Paging a long text in a terminal
    Paging,
    /// Dragging a window of coloured text in a circle
    Dragging,
    /// Switching between three windows
    Switching,
    /// A whole screen of something like text, new five times a second
    Pages,
    /// A whole screen of something like a film
    Film,
}

impl Kind {
    fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    async fn record(self) -> anyhow::Result<Clip> {
        let desk = Desk::start(SIZE).await?;
        desk.warp(5, 1_000)?;
        match self {
            Self::Pages => {
                let painter = desk.paint(&["page".to_owned(), "0,0,1920,1080".to_owned()]).await?;
                let recording = Recording::start(&desk.display)?;
                let mut pressed = Ok(());
                for _ in 0..15 {
                    sleep(Duration::from_millis(200)).await;
                    pressed = pressed.and_then(|()| desk.press());
                }
                drop(painter);
                let clip = recording.stop();
                pressed.and(clip)
            }
            Self::Film => {
                let painter = desk.paint(&["move".to_owned(), "60".to_owned(), "5".to_owned()]).await?;
                let recording = Recording::start(&desk.display)?;
                sleep(Duration::from_secs(3)).await;
                drop(painter);
                recording.stop()
            }
            _ => {
                work::script(&desk, &["setup"]).await?;
                sleep(Duration::from_millis(500)).await;
                let recording = Recording::start(&desk.display)?;
                let done = work::script(&desk, &["run", &self.name()]).await;
                let clip = recording.stop()?;
                done?;
                work::script(&desk, &["teardown"]).await?;
                Ok(clip)
            }
        }
    }
}

/// Of one clip.
#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    frames: f64,
    /// Bytes of the first, whole picture.
    first_kb: f64,
    kbit_s: f64,
    /// Shares of a core.
    encode_percent: f64,
    decode_percent: f64,
    /// Processor time of the dearest frame but the first.
    worst_encode_ms: f64,
    worst_decode_ms: f64,
}

/// Records, plays and prints.
///
/// # Errors
/// If something could not be recorded, or comes out as another picture.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let machine = Machine::look().await?;
    let mut rows = Vec::new();
    for kind in &args.only {
        say(&kind.name());
        let clip = kind.record().await.with_context(|| kind.name())?;
        let plays = (0..args.plays.max(1)).map(|_| play(&clip)).collect::<anyhow::Result<Vec<_>>>()?;
        let cheapest =
            plays.into_iter().min_by(|one, other| one.encode_percent.total_cmp(&other.encode_percent));
        rows.push((kind.name(), cheapest.unwrap_or_default()));
    }
    let mut out = std::io::stdout();
    if args.json {
        let clips: Map<_, _> = rows.iter().map(|(name, figures)| (name.clone(), figures.json())).collect();
        writeln!(out, "{}", json!({"clips": clips, "machine": machine.json()}))?;
        return Ok(());
    }
    writeln!(
        out,
        "| clip | frames | first picture, kB | kbit/s | encoding, % of a core | worst frame, ms | decoding, % of a core | worst frame, ms |"
    )?;
    writeln!(out, "|---|---|---|---|---|---|---|---|")?;
    for (name, f) in rows {
        writeln!(
            out,
            "| {name} | {:.0} | {:.0} | {:.0} | {:.1} | {:.1} | {:.1} | {:.1} |",
            f.frames,
            f.first_kb,
            f.kbit_s,
            f.encode_percent,
            f.worst_encode_ms,
            f.decode_percent,
            f.worst_decode_ms
        )?;
    }
    writeln!(out, "\n{}", machine.line())?;
    Ok(())
}

impl Figures {
    fn json(self) -> Value {
        json!({
            "frames": self.frames,
            "first_kb": self.first_kb,
            "kbit_s": self.kbit_s,
            "encode_percent": self.encode_percent,
            "worst_encode_ms": self.worst_encode_ms,
            "decode_percent": self.decode_percent,
            "worst_decode_ms": self.worst_decode_ms,
        })
    }
}

fn play(clip: &Clip) -> anyhow::Result<Figures> {
    let (mut encoder, open) = Encoder::open(MonitorId(1), Epoch(1), clip.size)?;
    let mut decoder = Decoder::open(&open)?;
    let mut figures = Figures::default();
    let (mut encoding, mut decoding, mut bytes) = (0.0, 0.0, 0.0);
    let stride = 4 * usize::from(clip.size.width);
    let mut number = 0_u32;
    let mut before = Vec::new();
    clip.play(|screen, areas| {
        let (mut marks, frame) = (Marks::none(clip.size), Pixels::new(screen, stride, clip.size)?);
        areas.iter().for_each(|area| marks.mark(*area));
        let mut messages = Vec::new();
        let began = used();
        let ending = &mut || Ending { more: false, spent: Duration::ZERO };
        encoder.encode(&frame, &marks, ending, &mut |message| messages.push(wire::encode(&message)))?;
        let encode = used() - began;
        let sent: usize = messages.iter().map(|message| LENGTH_BYTES + message.len()).sum();
        // What has not changed is not sent, and has to be what was sent before.
        let mut decode = 0.0;
        let unchanged = messages.is_empty();
        for message in &messages {
            let began = used();
            let shown = decoder.handle(wire::decode::<Screen>(message)?)?;
            decode += used() - began;
            if let Some(shown) = shown {
                anyhow::ensure!(
                    is_same(shown.picture.pixels(), screen),
                    "frame {number} comes out as another picture"
                );
            }
        }
        anyhow::ensure!(
            !unchanged || is_same_screen(&before, screen),
            "frame {number} is not sent though it has changed"
        );
        before.clear();
        before.extend_from_slice(screen);
        let sent = f64::from(u32::try_from(sent)?);
        if number == 0 {
            figures.first_kb = sent / 1e3;
        } else {
            (encoding, decoding, bytes) = (encoding + encode, decoding + decode, bytes + sent);
            figures.worst_encode_ms = figures.worst_encode_ms.max(encode * 1e3);
            figures.worst_decode_ms = figures.worst_decode_ms.max(decode * 1e3);
        }
        number += 1;
        Ok(())
    })?;
    let seconds = clip.length.as_secs_f64();
    figures.frames = f64::from(u32::try_from(clip.len())?);
    figures.kbit_s = bytes * 8.0 / 1e3 / seconds;
    figures.encode_percent = encoding * 100.0 / seconds;
    figures.decode_percent = decoding * 100.0 / seconds;
    Ok(figures)
}

/// Two BGRX screens with the same colours.
fn is_same_screen(one: &[u8], other: &[u8]) -> bool {
    let same = |(one, other): (&[u8; 4], &[u8; 4])| one[..3] == other[..3];
    one.len() == other.len() && one.as_chunks::<4>().0.iter().zip(other.as_chunks::<4>().0).all(same)
}

/// RGBA and BGRX with the same colours.
fn is_same(shown: &[u8], screen: &[u8]) -> bool {
    let same = |(shown, [blue, green, red, _]): (&[u8; 4], &[u8; 4])| shown[..3] == [*red, *green, *blue];
    shown.as_chunks::<4>().0.iter().zip(screen.as_chunks::<4>().0).all(same)
}

/// Processor time of this thread, in seconds.
fn used() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
        .as_secs_f64()
}
