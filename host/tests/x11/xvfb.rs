//! An X server of a test's own (Xvfb on a free display), and a client that paints on it and looks at it.

use nearhand_proto::session::geometry::Rect;
use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};
use x11rb::{
    connection::Connection,
    protocol::{
        randr::{self, ConnectionExt as _},
        xproto::{
            ChangeGCAux, ConnectionExt as _, CreateGCAux, CreateWindowAux, Gcontext, ImageFormat, Rectangle,
            Window, WindowClass,
        },
    },
    rust_connection::RustConnection,
    wrapper::ConnectionExt as _,
};

/// A running Xvfb; ends with the value.
pub(crate) struct Xvfb {
    child: Child,
    /// Such as `:7`.
    pub(crate) display: String,
}

impl Xvfb {
    /// Starts one with a single screen of this size and 24 bits of colour.
    pub(crate) fn start(width: u16, height: u16) -> Self {
        let screen = format!("{width}x{height}x24");
        let mut child = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", &screen, "-nolisten", "tcp", "-noreset"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb is needed for this test; install it (apt-get install xvfb)");
        let mut line = String::new();
        let output = child.stdout.take().expect("it is piped");
        BufReader::new(output).read_line(&mut line).unwrap();
        assert!(!line.trim().is_empty(), "Xvfb ended at once; is its package whole?");
        Self { child, display: format!(":{}", line.trim()) }
    }

    /// A client of it.
    pub(crate) fn client(&self) -> Client {
        Client::connect(&self.display)
    }
}

impl Drop for Xvfb {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Paints into a window that covers the screen, and takes screenshots as the X server has them, without MIT-SHM.
pub(crate) struct Client {
    pub(crate) connection: RustConnection,
    pub(crate) root: Window,
    pub(crate) window: Window,
    gc: Gcontext,
}

impl Client {
    /// Connects and covers the screen with a window.
    pub(crate) fn connect(display: &str) -> Self {
        let (connection, number) = RustConnection::connect(Some(display)).unwrap();
        let screen = &connection.setup().roots[number];
        let (root, width, height) = (screen.root, screen.width_in_pixels, screen.height_in_pixels);
        let (window, gc) = (connection.generate_id().unwrap(), connection.generate_id().unwrap());
        let look = CreateWindowAux::new().override_redirect(1).background_pixel(0x20_40_60);
        let class = WindowClass::INPUT_OUTPUT;
        connection.create_window(0, window, root, 0, 0, width, height, 0, class, 0, &look).unwrap();
        connection.create_gc(gc, window, &CreateGCAux::new()).unwrap();
        connection.map_window(window).unwrap();
        connection.sync().unwrap();
        Self { connection, root, window, gc }
    }

    /// Fills an area (screen pixels) with one colour (R, G, B). Done when it returns.
    pub(crate) fn fill(&self, area: Rect, [r, g, b]: [u8; 3]) {
        let colour = ChangeGCAux::new().foreground(u32::from_be_bytes([0, r, g, b]));
        let place = |side: u16| i16::try_from(side).unwrap();
        let area = Rectangle { x: place(area.x), y: place(area.y), width: area.width, height: area.height };
        self.connection.change_gc(self.gc, &colour).unwrap();
        self.connection.poly_fill_rectangle(self.window, self.gc, &[area]).unwrap();
        self.connection.sync().unwrap();
    }

    /// The X server's own screenshot of an area: BGRX8 without gaps.
    pub(crate) fn shot(&self, left: i16, top: i16, width: u16, height: u16) -> Vec<u8> {
        let format = ImageFormat::Z_PIXMAP;
        self.connection
            .get_image(format, self.root, left, top, width, height, !0)
            .unwrap()
            .reply()
            .unwrap()
            .data
    }

    /// Gives the only output another mode, as `xrandr --newmode --addmode --mode` would.
    pub(crate) fn resize(&self, width: u16, height: u16) {
        let resources = self.connection.randr_get_screen_resources(self.root).unwrap().reply().unwrap();
        let (crtc, output) = (resources.crtcs[0], resources.outputs[0]);
        let name = format!("{width}x{height}");
        let info = randr::ModeInfo {
            width,
            height,
            name_len: name.len().try_into().unwrap(),
            dot_clock: 60_000_000,
            htotal: width,
            vtotal: height,
            ..randr::ModeInfo::default()
        };
        let mode = self
            .connection
            .randr_create_mode(self.root, info, name.as_bytes())
            .unwrap()
            .reply()
            .unwrap()
            .mode;
        self.connection.randr_add_output_mode(output, mode).unwrap().check().unwrap();
        let set = |mode, outputs: &[u32]| {
            let turn = randr::Rotation::ROTATE0;
            let set = self.connection.randr_set_crtc_config(crtc, 0, 0, 0, 0, mode, turn, outputs).unwrap();
            assert_eq!(set.reply().unwrap().status, randr::SetConfig::SUCCESS);
        };
        set(x11rb::NONE, &[]);
        let millimetres = (u32::from(width) / 4, u32::from(height) / 4);
        let screen =
            self.connection.randr_set_screen_size(self.root, width, height, millimetres.0, millimetres.1);
        screen.unwrap().check().unwrap();
        set(mode, &[output]);
        self.connection.sync().unwrap();
    }

    /// Splits the screen into two monitors at column `at`, the right one primary.
    pub(crate) fn split(&self, at: u16, width: u16, height: u16) {
        let outputs = self.connection.randr_get_screen_resources(self.root).unwrap().reply().unwrap().outputs;
        for (name, left, width, primary, outputs) in
            [("left", 0, at, false, outputs), ("right", at, width - at, true, Vec::new())]
        {
            let name = self.connection.intern_atom(false, name.as_bytes()).unwrap().reply().unwrap().atom;
            let monitor = randr::MonitorInfo {
                name,
                primary,
                x: left.try_into().unwrap(),
                width,
                height,
                width_in_millimeters: 100,
                height_in_millimeters: 100,
                outputs,
                ..randr::MonitorInfo::default()
            };
            self.connection.randr_set_monitor(self.root, monitor).unwrap().check().unwrap();
        }
        self.connection.sync().unwrap();
    }
}
