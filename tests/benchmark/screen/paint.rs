//! What is looked at: X programs that repaint an area whenever a key is pressed, or the whole screen all the time. They
//! do the same work as the `flip` and `anim` of the peers' drivers.

use anyhow::Context as _;
use std::{
    io::Write as _,
    thread,
    time::{Duration, Instant},
};
use x11rb::{
    connection::Connection as _,
    protocol::{
        Event,
        xproto::{
            ConnectionExt as _, CreateGCAux, CreateWindowAux, EventMask, Gcontext, ImageFormat, InputFocus,
            Pixmap, Rectangle, Screen, Segment, Window, WindowClass,
        },
    },
    rust_connection::RustConnection,
    wrapper::ConnectionExt as _,
};

/// The two colours that an area flips between.
pub(super) const COLOURS: [[u8; 3]; 2] = [[255, 0, 0], [0, 0, 255]];

/// Side of the block at the top left of a moving screen whose colour is the frame's number.
const BLOCK: u16 = 64;

/// Different frames of a moving screen.
const FRAMES: u32 = 12;

/// What can be typed.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum What {
    /// Flips between red and blue whenever a key is pressed
    Flip {
        /// Left, top, width, height
        #[arg(value_delimiter = ',', required = true)]
        place: Vec<u16>,
    },
    /// The same with two pages of something like text, whose corners and centre are red or blue
    Page {
        /// Left, top, width, height
        #[arg(value_delimiter = ',', required = true)]
        place: Vec<u16>,
    },
    /// Changes the whole screen all the time
    Move {
        /// Frames a second
        rate: u32,
        /// Seconds
        seconds: u64,
    },
}

/// Paints until the X server ends or the time is over; says `ready` once there is something to see.
///
/// # Errors
/// If the X server refuses something.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    match &args.what {
        What::Flip { place } => flip(place, false),
        What::Page { place } => flip(place, true),
        What::Move { rate, seconds } => moves(*rate, Duration::from_secs(*seconds)),
    }
}

struct Canvas {
    connection: RustConnection,
    screen: Screen,
    window: Window,
    ink: Gcontext,
    width: u16,
    height: u16,
}

impl Canvas {
    /// A window above all others, which no window manager frames.
    fn open(left: u16, top: u16, size: Option<(u16, u16)>) -> anyhow::Result<Self> {
        let (connection, number) = x11rb::connect(None).context("no X server")?;
        let screen = connection.setup().roots[number].clone();
        let (width, height) = size.unwrap_or((screen.width_in_pixels, screen.height_in_pixels));
        let (window, ink) = (connection.generate_id()?, connection.generate_id()?);
        let events = EventMask::KEY_PRESS | EventMask::EXPOSURE;
        let look = CreateWindowAux::new().override_redirect(1).background_pixel(0).event_mask(events);
        let (left, top) = (i16::try_from(left)?, i16::try_from(top)?);
        connection.create_window(
            0,
            window,
            screen.root,
            left,
            top,
            width,
            height,
            0,
            WindowClass::INPUT_OUTPUT,
            0,
            &look,
        )?;
        connection.create_gc(ink, window, &CreateGCAux::new().graphics_exposures(0))?;
        connection.map_window(window)?;
        connection.sync()?;
        Ok(Self { connection, screen, window, ink, width, height })
    }

    fn pixmap(&self) -> anyhow::Result<Pixmap> {
        let pixmap = self.connection.generate_id()?;
        let depth = self.screen.root_depth;
        self.connection.create_pixmap(depth, pixmap, self.window, self.width, self.height)?;
        Ok(pixmap)
    }

    fn fill(
        &self,
        on: Pixmap,
        colour: u32,
        (x, y): (u16, u16),
        (width, height): (u16, u16),
    ) -> anyhow::Result<()> {
        let area = Rectangle { x: i16::try_from(x)?, y: i16::try_from(y)?, width, height };
        self.connection
            .change_gc(self.ink, &x11rb::protocol::xproto::ChangeGCAux::new().foreground(colour))?;
        self.connection.poly_fill_rectangle(on, self.ink, &[area])?;
        Ok(())
    }

    fn show(&self, pixmap: Pixmap) -> anyhow::Result<()> {
        let (width, height) = (self.width, self.height);
        self.connection.copy_area(pixmap, self.window, self.ink, 0, 0, 0, 0, width, height)?;
        Ok(())
    }

    fn focus(&self) -> anyhow::Result<()> {
        self.connection.set_input_focus(InputFocus::POINTER_ROOT, self.window, x11rb::CURRENT_TIME)?;
        Ok(())
    }
}

