//! Fuzz targets: every decoder of bytes that somebody else writes, and sequences of operations on every machine that
//! such bytes drive. A target takes any bytes and returns; a panic is a finding.
//!
//! Two runners use the one table [`TARGETS`]: the test binary `fuzz` (stable Rust: mutation of the corpus, and a counting
//! allocator) and the cargo-fuzz crate in `tests/fuzz` (nightly Rust: guided by coverage). `tests/fuzz.sh` runs both;
//! `docs/fuzzing.md` says how to run one target, and which decoders have no target yet because they don't exist yet.

mod damage;
mod frames;
mod havoc;
mod input;
mod machines;
mod packets;
mod pairing;
mod paths;
mod picture;
mod record;
mod relay;
mod settings;
mod texts;
mod wire;

pub use havoc::Havoc;
pub use input::Input;

/// One decoder or machine.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: that of its corpus and of its cargo-fuzz binary.
    pub name: &'static str,
    /// Takes any bytes; panics if what should always hold doesn't.
    pub run: fn(&[u8]),
    /// Only decodes, for a decoder whose allocations must stay within [`allowed`]; `None` for machines.
    pub decode: Option<fn(&[u8])>,
    /// Good inputs to begin with; `tests/fuzz/corpus` holds them as files.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Bytes of one allocation that decoding so many bytes may ask for before anything is validated.
pub fn allowed(input: usize) -> usize {
    input.saturating_mul(2).saturating_add(64 << 10)
}

/// All targets but those of the ends' own files, which stand beside the stable runner: they need the windows' libraries, whose
/// instrumented build takes too long.
pub const TARGETS: &[Target] = &[
    wire::TO_RELAY,
    wire::TO_END,
    wire::TO_HOST,
    wire::TO_VIEWER,
    wire::INPUT,
    wire::SCREEN,
    wire::POSITION,
    wire::CLIPBOARD,
    wire::PAIR_MESSAGE,
    frames::FRAMES,
    packets::PACKET,
    packets::RUNS,
    packets::ROUTES,
    pairing::REGISTER,
    pairing::PAIR,
    pairing::CODES,
    machines::CONSENT,
    machines::HELD,
    paths::ADDRESS,
    picture::PICTURE,
    picture::TILES,
    picture::POINTER,
    texts::NAME,
    texts::RELAY_STRING,
    texts::CODE,
    texts::SCRIPT,
    record::EVENT,
    record::TREE,
    record::VERIFY,
    record::LEDGER,
    damage::RECORD_FILE,
    damage::EXPORT,
    damage::ADMIN,
    settings::RELAY_CONFIG,
    relay::RELAY,
];

/// The target of this name.
///
/// # Panics
/// If there is none.
pub fn target(name: &str) -> &'static Target {
    TARGETS.iter().find(|target| target.name == name).unwrap_or_else(|| panic!("no target is called {name}"))
}
