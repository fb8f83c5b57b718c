//! Watches the user on X11, without holding anything up: XInput2 shows raw events of all devices, grabs or not.
//!
//! An event of a real device is the user's. One of the XTEST devices is the user's unless the host has injected it
//! ([`Echoes`]): programs may play the user. Key repeat makes no raw events, so a key that is held injected stays
//! the technician's. Two threads, asleep until the X server has something to say: this one, and that of `warps`.

mod keys;
mod warps;

use self::keys::StopKey;
use super::{
    Touches, WatchError, Watcher,
    echo::{Echo, Echoes},
};
use rustix::net::{Shutdown, shutdown};
use std::{
    collections::HashMap,
    io,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};
use x11rb::{
    connection::Connection as _,
    errors::{ConnectError, ConnectionError, ReplyError, ReplyOrIdError},
    protocol::{
        Event,
        xinput::{self, ConnectionExt as _, DeviceId, Fp3232, RawMotionEvent, XIEventMask},
    },
    rust_connection::RustConnection,
};

/// A hand in motion is told this often at most; short against the time that the technician's input rests.
const GRAIN: Duration = Duration::from_millis(50);

/// Watches the user at `display` (`None`: `$DISPLAY`), except for what is expected in `echoes`.
pub fn watch(
    display: Option<String>,
    echoes: Echoes,
) -> impl Fn(Touches) -> Result<Watcher, WatchError> + Send + Sync + 'static {
    move |touches| {
        let eyes = Eyes::open(display.as_deref(), echoes.clone(), touches.clone())?;
        let mut threads = Threads(vec![eyes.connection.clone()]);
        threads.0.extend(warps::watch(display.as_deref(), touches)?);
        thread::Builder::new().name("user".to_owned()).spawn(move || eyes.run())?;
        Ok(Box::new(threads) as Watcher)
    }
}

/// The connections that the threads wait on. A thread whose connection is shut ends at once.
struct Threads(Vec<Arc<RustConnection>>);

impl Drop for Threads {
    fn drop(&mut self) {
        for connection in &self.0 {
            // Fails only if the X server has gone, and then the thread has ended as well.
            let _ = shutdown(connection.stream(), Shutdown::Both);
        }
    }
}

/// Tells what the user does, not too often.
struct Hand {
    touches: Touches,
    told: Option<Instant>,
}

impl Hand {
    fn touch(&mut self) {
        let now = Instant::now();
        if self.told.is_none_or(|at| at + GRAIN <= now) {
            self.told = Some(now);
            self.touches.touch();
        }
    }
}

struct Eyes {
    connection: Arc<RustConnection>,
    echoes: Echoes,
    hand: Hand,
    stop_key: StopKey,
    /// Which devices are XTEST's, as far as they have been heard of.
    xtest: HashMap<DeviceId, bool>,
}

impl Eyes {
    fn open(display: Option<&str>, echoes: Echoes, touches: Touches) -> Result<Self, WatchError> {
        let (connection, root) = connect(display)?;
        let version = connection.xinput_xi_query_version(2, 2)?.reply()?;
        if (version.major_version, version.minor_version) < (2, 2) {
            return Err(WatchError("the X server's XInput extension is older than 2.2".to_owned()));
        }
        let mask = XIEventMask::RAW_KEY_PRESS
            | XIEventMask::RAW_KEY_RELEASE
            | XIEventMask::RAW_BUTTON_PRESS
            | XIEventMask::RAW_BUTTON_RELEASE
            | XIEventMask::RAW_MOTION
            | XIEventMask::RAW_TOUCH_BEGIN
            | XIEventMask::RAW_TOUCH_UPDATE
            | XIEventMask::RAW_TOUCH_END;
        let all = xinput::EventMask { deviceid: xinput::Device::ALL_MASTER.into(), mask: vec![mask] };
        connection.xinput_xi_select_events(root, &[all])?.check()?;
        let hand = Hand { touches, told: None };
        let stop_key = StopKey::default();
        Ok(Self { connection: Arc::new(connection), echoes, hand, stop_key, xtest: HashMap::new() })
    }

