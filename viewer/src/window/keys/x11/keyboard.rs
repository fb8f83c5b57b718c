//! The keyboard thread: hears the keys of one window over an X connection of its own, and grabs the whole keyboard
//! where asked to.
//!
//! Keys are heard as core events, not XInput 2: the server hands a key to XInput 2's listeners first and then to
//! nobody else, so listening that way would rob the toolkit, which listens to core events on the same window. When the
//! connection goes, however it goes, the server ends the grab.

use super::{
    super::{
        By, Grab, KeysError, LocalKey, Mode, Stroke,
        compose::Compose,
        layout::Press,
        translate::{Out, Texts, Translate},
    },
    Shared, lock, map, method,
};
use nearhand_desktop::wake::Wake;
use std::{
    os::fd::AsFd as _,
    sync::{Arc, Mutex},
    task::Waker,
    time::{Duration, Instant},
};
use x11rb::{
    connection::Connection as _,
    protocol::{
        Event,
        xkb::{self, ConnectionExt as _, EventType, PerClientFlag},
        xproto::{
            ChangeWindowAttributesAux, ConnectionExt as _, EventMask, FocusInEvent, GrabMode, GrabStatus,
            KeyPressEvent, NotifyDetail, NotifyMode, Window,
        },
    },
    rust_connection::RustConnection,
};

/// Between two attempts at a grab that another program has refused.
const AGAIN: Duration = Duration::from_millis(200);

/// What the thread has, but for the machine: that must be made there.
pub(super) struct Keyboard {
    connection: RustConnection,
    window: Window,
    shared: Arc<Mutex<Shared>>,
    wake: Wake,
    waker: Waker,
    /// What the window wants, as of late.
    mode: Mode,
    focused: bool,
    /// The keys that were down at the beginning, a bit each.
    down: [u8; 32],
    grabbed: bool,
    /// When to try to grab again; `None` while none is wanted or one is held.
    retry: Option<Instant>,
    /// The map has changed since it was read.
    stale: bool,
    /// An input method runs, as of the last time it was looked for.
    method: bool,
}

/// What came of a look for events.
enum Drained {
    /// There was none: waiting for the socket misses nothing.
    Nothing,
    /// There were some, and perhaps more by now.
    Some,
    /// The window is gone.
    Gone,
}

impl Keyboard {
    /// Connects, and listens from now on.
    pub(super) fn open(
        display: Option<&str>,
        window: Window,
        (shared, wake, waker): (Arc<Mutex<Shared>>, Wake, Waker),
    ) -> Result<Self, KeysError> {
        let (connection, _) = RustConnection::connect(display)?;
        listen(&connection, window)?;
        let focused = connection.get_input_focus()?.reply()?.focus == window;
        let down = connection.query_keymap()?.reply()?.keys;
        let method = method::runs(&connection)?;
        Ok(Self {
            connection,
            window,
            shared,
            wake,
            waker,
            mode: Mode::default(),
            focused,
            down,
            grabbed: false,
            retry: None,
            stale: true,
            method,
        })
    }

    /// Runs until it is told to stop or the window or the display goes.
    pub(super) fn run(mut self) {
        if let Err(error) = self.serve() {
            tracing::warn!(%error, "the keyboard is lost");
        }
        self.set_grab(Grab::Lost);
    }

    fn serve(&mut self) -> Result<(), KeysError> {
        let mut machine = Translate::new(map::read(&self.connection)?, Compose::of_locale());
        self.stale = false;
        let ended = self.serve_with(&mut machine);
        machine.handle_focus_lost();
        self.hand_out(&mut machine);
        ended
    }

    fn serve_with(&mut self, machine: &mut Translate) -> Result<(), KeysError> {
        machine.handle_locked(map::locked(&self.connection)?);
        let down = self.down;
        machine.handle_keymap(|keycode| down[usize::from(keycode / 8)] >> (keycode % 8) & 1 == 1);
        while self.follow_window(machine)? {
            self.hand_out(machine);
            match self.drain(machine)? {
                // At once, not with the next key: programs that type lend keys for as long as one stroke takes.
                Drained::Nothing if self.stale => self.read_map(machine)?,
                Drained::Nothing => self.sleep(),
                Drained::Some => {}
                Drained::Gone => break,
            }
        }
        Ok(())
    }

