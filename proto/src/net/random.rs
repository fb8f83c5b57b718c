//! Random bytes from the operating system.

/// `N` fresh bytes.
///
/// # Panics
/// If the operating system has no randomness to give: nothing here is safe without.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}