    fn run(mut self) {
        let error = loop {
            let seen = self.connection.wait_for_event().map_err(ReplyError::from);
            if let Err(error) = seen.and_then(|event| self.handle(&event)) {
                break error;
            }
        };
        // Nobody listens if it was the session that ended.
        tracing::debug!(%error, "the user is no longer watched");
        self.hand.touches.lost();
    }

    fn handle(&mut self, event: &Event) -> Result<(), ReplyError> {
        match event {
            Event::XinputRawMotion(motion) => {
                self.own(motion.sourceid, aimed_at(motion))?;
            }
            Event::XinputRawButtonPress(press) => {
                self.own(press.sourceid, button(press.detail, true))?;
            }
            Event::XinputRawButtonRelease(release) => {
                self.own(release.sourceid, button(release.detail, false))?;
            }
            Event::XinputRawKeyPress(press) => self.key(press.sourceid, press.detail, true)?,
            Event::XinputRawKeyRelease(release) => self.key(release.sourceid, release.detail, false)?,
            Event::XinputRawTouchBegin(_) | Event::XinputRawTouchUpdate(_) | Event::XinputRawTouchEnd(_) => {
                self.hand.touch()
            }
            Event::MappingNotify(_) => self.stop_key.forget_map(),
            _ => {}
        }
        Ok(())
    }

    /// True, and told, if this is the user's own.
    fn own(&mut self, source: DeviceId, echo: Echo) -> Result<bool, ReplyError> {
        let own = !(self.is_xtest(source)? && self.echoes.is_ours(echo));
        if own {
            self.hand.touch();
        }
        Ok(own)
    }

    fn key(&mut self, source: DeviceId, keycode: u32, down: bool) -> Result<(), ReplyError> {
        let keycode = u8::try_from(keycode).unwrap_or_default(); // X11 has none beyond 255
        if self.own(source, Echo::Key { keycode, down })?
            && self.stop_key.handle(&self.connection, keycode, down)?
        {
            self.hand.touches.stop();
        }
        Ok(())
    }

    fn is_xtest(&mut self, device: DeviceId) -> Result<bool, ReplyError> {
        if let Some(known) = self.xtest.get(&device) {
            return Ok(*known);
        }
        let is_xtest = match self.connection.xinput_xi_query_device(device)?.reply() {
            Ok(reply) => reply
                .infos
                .iter()
                .any(|info| info.name.ends_with(b"XTEST pointer") || info.name.ends_with(b"XTEST keyboard")),
            // A device that was pulled out just now was a real one.
            Err(ReplyError::X11Error(_)) => false,
            Err(error) => return Err(error),
        };
        self.xtest.insert(device, is_xtest);
        Ok(is_xtest)
    }
}

/// The connection, and the root window of its screen.
fn connect(display: Option<&str>) -> Result<(RustConnection, u32), WatchError> {
    let (connection, number) = RustConnection::connect(display)?;
    let screen = connection.setup().roots.get(number);
    let root = screen.ok_or_else(|| WatchError("the display has no such screen".to_owned()))?.root;
    Ok((connection, root))
}

/// Where a program aimed the pointer; nonsense for a real device, whose numbers are its own.
fn aimed_at(motion: &RawMotionEvent) -> Echo {
    let axes = motion.valuator_mask.first().copied().unwrap_or_default();
    let mut values = motion.axisvalues_raw.iter();
    let mut axis = |bit: u32| {
        let value: Option<&Fp3232> = if axes & bit == 0 { None } else { values.next() };
        value.map_or(-1, |value| value.integral)
    };
    Echo::Pointer { x: axis(1), y: axis(2) }
}

fn button(number: u32, down: bool) -> Echo {
    Echo::Button { number: u8::try_from(number).unwrap_or_default(), down }
}

impl From<io::Error> for WatchError {
    fn from(error: io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<ConnectError> for WatchError {
    fn from(error: ConnectError) -> Self {
        Self(error.to_string())
    }
}

impl From<ConnectionError> for WatchError {
    fn from(error: ConnectionError) -> Self {
        Self(error.to_string())
    }
}

impl From<ReplyError> for WatchError {
    fn from(error: ReplyError) -> Self {
        Self(error.to_string())
    }
}

impl From<ReplyOrIdError> for WatchError {
    fn from(error: ReplyOrIdError) -> Self {
        Self(error.to_string())
    }
}
