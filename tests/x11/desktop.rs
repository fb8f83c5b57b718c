//! A user's desktop: an X server (Xvfb on a free display), a window manager, real programs, and a client that looks at
//! it all without our code.

use crate::process::{Process, eventually, in_time};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;
use x11rb::{
    connection::Connection as _,
    protocol::{
        xkb::{self, ConnectionExt as _},
        xproto::{
            AtomEnum, ConfigureWindowAux, ConnectionExt as _, CreateWindowAux, ImageFormat, MapState,
            ModMask, Window, WindowClass,
        },
    },
    rust_connection::RustConnection,
    wrapper::ConnectionExt as _,
};

/// A desktop; everything on it ends with the value, newest first.
pub(crate) struct Desktop {
    programs: Vec<Process>,
    folder: TempDir,
    pub(crate) display: String,
    pub(crate) connection: RustConnection,
    pub(crate) root: Window,
    width: u16,
    height: u16,
}

impl Drop for Desktop {
    fn drop(&mut self) {
        while self.programs.pop().is_some() {}
    }
}

impl Desktop {
    /// A desktop of this size with a window manager and nothing on it.
    pub(crate) fn start(width: u16, height: u16) -> Self {
        Self::start_with(width, height, &Path::new(env!("CARGO_MANIFEST_DIR")).join("x11/openbox.xml"))
    }

    /// The same with these settings of the window manager.
    pub(crate) fn start_with(width: u16, height: u16, settings: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let screen = format!("{width}x{height}x24");
        let arguments = ["-displayfd", "1", "-screen", "0", &screen, "-nolisten", "tcp", "-noreset"];
        let mut server = Process::start_alone("Xvfb", folder.path(), Command::new("Xvfb").args(arguments));
        let display = server.line("its display", |line| Some(format!(":{}", line.trim())));
        let (connection, _) = RustConnection::connect(Some(&display)).unwrap();
        let root = connection.setup().roots[0].root;
        let mut desktop = Self { programs: vec![server], folder, display, connection, root, width, height };
        desktop.still_carets();
        desktop.run("openbox", &["--config-file", settings.to_str().unwrap()]);
        eventually("the window manager", || desktop.window_in(root, "_NET_SUPPORTING_WM_CHECK"));
        desktop
    }

    /// A blinking caret is a picture that never rests.
    fn still_carets(&self) {
        fs::create_dir_all(self.path("config/gtk-3.0")).unwrap();
        let settings = "[Settings]\ngtk-cursor-blink=false\ngtk-enable-animations=false\n";
        fs::write(self.path("config/gtk-3.0/settings.ini"), settings).unwrap();
        fs::write(self.path(".gtkrc-2.0"), "gtk-cursor-blink = 0\n").unwrap();
    }

