//! Where [`super::Keys`] can't be opened: what can be made of the toolkit's own events. Characters arrive, and keys
//! that have none; keys that the window manager takes don't, and a modifier is pressed only around a key. For Windows,
//! macOS and Linux without X11, where it has never been tried by us.

use super::usages;
use crate::messages::Act;
use eframe::egui::{Event, ImeEvent, Key, Modifiers};
use nearhand_proto::session::input::Usage;

/// What this event is for the user's computer; nothing if it isn't about the keyboard.
pub fn from_egui(event: &Event) -> Vec<Act> {
    match event {
        Event::Text(text) | Event::Ime(ImeEvent::Commit(text)) => vec![Act::Text(text.clone())],
        // The toolkit keeps these three for itself and says only what they are.
        Event::Copy => with(Modifiers::CTRL, vec![Act::Text("c".to_owned())]),
        Event::Cut => with(Modifiers::CTRL, vec![Act::Text("x".to_owned())]),
        Event::Paste(_) => with(Modifiers::CTRL, vec![Act::Text("v".to_owned())]),
        Event::Key { key, pressed: true, modifiers, .. } => pressed(*key, *modifiers),
        _ => Vec::new(),
    }
}

fn pressed(key: Key, modifiers: Modifiers) -> Vec<Act> {
    if let Some(usage) = usage(key) {
        let press = |down| Act::Key { usage, down };
        return with(modifiers, vec![press(true), press(false)]);
    }
    // Without these the character comes by itself, as text.
    if !(modifiers.ctrl || modifiers.alt || modifiers.mac_cmd) {
        return Vec::new();
    }
    let mut name = key.symbol_or_name().to_owned();
    if !modifiers.shift {
        name.make_ascii_lowercase();
    }
    let character = if key == Key::Space { " ".to_owned() } else { name };
    if character.chars().count() == 1 { with(modifiers, vec![Act::Text(character)]) } else { Vec::new() }
}

/// The acts with modifiers pressed around them.
fn with(modifiers: Modifiers, acts: Vec<Act>) -> Vec<Act> {
    let held = [
        (modifiers.ctrl, usages::CONTROL),
        (modifiers.alt, usages::ALT),
        (modifiers.shift, usages::SHIFT),
        (modifiers.mac_cmd, Usage(0xe3)),
    ];
    let held = || held.into_iter().filter(|held| held.0).map(|held| held.1);
    let press = held().map(|usage| Act::Key { usage, down: true });
    let release = held().rev().map(|usage| Act::Key { usage, down: false });
    press.chain(acts).chain(release).collect()
}

/// The key, if it is one without a character.
fn usage(key: Key) -> Option<Usage> {
    const FUNCTIONS: [Key; 24] = [
        Key::F1,
        Key::F2,
        Key::F3,
        Key::F4,
        Key::F5,
        Key::F6,
        Key::F7,
        Key::F8,
        Key::F9,
        Key::F10,
        Key::F11,
        Key::F12,
        Key::F13,
        Key::F14,
        Key::F15,
        Key::F16,
        Key::F17,
        Key::F18,
        Key::F19,
        Key::F20,
        Key::F21,
        Key::F22,
        Key::F23,
        Key::F24,
    ];
    if let Some(number) = FUNCTIONS.iter().position(|function| *function == key) {
        let number = u16::try_from(number).ok()?;
        return Some(Usage(if number < 12 { 0x3a + number } else { 0x68 + number - 12 }));
    }
    Some(Usage(match key {
        Key::Enter => 0x28,
        Key::Escape => 0x29,
        Key::Backspace => 0x2a,
        Key::Tab => 0x2b,
        Key::Insert => 0x49,
        Key::Home => 0x4a,
        Key::PageUp => 0x4b,
        Key::Delete => 0x4c,
        Key::End => 0x4d,
        Key::PageDown => 0x4e,
        Key::ArrowRight => 0x4f,
        Key::ArrowLeft => 0x50,
        Key::ArrowDown => 0x51,
        Key::ArrowUp => 0x52,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_become_acts() {
        let key = |key, modifiers, pressed| Event::Key {
            key,
            physical_key: None,
            pressed,
            repeat: false,
            modifiers,
        };
        let text = |text: &str| Act::Text(text.to_owned());
        let act = |usage, down| Act::Key { usage: Usage(usage), down };
        let (none, control) = (Modifiers::NONE, Modifiers::CTRL);
        for (event, expected) in [
            (Event::Text("ü".to_owned()), vec![text("ü")]),
            (key(Key::A, none, true), vec![]),
            (key(Key::A, control, true), vec![act(0xe0, true), text("a"), act(0xe0, false)]),
            (key(Key::Plus, control, true), vec![act(0xe0, true), text("+"), act(0xe0, false)]),
            (Event::Copy, vec![act(0xe0, true), text("c"), act(0xe0, false)]),
            (key(Key::Enter, none, true), vec![act(0x28, true), act(0x28, false)]),
            (key(Key::Enter, none, false), vec![]),
            (key(Key::F12, none, true), vec![act(0x45, true), act(0x45, false)]),
            (key(Key::F13, none, true), vec![act(0x68, true), act(0x68, false)]),
        ] {
            assert_eq!(from_egui(&event), expected, "{event:?}");
        }
    }
}
