//! Where there is no X there is no list of X windows.

use crate::inject::own::OwnWindows;
use eframe::CreationContext;

/// Nothing to register.
pub(super) fn register(_created: &CreationContext<'_>, _own: &OwnWindows) -> bool {
    false
}