    /// Takes what the window wants, and grabs or lets go accordingly. False: the end.
    fn follow_window(&mut self, machine: &mut Translate) -> Result<bool, KeysError> {
        let (mode, stop) = {
            let shared = lock(&self.shared);
            (shared.mode, shared.stop)
        };
        if mode != self.mode {
            self.mode = mode;
            self.method = method::runs(&self.connection)?;
        }
        self.follow_focus(machine)?;
        Ok(!stop)
    }

    fn follow_focus(&mut self, machine: &mut Translate) -> Result<(), KeysError> {
        let engaged = self.mode.wanted && self.focused;
        machine.engage(engaged, self.mode.by);
        let wanted = engaged && self.mode.grab && !lock(&self.shared).left;
        if !wanted {
            self.retry = None;
            if self.grabbed {
                self.connection.ungrab_keyboard(x11rb::CURRENT_TIME)?;
                self.connection.flush()?;
                self.grabbed = false;
            }
            self.set_grab(Grab::Off);
        } else if !self.grabbed && self.retry.is_none_or(|retry| retry <= Instant::now()) {
            self.grab_now()?;
        }
        let method = self.texts() != Texts::Here;
        lock(&self.shared).method = method;
        Ok(())
    }

    fn grab_now(&mut self) -> Result<(), KeysError> {
        let mode = GrabMode::ASYNC;
        let grab = self.connection.grab_keyboard(false, self.window, x11rb::CURRENT_TIME, mode, mode)?;
        self.grabbed = grab.reply()?.status == GrabStatus::SUCCESS;
        self.retry = (!self.grabbed).then(|| Instant::now() + AGAIN);
        self.set_grab(if self.grabbed { Grab::Held } else { Grab::Refused });
        Ok(())
    }

    fn set_grab(&self, grab: Grab) {
        let mut shared = lock(&self.shared);
        if shared.grab != grab {
            shared.grab = grab;
            drop(shared);
            self.waker.wake_by_ref();
        }
    }

    /// Takes every event that is there.
    fn drain(&mut self, machine: &mut Translate) -> Result<Drained, KeysError> {
        let mut drained = Drained::Nothing;
        while let Some(event) = self.connection.poll_for_event()? {
            drained = Drained::Some;
            match event {
                Event::KeyPress(press) => self.press(machine, &press)?,
                Event::KeyRelease(release) if is_for(release.response_type) => {
                    machine.release(release.detail)
                }
                Event::FocusIn(event) => self.focus(machine, &event, true)?,
                Event::FocusOut(event) => self.focus(machine, &event, false)?,
                Event::KeymapNotify(keymap) => machine.handle_keymap(|keycode| is_set(&keymap.keys, keycode)),
                Event::XkbStateNotify(state) => machine.handle_locked(map::bits(state.locked_mods)),
                Event::XkbMapNotify(_) | Event::XkbNewKeyboardNotify(_) | Event::MappingNotify(_) => {
                    self.stale = true;
                }
                Event::DestroyNotify(gone) if gone.window == self.window => return Ok(Drained::Gone),
                Event::Error(error) => tracing::debug!(?error, "X server refused a request"),
                _ => {}
            }
            self.hand_out(machine);
        }
        Ok(drained)
    }

    fn press(&mut self, machine: &mut Translate, press: &KeyPressEvent) -> Result<(), KeysError> {
        if !is_for(press.response_type) || !lock(&self.shared).queue.has_room() {
            return Ok(());
        }
        if self.stale {
            self.read_map(machine)?;
        }
        let [mods, rest] = press.state.bits().to_le_bytes();
        // Bits 13 and 14: the group (XKBproto §2.2).
        let group = rest >> 5 & 0x03;
        machine.press(Press { keycode: press.detail, mods, group }, self.texts());
        Ok(())
    }

    fn focus(
        &mut self,
        machine: &mut Translate,
        event: &FocusInEvent,
        focused: bool,
    ) -> Result<(), KeysError> {
        // Only the pointer is here, or the focus moves on to a window inside this one.
        if matches!(event.detail, NotifyDetail::POINTER | NotifyDetail::INFERIOR) {
            return Ok(());
        }
        if matches!(event.mode, NotifyMode::GRAB | NotifyMode::UNGRAB) {
            // The focus stays. Our own grab says so too; another program's keeps keys, also those to be released.
            if !focused && !self.grabbed {
                machine.handle_focus_lost();
            }
            return Ok(());
        }
        self.focused = focused;
        if focused {
            self.method = method::runs(&self.connection)?;
        } else {
            machine.handle_focus_lost();
        }
        self.follow_focus(machine)
    }

