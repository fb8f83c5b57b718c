//! The technician's picture is the X server's, pixel for pixel, once it has settled.

use crate::{
    desk::Desk,
    desktop::Desktop,
    viewer::{Picture, Viewer},
};
use std::fs;

/// Real programs with something to show: terminal, editor, file manager.
fn programs(desktop: &mut Desktop) {
    let text: String =
        (1..400).map(|n| format!("line {n}: the quick brown fox jumps over the lazy dog\n")).collect();
    fs::write(desktop.path("notes.txt"), &text).unwrap();
    let script = "cat notes.txt; exec sh";
    desktop.run("xterm", &["-name", "shell", "-geometry", "100x24+20+60", "-e", "sh", "-c", script]);
    desktop.run("mousepad", &["notes.txt"]);
    desktop.run("pcmanfm", &["/usr"]);
    desktop.put(desktop.window("mousepad"), 500, 30, 640, 400);
    desktop.put(desktop.window("pcmanfm"), 620, 320, 700, 380);
    desktop.window("shell");
}

/// A session and the last picture that was compared.
struct Sight<'a> {
    desktop: &'a Desktop,
    desk: &'a Desk,
    viewer: Viewer,
    last: Vec<u8>,
}

impl Sight<'_> {
    /// Does something to the desktop, after which the picture is another one, and the X server's.
    fn after(&mut self, what: &str, act: impl FnOnce(&mut Viewer)) {
        act(&mut self.viewer);
        let (seen, shown) = self.rested(what);
        let pixels = seen.2.chunks_exact(3).zip(shown.chunks_exact(3)).enumerate();
        let wrong: Vec<usize> = pixels.filter(|(_, (seen, shown))| seen != shown).map(|(at, _)| at).collect();
        let width = usize::try_from(seen.0).unwrap();
        let place = wrong.first().map(|at| (at % width, at / width));
        assert_eq!(seen.2.len(), shown.len(), "{what}: the picture has {}x{} pixels", seen.0, seen.1);
        assert!(wrong.is_empty(), "{what}: {} pixels differ, the first at {place:?}", wrong.len());
        assert!(shown != self.last, "{what}: nothing has changed");
        self.last = shown;
    }

    /// The viewer's picture and the server's, of a screen that rested for as long as the viewer found it quiet.
    fn rested(&mut self, what: &str) -> (Picture, Vec<u8>) {
        for _ in 0..20 {
            let before = self.desktop.screenshot();
            self.viewer.run("wait-settled");
            let seen = self.viewer.snapshot(&self.desk.path("seen.png"));
            let shown = self.desktop.screenshot();
            // A program may still have been painting, and nothing to compare with is the desktop before it began.
            if before == shown && shown != self.last {
                return (seen, shown);
            }
        }
        panic!("{what}: nothing changes, or the desktop never rests");
    }
}

fn check(width: u16, height: u16, backend: &str) {
    let mut desktop = Desktop::start(width, height);
    programs(&mut desktop);
    let desk = Desk::open();
    let host = desk.host(&desktop, &["--capture", backend]);
    let viewer = desk.viewer(&host);
    let mut sight = Sight { desktop: &desktop, desk: &desk, viewer, last: Vec::new() };
    sight.after("at the start", |_| {});

    let (left, top, ..) = desktop.place(desktop.window("shell"));
    let (x, y) = (left + 200, top - 8);
    sight.after("a window was dragged", |viewer| {
        viewer.run(&format!("drag {x} {y} {} {}", x + 333, y + 177));
    });
    sight.after("a terminal has scrolled", |viewer| {
        viewer.run(&format!("click {} {}", x + 333, y + 177));
        desktop.wait_for_focus(desktop.window("shell"));
        viewer.run("type for n in $(seq 300); do echo $n of 300; done");
        viewer.run("key Return");
    });
    let (left, top, ..) = desktop.place(desktop.window("mousepad"));
    sight.after("an editor was scrolled", |viewer| {
        viewer.run(&format!("wheel {} {} 7", left + 120, top + 120));
    });
    let last = |side: u16| i16::try_from(side - 3).unwrap();
    sight.after("the last pixels have changed", |_| desktop.square(last(width), last(height), 0x00_ff_80));
    sight.viewer.end();
}

#[test]
fn a_full_hd_desktop_is_seen_pixel_for_pixel() {
    check(1920, 1080, "x11");
}

#[test]
fn a_desktop_of_odd_size_is_seen_pixel_for_pixel() {
    check(1367, 769, "x11");
}

#[test]
fn scrap_sees_a_full_hd_desktop_pixel_for_pixel() {
    check(1920, 1080, "scrap");
}

#[test]
fn scrap_sees_a_desktop_of_odd_size_pixel_for_pixel() {
    check(1367, 769, "scrap");
}