fn flip(place: &[u16], page: bool) -> anyhow::Result<()> {
    let [left, top, width, height] = *place else { anyhow::bail!("a place has four numbers") };
    let canvas = Canvas::open(left, top, Some((width, height)))?;
    let mut random = 12_345;
    let mut faces = [0; 2];
    for (face, [red, green, blue]) in faces.iter_mut().zip(COLOURS) {
        let colour = u32::from_be_bytes([0, red, green, blue]);
        *face = canvas.pixmap()?;
        canvas.fill(*face, if page { 0xff_ffff } else { colour }, (0, 0), (width, height))?;
        if page {
            write_page(&canvas, *face, &mut random)?;
            canvas.fill(*face, colour, (0, 0), (16, 16))?;
            canvas.fill(*face, colour, (width - 16, height - 16), (16, 16))?;
            canvas.fill(*face, colour, (width / 2 - 16, height / 2 - 16), (32, 32))?;
        }
    }
    let mut shown = 0;
    canvas.show(faces[shown])?;
    canvas.focus()?;
    canvas.connection.sync()?;
    ready()?;
    loop {
        match canvas.connection.wait_for_event()? {
            Event::KeyPress(_) => shown = 1 - shown,
            Event::Expose(_) => canvas.focus()?,
            _ => continue,
        }
        canvas.show(faces[shown])?;
        canvas.connection.flush()?;
    }
}

/// Marks like letters, in cells of 8 × 16 pixels.
fn write_page(canvas: &Canvas, on: Pixmap, random: &mut u32) -> anyhow::Result<()> {
    let step = |bits: u32| bits.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    let part = |bits: u32, shift: u32| i16::try_from((bits >> shift) & 7).unwrap_or(0);
    let mut strokes = Vec::new();
    for y in (0..canvas.height.saturating_sub(16)).step_by(16) {
        for x in (0..canvas.width.saturating_sub(8)).step_by(8) {
            *random = step(*random);
            if *random >> 28 < 3 {
                continue;
            }
            let (x, y, mut bits) = (i16::try_from(x)?, i16::try_from(y)?, *random);
            for _ in 0..4 {
                strokes.push(Segment {
                    x1: x + part(bits, 0) % 7,
                    y1: y + 2 + part(bits, 3),
                    x2: x + part(bits, 6) % 7,
                    y2: y + 4 + part(bits, 9),
                });
                bits = step(bits).rotate_right(7);
            }
        }
    }
    canvas.fill(on, 0x10_1010, (0, 0), (0, 0))?;
    for strokes in strokes.chunks(4_096) {
        canvas.connection.poly_segment(on, canvas.ink, strokes)?;
    }
    Ok(())
}

fn moves(rate: u32, length: Duration) -> anyhow::Result<()> {
    let canvas = Canvas::open(0, 0, None)?;
    let frames = (0..FRAMES).map(|number| frame(&canvas, number)).collect::<anyhow::Result<Vec<_>>>()?;
    canvas.connection.sync()?;
    ready()?;
    let (began, step) = (Instant::now(), Duration::from_secs(1) / rate.max(1));
    let mut number = 0;
    while began.elapsed() < length {
        let due = step * number;
        match due.checked_sub(began.elapsed()) {
            Some(early) => thread::sleep(early),
            // Too late: go on with the frame that is due now.
            None if step / 2 < began.elapsed() - due => {
                number = u32::try_from(began.elapsed().as_nanos() / step.as_nanos())?;
            }
            None => {}
        }
        let frame = frames[usize::try_from(number % FRAMES)?];
        // Painted out of sight first, so that nobody ever sees a frame without its number.
        canvas.fill(frame, code(number), (0, 0), (BLOCK, BLOCK))?;
        canvas.show(frame)?;
        canvas.connection.sync()?;
        number += 1;
    }
    Ok(())
}

/// A smooth pattern with fine noise, as in a film.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a pattern"
)]
fn frame(canvas: &Canvas, number: u32) -> anyhow::Result<Pixmap> {
    let (width, height) = (usize::from(canvas.width), usize::from(canvas.height));
    let phase = std::f32::consts::TAU * number as f32 / FRAMES as f32;
    let wave = |length: usize, period: f32, phase: f32| -> Vec<u32> {
        (0..length).map(|at| 100.0f32.mul_add((at as f32 / period + phase).sin(), 128.0) as u32).collect()
    };
    let columns = wave(width, 97.0, phase);
    let rows = wave(height, 61.0, -phase);
    let diagonals = wave(width + height, 131.0, 2.0 * phase);
    let mut noise = number * 7_919 + 1;
    let mut pixels = Vec::with_capacity(4 * width * height);
    for (y, row) in rows.iter().enumerate() {
        for (x, column) in columns.iter().enumerate() {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let grain = noise >> 29;
            let colour = (column + grain) << 16 | (row + grain) << 8 | (diagonals[x + y] + grain);
            pixels.extend_from_slice(&colour.to_ne_bytes());
        }
    }
    let (pixmap, depth, format) = (canvas.pixmap()?, canvas.screen.root_depth, ImageFormat::Z_PIXMAP);
    let rows = (64 << 10) / (4 * width);
    for (top, part) in (0..).step_by(rows).zip(pixels.chunks(4 * width * rows)) {
        let high = u16::try_from(part.len() / (4 * width))?;
        let put = canvas.connection.put_image(
            format,
            pixmap,
            canvas.ink,
            canvas.width,
            high,
            0,
            top,
            0,
            depth,
            part,
        );
        put?;
    }
    Ok(pixmap)
}

/// A frame's number as a colour: four bits a channel, in the middle of their range, so that lossy codecs keep them apart.
fn code(number: u32) -> u32 {
    let part = |shift: u32| ((number >> shift) & 15) * 16 + 8;
    part(0) << 16 | part(4) << 8 | part(8)
}

fn ready() -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "ready")?;
    Ok(out.flush()?)
}