    /// The window's side gets what the machine has made.
    fn hand_out(&mut self, machine: &mut Translate) {
        let made = machine.drain();
        if made.is_empty() {
            return;
        }
        let now = Instant::now();
        let mut shared = lock(&self.shared);
        for out in made {
            match out {
                Out::Hole => shared.queue.hole(now),
                Out::Stroke(stroke) => {
                    shared.left |= stroke == Stroke::Local(LocalKey::Leave) && self.mode.grab;
                    shared.queue.push(stroke);
                }
            }
        }
        let due = shared.queue.is_due(now);
        drop(shared);
        if due {
            self.waker.wake_by_ref();
        }
    }

    /// Who makes characters now.
    fn texts(&self) -> Texts {
        if self.grabbed || !self.method || self.mode.by == By::Position {
            Texts::Here
        } else if lock(&self.shared).composing {
            Texts::Composing
        } else {
            Texts::Method
        }
    }

    /// Until an event, a wake, the next attempt at a grab, or until a hole in the queue has waited long enough.
    fn sleep(&self) {
        let hole = lock(&self.shared).queue.deadline();
        let next = hole.into_iter().chain(self.retry).min();
        let time = next.map(|next| next.saturating_duration_since(Instant::now()));
        if let Err(error) = self.wake.sleep(Some(self.connection.stream().as_fd()), time) {
            tracing::debug!(%error, "the keyboard thread can't sleep");
        }
        self.wake.take();
        if hole.is_some_and(|hole| hole <= Instant::now()) {
            self.waker.wake_by_ref();
        }
    }

    fn read_map(&mut self, machine: &mut Translate) -> Result<(), KeysError> {
        self.stale = false;
        machine.handle_layout(map::read(&self.connection)?);
        Ok(())
    }
}

/// Asks for the window's keys and focus and for changes of the keyboard.
fn listen(connection: &RustConnection, window: Window) -> Result<(), KeysError> {
    let xkb = connection.xkb_use_extension(1, 0)?.reply()?;
    if !xkb.supported {
        return Err(KeysError::Refused("the X server has no XKEYBOARD extension".to_owned()));
    }
    let device = xkb::ID::USE_CORE_KBD.into();
    // Repeats come as presses without releases in between, and the group is in the state also during a grab.
    let flags = PerClientFlag::DETECTABLE_AUTO_REPEAT
        | PerClientFlag::GRABS_USE_XKB_STATE
        | PerClientFlag::LOOKUP_STATE_WHEN_GRABBED;
    let none = xkb::BoolCtrl::from(0_u32);
    connection.xkb_per_client_flags(device, flags, flags, none, none, none)?.reply()?;
    let events = EventType::NEW_KEYBOARD_NOTIFY | EventType::MAP_NOTIFY | EventType::STATE_NOTIFY;
    let (clear, all) = (EventType::from(0_u16), events);
    let parts = xkb::MapPart::KEY_TYPES | xkb::MapPart::KEY_SYMS | xkb::MapPart::MODIFIER_MAP;
    let details = xkb::SelectEventsAux::new();
    connection.xkb_select_events(device, clear, all, parts, parts, &details)?.check()?;
    let mask = EventMask::KEY_PRESS
        | EventMask::KEY_RELEASE
        | EventMask::FOCUS_CHANGE
        | EventMask::KEYMAP_STATE
        | EventMask::STRUCTURE_NOTIFY;
    let attributes = ChangeWindowAttributesAux::new().event_mask(mask);
    Ok(connection.change_window_attributes(window, &attributes)?.check()?)
}

/// False for events that another program made up.
fn is_for(response_type: u8) -> bool {
    response_type & 0x80 == 0
}

/// Bit of a KeymapNotify, which leaves out the first eight keycodes.
fn is_set(keys: &[u8; 31], keycode: u8) -> bool {
    keycode
        .checked_sub(8)
        .and_then(|bit| keys.get(usize::from(bit / 8)))
        .is_some_and(|byte| byte >> (keycode % 8) & 1 == 1)
}
