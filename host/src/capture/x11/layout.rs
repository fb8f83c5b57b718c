//! The monitors of an X screen (RandR 1.5, `RRGetMonitors`), cut to what the root window holds.

use super::desktop::Desktop;
use crate::capture::{CaptureError, areas};
use nearhand_proto::{
    session::{
        control::MAX_MONITORS,
        geometry::{Monitor, MonitorId, Size},
    },
    text::Name,
};
use x11rb::protocol::{
    randr::{ConnectionExt as _, MonitorInfo},
    xproto::ConnectionExt as _,
};

/// The monitors now, from left to right (from the top where equal); their ids count from 0 in this order. An X
/// server that knows of none has one as large as its root window.
pub(super) fn monitors(desktop: &Desktop) -> Result<Vec<Monitor>, CaptureError> {
    let Desktop { connection, root, .. } = desktop;
    let root_size = connection.get_geometry(*root)?.reply()?;
    let root_size = Size { width: root_size.width, height: root_size.height };
    let mut monitors = Vec::new();
    for info in connection.randr_get_monitors(*root, true)?.reply()?.monitors {
        let name = connection.get_atom_name(info.name)?.reply()?.name;
        monitors.extend(monitor(&info, &String::from_utf8_lossy(&name), root_size));
    }
    if monitors.is_empty() && root_size.is_allowed() {
        let name = Name::lossy("screen");
        monitors.push(Monitor { id: MonitorId(0), name, left: 0, top: 0, size: root_size, primary: true });
    }
    monitors.sort_by_key(|monitor| (monitor.left, monitor.top));
    monitors.truncate(MAX_MONITORS);
    for (number, monitor) in (0..).zip(&mut monitors) {
        monitor.id = MonitorId(number);
    }
    let none = || CaptureError::Unsupported("no monitor is switched on; switch one on".to_owned());
    if monitors.is_empty() { Err(none()) } else { Ok(monitors) }
}

/// One monitor, its id still open; `None` if nothing of it lies on the root window.
fn monitor(info: &MonitorInfo, name: &str, root: Size) -> Option<Monitor> {
    let area = (info.x.into(), info.y.into(), info.width.into(), info.height.into());
    let area = areas::on_monitor(area, (0, 0), root)?;
    let size = Size { width: area.width, height: area.height };
    let (left, top) = (area.x.into(), area.y.into());
    let monitor =
        Monitor { id: MonitorId(0), name: Name::lossy(name), left, top, size, primary: info.primary };
    size.is_allowed().then_some(monitor)
}
