//! How much of something a story does: little in every run, more where a variable says so (`tests/nightly.sh`).

/// What the variable says; else `usual`.
///
/// # Panics
/// If the variable holds no number.
pub fn number(variable: &str, usual: usize) -> usize {
    let given = std::env::var(variable).ok();
    given.map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{variable} holds no number: {text}")))
}
