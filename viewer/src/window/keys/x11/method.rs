//! Whether an input method's server runs that the toolkit talks to: `XMODIFIERS` names it, and XIM (The Input Method
//! Protocol §4.1) has it own the selection `@server=NAME`. Without one the toolkit makes characters itself, out of our
//! sight; then we make them.

use super::super::KeysError;
use x11rb::{protocol::xproto::ConnectionExt as _, rust_connection::RustConnection};

/// True if one runs now.
pub(super) fn runs(connection: &RustConnection) -> Result<bool, KeysError> {
    let modifiers = std::env::var("XMODIFIERS").unwrap_or_default();
    let Some(name) = name(&modifiers) else { return Ok(false) };
    let server = connection.intern_atom(true, format!("@server={name}").as_bytes())?.reply()?.atom;
    Ok(server != x11rb::NONE && connection.get_selection_owner(server)?.reply()?.owner != x11rb::NONE)
}

/// The server's name, if one is named that isn't inside the library.
fn name(modifiers: &str) -> Option<&str> {
    let name = modifiers.split('@').find_map(|category| category.strip_prefix("im="))?;
    (!matches!(name, "" | "none" | "local")).then_some(name)
}

#[cfg(test)]
mod tests {
    #[test]
    fn servers_are_told_from_what_is_inside_the_library() {
        for (modifiers, expected) in [
            ("@im=ibus", Some("ibus")),
            ("@foo=bar@im=fcitx", Some("fcitx")),
            ("@im=local", None),
            ("@im=none", None),
            ("@im=", None),
            ("", None),
        ] {
            assert_eq!(super::name(modifiers), expected, "{modifiers}");
        }
    }
}
