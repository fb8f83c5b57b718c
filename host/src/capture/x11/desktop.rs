//! The connection to one X server: what it must be able to do, and what we asked it to tell us.

use crate::capture::{CaptureError, wayland};
use rustix::fd::{AsFd, BorrowedFd};
use x11rb::{
    connection::{Connection, RequestConnection},
    protocol::{
        damage::{self, ConnectionExt as _},
        randr::{self, ConnectionExt as _},
        shm::{self, ConnectionExt as _},
        xfixes::{self, ConnectionExt as _},
        xinput::{self, ConnectionExt as _},
        xproto::{
            ChangeWindowAttributesAux, ConnectionExt as _, EventMask, ImageOrder, Screen, Setup, Window,
        },
    },
    rust_connection::RustConnection,
};

/// A connection that reports damage, pointer and layout of its root window.
pub(super) struct Desktop {
    pub(super) connection: RustConnection,
    pub(super) root: Window,
    /// Gathers what changes anywhere on the root window.
    pub(super) damage: damage::Damage,
    /// Where damage is put to be fetched.
    pub(super) region: xfixes::Region,
}

impl Desktop {
    /// Connects to `display` (`None`: `$DISPLAY`).
    pub(super) fn open(display: Option<&str>) -> Result<Self, CaptureError> {
        let (connection, number) = RustConnection::connect(display).map_err(|error| {
            wayland::unsupported().unwrap_or_else(|| CaptureError::NoDesktop(error.to_string()))
        })?;
        if connection.extension_information("XWAYLAND")?.is_some() {
            return Err(CaptureError::Unsupported(wayland::SENTENCE.to_owned()));
        }
        let screen = connection.setup().roots.get(number);
        let screen =
            screen.ok_or_else(|| CaptureError::NoDesktop("the display has no such screen".into()))?;
        check_format(connection.setup(), screen).map_err(CaptureError::Unsupported)?;
        let root = screen.root;
        check_extensions(&connection)?;

        let region = connection.generate_id()?;
        connection.xfixes_create_region(region, &[])?.check()?;
        let damage = connection.generate_id()?;
        connection.damage_create(damage, root, damage::ReportLevel::NON_EMPTY)?.check()?;
        connection.xfixes_select_cursor_input(root, xfixes::CursorNotifyMask::DISPLAY_CURSOR)?.check()?;
        let layout = randr::NotifyMask::SCREEN_CHANGE
            | randr::NotifyMask::CRTC_CHANGE
            | randr::NotifyMask::OUTPUT_CHANGE;
        connection.randr_select_input(root, layout)?.check()?;
        // Monitors that a user defines (`xrandr --setmonitor`) are told as a configuration of the root window.
        let structure = ChangeWindowAttributesAux::new().event_mask(EventMask::STRUCTURE_NOTIFY);
        connection.change_window_attributes(root, &structure)?.check()?;
        // Raw motion is what devices do; plain motion on the root window shows some of the pointer's warps as well.
        let mask = vec![xinput::XIEventMask::RAW_MOTION | xinput::XIEventMask::MOTION];
        let motion = xinput::EventMask { deviceid: xinput::Device::ALL_MASTER.into(), mask };
        connection.xinput_xi_select_events(root, &[motion])?.check()?;
        Ok(Self { connection, root, damage, region })
    }

    /// Readable when the X server has something to say.
    pub(super) fn socket(&self) -> BorrowedFd<'_> {
        self.connection.stream().as_fd()
    }
}

/// Every extension must be there and as new as we need it. The version requests also switch the newer behaviour on.
fn check_extensions(connection: &RustConnection) -> Result<(), CaptureError> {
    let names = [
        damage::X11_EXTENSION_NAME,
        randr::X11_EXTENSION_NAME,
        shm::X11_EXTENSION_NAME,
        xfixes::X11_EXTENSION_NAME,
        xinput::X11_EXTENSION_NAME,
    ];
    for name in names {
        if connection.extension_information(name)?.is_none() {
            return Err(too_old(name));
        }
    }
    connection.damage_query_version(1, 1)?.reply()?;
    connection.xfixes_query_version(5, 0)?.reply()?;
    let randr = connection.randr_query_version(1, 5)?.reply()?;
    if (randr.major_version, randr.minor_version) < (1, 5) {
        return Err(too_old("RandR 1.5"));
    }
    let shm = connection.shm_query_version()?.reply()?;
    if (shm.major_version, shm.minor_version) < (1, 2) {
        return Err(too_old("MIT-SHM 1.2"));
    }
    // Since 2.1 raw motion is told even while a program has grabbed the pointer.
    let xinput = connection.xinput_xi_query_version(2, 2)?.reply()?;
    if (xinput.major_version, xinput.minor_version) < (2, 1) {
        return Err(too_old("XInput 2.1"));
    }
    Ok(())
}

fn too_old(extension: &str) -> CaptureError {
    CaptureError::Unsupported(format!(
        "this X server is too old: it lacks {extension}; use one of 2013 or newer"
    ))
}

/// Pixels must be 32-bit words of blue, green, red, padding, in this order in memory.
fn check_format(setup: &Setup, screen: &Screen) -> Result<(), String> {
    let format = setup.pixmap_formats.iter().find(|format| format.depth == screen.root_depth);
    let bits = format.map_or(0, |format| format.bits_per_pixel);
    let visual = screen.allowed_depths.iter().flat_map(|depth| &depth.visuals);
    let masks = visual
        .filter(|visual| visual.visual_id == screen.root_visual)
        .map(|visual| (visual.red_mask, visual.green_mask, visual.blue_mask))
        .next();
    let fits = matches!(screen.root_depth, 24 | 32)
        && bits == 32
        && setup.image_byte_order == ImageOrder::LSB_FIRST
        && masks == Some((0xff_0000, 0xff00, 0xff));
    if fits {
        return Ok(());
    }
    Err(format!(
        "the screen has {} bits of colour in {bits}-bit pixels; set its depth to 24 (8 bits for each colour)",
        screen.root_depth
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use x11rb::protocol::xproto::{Depth, Format, Visualtype};

    fn check(depth: u8, bits: u8, order: ImageOrder, red: u32, fits: bool) {
        let format = Format { depth, bits_per_pixel: bits, scanline_pad: 32 };
        let setup = Setup { image_byte_order: order, pixmap_formats: vec![format], ..Setup::default() };
        let visual = Visualtype {
            visual_id: 7,
            red_mask: red,
            green_mask: 0xff00,
            blue_mask: 0xff,
            ..Visualtype::default()
        };
        let allowed_depths = vec![Depth { depth, visuals: vec![visual] }];
        let screen = Screen { root_depth: depth, root_visual: 7, allowed_depths, ..Screen::default() };
        assert_eq!(check_format(&setup, &screen).is_ok(), fits, "{depth} {bits} {order:?} {red:x}");
    }

    #[test]
    fn only_bgrx_is_taken() {
        check(24, 32, ImageOrder::LSB_FIRST, 0xff_0000, true);
        check(32, 32, ImageOrder::LSB_FIRST, 0xff_0000, true);
        check(24, 24, ImageOrder::LSB_FIRST, 0xff_0000, false);
        check(24, 32, ImageOrder::MSB_FIRST, 0xff_0000, false);
        check(24, 32, ImageOrder::LSB_FIRST, 0xff, false);
        check(30, 32, ImageOrder::LSB_FIRST, 0x3ff0_0000, false);
        check(16, 16, ImageOrder::LSB_FIRST, 0xf800, false);
    }
}
