//! Runs one target: its whole corpus, then mutations of it for some time. What fails is kept as a file and named.

use crate::allocations;
use nearhand_proto::wire::MAX_MESSAGE;
use nearhand_tests::fuzz::{Havoc, Target, allowed};
use std::{
    any::Any,
    fs, panic,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// How long mutation goes on: seconds of each target, 1 if nothing is said.
const SECONDS: &str = "NEARHAND_FUZZ_SECONDS";

/// No input may take longer. Long, since others may use the machine; cargo-fuzz allows 2 s.
const PATIENCE: Duration = Duration::from_secs(20);

/// A folder of the source tree.
pub(crate) fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Runs a target to the end of its time.
///
/// # Panics
/// At the first input that fails.
pub(crate) fn run(target: &Target) {
    let panics = Panics::watch();
    let mut corpus = corpus(target.name);
    corpus.extend((target.seeds)());
    for input in &corpus {
        attempt(target, input, &panics);
    }
    let seed = nearhand_tests::weather::seed(target.name);
    let mut havoc = Havoc::new(seed, corpus);
    let until = Instant::now() + seconds();
    let mut count = 0_u64;
    while Instant::now() < until {
        attempt(target, &havoc.input(), &panics);
        count += 1;
    }
    eprintln!("{}: {count} mutations", target.name);
}

fn seconds() -> Duration {
    let text = std::env::var(SECONDS).unwrap_or_else(|_| "1".to_owned());
    Duration::from_secs(
        text.parse().unwrap_or_else(|_| panic!("{SECONDS} is a number of seconds, not '{text}'")),
    )
}

/// The inputs that are kept in the source tree.
pub(crate) fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = folder("fuzz/corpus").join(name);
    let Ok(files) = fs::read_dir(&folder) else { return Vec::new() };
    let mut paths: Vec<_> = files.map(|file| file.expect("a folder that can be read").path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("a corpus that can be read")).collect()
}

fn attempt(target: &Target, input: &[u8], panics: &Panics) {
    let began = Instant::now();
    let failed = tried(target, input).err().or_else(|| panics.elsewhere());
    let late = (PATIENCE < began.elapsed()).then(|| format!("it took {:?}", began.elapsed()));
    if let Some(why) = failed.or(late) {
        let file = keep(target.name, input);
        panic!(
            "{} fails: {why}\nthe input is kept in {}; when it is mended, add it to tests/fuzz/corpus/{}",
            target.name,
            file.display(),
            target.name
        );
    }
}

fn tried(target: &Target, input: &[u8]) -> Result<(), String> {
    if let Some(decode) = target.decode {
        allocations::take();
        panic::catch_unwind(|| decode(input)).map_err(said)?;
        let largest = allocations::take();
        if allowed(input.len()) < largest.written || allowed(MAX_MESSAGE) < largest.zeroed {
            return Err(format!("decoding {} bytes allocated {largest:?}", input.len()));
        }
    }
    panic::catch_unwind(|| (target.run)(input)).map_err(said)
}

fn said(panic: Box<dyn Any + Send>) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

fn keep(name: &str, input: &[u8]) -> PathBuf {
    let folder = folder("../target/fuzz-artifacts");
    let file = folder.join(format!("{name}-{}", nearhand_proto::ids::Fingerprint::of(input)));
    fs::create_dir_all(&folder).expect("a folder for failures");
    fs::write(&file, input).expect("room for a failure");
    file
}

/// Panics of other threads and of tasks, which nobody would hear of. Those of this thread are caught, and not printed.
struct Panics(Arc<Mutex<Vec<String>>>);

impl Panics {
    fn watch() -> Self {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (all, print) = (heard.clone(), panic::take_hook());
        panic::set_hook(Box::new(move |panic| {
            if panic.payload_as_str().is_some_and(|text| text.contains("the input is kept in")) {
                return print(panic);
            }
            let said = format!("{} in thread {:?}", panic, thread::current().name());
            all.lock().unwrap_or_else(PoisonError::into_inner).push(said);
        }));
        Self(heard)
    }

    /// Says what has panicked since the last call.
    fn elsewhere(&self) -> Option<String> {
        let heard = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        (!heard.is_empty()).then(|| heard.join("\n"))
    }
}
