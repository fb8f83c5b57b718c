//! A user's desktop to be looked at: an X server of its own (Xvfb), and what is painted on it.

use anyhow::Context as _;
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};
use x11rb::{
    connection::Connection as _,
    protocol::{
        xproto::{ConnectionExt as _, ImageFormat, KEY_PRESS_EVENT, KEY_RELEASE_EVENT, Window},
        xtest::ConnectionExt as _,
    },
    rust_connection::RustConnection,
    wrapper::ConnectionExt as _,
};

/// How long a program may take to start.
const START: Duration = Duration::from_secs(20);

/// The keycode of `a` on the keyboard that an X server has by itself (evdev).
const KEY: u8 = 38;

/// Everything on it ends with the value.
pub(crate) struct Desk {
    server: Child,
    connection: RustConnection,
    root: Window,
    folder: TempDir,
    /// Its display, such as `:7`.
    pub(crate) display: String,
    /// Its size, in pixels.
    pub(crate) size: (u16, u16),
}

impl Desk {
    /// A desktop of this size with nothing on it.
    ///
    /// # Errors
    /// If there is no Xvfb.
    pub(crate) async fn start((width, height): (u16, u16)) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0"]).arg(format!("{width}x{height}x24"));
        command.args(["-nolisten", "tcp", "-noreset"]);
        let log = folder.path().join("server.log");
        let (server, mut lines) = spawn(&mut command, &log).context("Xvfb; tests/setup.sh installs it")?;
        let number = timeout(START, lines.next_line()).await.context("the X server's display")??;
        let display = format!(":{}", number.context("the X server has ended")?.trim());
        let (connection, screen) = x11rb::connect(Some(&display))?;
        let root = connection.setup().roots[screen].root;
        Ok(Self { server, connection, root, folder, display, size: (width, height) })
    }

    /// A folder for what is started here.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The X server's process; `None` if it has ended.
    pub(crate) fn server(&self) -> Option<u32> {
        self.server.id()
    }

    /// A command with this desktop as its own.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        for name in
            ["WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "XDG_SESSION_TYPE", "XAUTHORITY", "RUST_LOG"]
        {
            command.env_remove(name);
        }
        command.env("DISPLAY", &self.display).env("HOME", self.folder.path());
        command
    }

    /// Starts this very program as a painter; done when it is ready.
    ///
    /// # Errors
    /// If it does not come to paint.
    pub(crate) async fn paint(&self, arguments: &[String]) -> anyhow::Result<Child> {
        let mut command = self.command(std::env::current_exe()?);
        command.arg("paint").args(arguments);
        let (child, mut lines) = spawn(&mut command, &self.path("paint.log"))?;
        let line = timeout(START, lines.next_line()).await.context("the painter")??;
        anyhow::ensure!(line.as_deref() == Some("ready"), "the painter has ended");
        Ok(child)
    }

    /// The X server's own screenshot: 3 bytes a pixel (R, G, B), without the pointer.
    ///
    /// # Errors
    /// If it refuses.
    pub(crate) fn screenshot(&self) -> anyhow::Result<Vec<u8>> {
        let (width, height) = self.size;
        let image = self.connection.get_image(ImageFormat::Z_PIXMAP, self.root, 0, 0, width, height, !0)?;
        let pixels = image.reply()?.data;
        Ok(pixels.as_chunks::<4>().0.iter().flat_map(|[blue, green, red, _]| [*red, *green, *blue]).collect())
    }

    /// Presses the key `a` and releases it.
    ///
    /// # Errors
    /// If it refuses.
    pub(crate) fn press(&self) -> anyhow::Result<()> {
        for kind in [KEY_PRESS_EVENT, KEY_RELEASE_EVENT] {
            self.connection.xtest_fake_input(kind, KEY, x11rb::CURRENT_TIME, self.root, 0, 0, 0)?;
        }
        Ok(self.connection.sync()?)
    }

    /// Puts the pointer there, as the X server does it: nobody's input.
    ///
    /// # Errors
    /// If it refuses.
    pub(crate) fn warp(&self, x: i16, y: i16) -> anyhow::Result<()> {
        self.connection.warp_pointer(x11rb::NONE, self.root, 0, 0, 0, 0, x, y)?;
        Ok(self.connection.flush()?)
    }
}

/// Starts a program whose standard output is read here; its standard error goes to `log`. It is killed with its value.
///
/// # Errors
/// If it can't be started.
pub(crate) fn spawn(
    command: &mut Command,
    log: &Path,
) -> anyhow::Result<(Child, Lines<BufReader<ChildStdout>>)> {
    let log = std::fs::File::create(log)?;
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).kill_on_drop(true).spawn()?;
    let out = child.stdout.take().context("piped above")?;
    Ok((child, BufReader::new(out).lines()))
}