    /// A file or folder of the user's.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command with this desktop as its own, and nothing of the machine's.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        let without = ["WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "XDG_SESSION_TYPE", "XAUTHORITY"];
        for name in without {
            command.env_remove(name);
        }
        command
            .current_dir(self.folder.path())
            .env("DISPLAY", &self.display)
            .env("HOME", self.folder.path())
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("XDG_DATA_HOME", self.path("data"))
            .envs([("LC_ALL", "C.UTF-8"), ("GSETTINGS_BACKEND", "memory"), ("NO_AT_BRIDGE", "1")]);
        command
    }

    /// Starts a program of the user's.
    pub(crate) fn run(&mut self, program: &str, arguments: &[&str]) {
        let name = format!("{program}-{}", self.programs.len());
        let process = Process::start_alone(&name, self.folder.path(), self.command(program).args(arguments));
        self.programs.push(process);
    }

    /// A terminal with that name whose program `cat`s every byte that comes as it is into the file of that name.
    /// `greeting` is for `printf`. Returns its window, which has the focus.
    pub(crate) fn catcher(&mut self, name: &str, place: &str, greeting: &str) -> Window {
        let script = format!("stty raw -echo; printf '{greeting}'; exec cat >{name}");
        let keys = ["-xrm", "XTerm*backarrowKey: false", "-xrm", "XTerm*deleteIsDEL: false"];
        let look = ["-name", name, "-geometry", place, "-e", "sh", "-c", &script];
        self.run("xterm", &[&keys[..], &look].concat());
        let window = self.focused(name);
        eventually("the terminal's program", || self.path(name).exists().then_some(()));
        window
    }

    /// What the catcher of that name has got, once it is as long as `expected`.
    pub(crate) fn caught(&self, name: &str, expected: &[u8]) -> String {
        let now = || fs::read(self.path(name)).unwrap();
        let whole = in_time(|| Some(now()).filter(|caught| expected.len() <= caught.len()));
        String::from_utf8_lossy(&whole.unwrap_or_else(now)).into_owned()
    }

    /// The program's window (by the first half of its WM_CLASS), once it is shown.
    pub(crate) fn window(&self, name: &str) -> Window {
        eventually(&format!("the window of {name}"), || self.find(self.root, name))
    }

    /// The same, once it has the focus as well.
    pub(crate) fn focused(&self, name: &str) -> Window {
        let window = self.window(name);
        self.wait_for_focus(window);
        window
    }

    /// Waits until the window manager has given it the focus.
    pub(crate) fn wait_for_focus(&self, window: Window) {
        eventually("the focus", || {
            (self.window_in(self.root, "_NET_ACTIVE_WINDOW") == Some(window)).then_some(())
        });
    }

    /// Makes this group of the keyboard's layouts the one in effect, from 0.
    pub(crate) fn lock_group(&self, group: u8) {
        let (device, none) = (xkb::ID::USE_CORE_KBD.into(), ModMask::from(0_u16));
        self.connection.xkb_use_extension(1, 0).unwrap().reply().unwrap();
        let group = xkb::Group::from(group);
        let locked = self.connection.xkb_latch_lock_state(device, none, none, true, group, none, false, 0);
        locked.unwrap().check().unwrap();
    }

    fn find(&self, from: Window, name: &str) -> Option<Window> {
        let children = self.connection.query_tree(from).ok()?.reply().ok()?.children;
        children.into_iter().find_map(|window| {
            let class = self.property(window, AtomEnum::WM_CLASS.into(), AtomEnum::STRING.into())?;
            let is_it = class.split(|byte| *byte == 0).next() == Some(name.as_bytes());
            let shown = || self.connection.get_window_attributes(window).ok()?.reply().ok();
            if is_it && shown()?.map_state == MapState::VIEWABLE {
                return Some(window);
            }
            self.find(window, name)
        })
    }

    fn property(&self, window: Window, name: u32, kind: u32) -> Option<Vec<u8>> {
        // A window may end between two looks.
        Some(self.connection.get_property(false, window, name, kind, 0, 256).ok()?.reply().ok()?.value)
    }

    fn window_in(&self, window: Window, property: &str) -> Option<Window> {
        let name = self.connection.intern_atom(false, property.as_bytes()).ok()?.reply().ok()?.atom;
        let value = self.property(window, name, AtomEnum::WINDOW.into())?;
        Some(u32::from_ne_bytes(value.get(..4)?.try_into().ok()?)).filter(|window| *window != 0)
    }

    /// Left, top, width and height of a window without its frame, in screen pixels.
    pub(crate) fn place(&self, window: Window) -> (i16, i16, u16, u16) {
        let at = self.connection.translate_coordinates(window, self.root, 0, 0).unwrap().reply().unwrap();
        let size = self.connection.get_geometry(window).unwrap().reply().unwrap();
        (at.dst_x, at.dst_y, size.width, size.height)
    }

    /// Has the window manager give it another place and size; done when it has the size.
    pub(crate) fn put(&self, window: Window, left: i32, top: i32, width: u16, height: u16) {
        let change =
            ConfigureWindowAux::new().x(left).y(top).width(u32::from(width)).height(u32::from(height));
        self.connection.configure_window(window, &change).unwrap();
        self.connection.sync().unwrap();
        eventually("the window's size", || {
            let (.., wide, high) = self.place(window);
            (wide.abs_diff(width) < 24 && high.abs_diff(height) < 24).then_some(())
        });
    }

    /// Shows a small square of one colour above everything, at this pixel.
    pub(crate) fn square(&self, left: i16, top: i16, colour: u32) {
        let window = self.connection.generate_id().unwrap();
        let look = CreateWindowAux::new().override_redirect(1).background_pixel(colour);
        let class = WindowClass::INPUT_OUTPUT;
        self.connection.create_window(0, window, self.root, left, top, 16, 16, 0, class, 0, &look).unwrap();
        self.connection.map_window(window).unwrap();
        self.connection.sync().unwrap();
    }

    /// The X server's own screenshot: three bytes a pixel (R, G, B), no gaps, no pointer.
    pub(crate) fn screenshot(&self) -> Vec<u8> {
        let (width, height) = (self.width, self.height);
        let image = self.connection.get_image(ImageFormat::Z_PIXMAP, self.root, 0, 0, width, height, !0);
        let data = image.unwrap().reply().unwrap().data;
        data.chunks_exact(4).flat_map(|pixel| [pixel[2], pixel[1], pixel[0]]).collect()
    }

    /// Keycodes that are down now.
    pub(crate) fn keys_down(&self) -> Vec<u8> {
        let keys = self.connection.query_keymap().unwrap().reply().unwrap().keys;
        (0..=u8::MAX).filter(|code| keys[usize::from(code / 8)] >> (code % 8) & 1 == 1).collect()
    }
}
