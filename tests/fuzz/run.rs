//! The stable runner of the fuzz targets, a test for each: the corpus of `tests/fuzz/corpus`, then mutations of it for
//! `NEARHAND_FUZZ_SECONDS`, by `NEARHAND_SEED`. `docs/fuzzing.md` is the manual; the other runner is cargo-fuzz.

mod allocations;
mod ends;
mod messages;
mod runner;

use nearhand_proto::ids::Fingerprint;
use nearhand_tests::fuzz::{TARGETS, Target};
use std::{collections::BTreeSet, fs};

#[global_allocator]
static ALLOCATOR: allocations::Counting = allocations::Counting;

/// The variable with which the seeds are written anew.
const WRITE: &str = "NEARHAND_FUZZ_SEEDS";

fn all() -> impl Iterator<Item = &'static Target> {
    TARGETS.iter().chain(ends::TARGETS)
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            let name = stringify!($name);
            runner::run(all().find(|target| target.name == name).expect("a target of this name"));
        })*

        #[test]
        fn every_target_has_a_test() {
            let tested = BTreeSet::from([$(stringify!($name)),*]);
            assert_eq!(tested, all().map(|target| target.name).collect());
        }
    };
}

targets! {
    to_relay to_end to_host to_viewer input screen position clipboard pair_message frames packet runs routes register pair
    codes consent held address picture tiles pointer name relay_string code script event tree verify ledger record_file
    export admin relay_config relay host_config host_state viewer_state
}

/// cargo-fuzz begins with the files alone.
#[test]
fn the_corpus_holds_every_seed() {
    for target in all() {
        let folder = runner::folder("fuzz/corpus").join(target.name);
        let seeds = (target.seeds)();
        assert!(!seeds.is_empty(), "{} begins with nothing", target.name);
        if std::env::var_os(WRITE).is_some() {
            fs::create_dir_all(&folder).expect("a folder for seeds");
            let old = fs::read_dir(&folder).expect("a folder that can be read");
            let old = old.map(|file| file.expect("a folder that can be read").path());
            let is_seed = |path: &std::path::PathBuf| {
                path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"seed-"))
            };
            old.filter(is_seed).for_each(|path| fs::remove_file(path).expect("an old seed goes"));
            for seed in &seeds {
                // By content, so that a new seed changes no other file.
                let name = format!("seed-{}", Fingerprint::of(seed).actor());
                fs::write(folder.join(name), seed).expect("room for a seed");
            }
            continue;
        }
        let kept: BTreeSet<_> = runner::corpus(target.name).into_iter().collect();
        let missing = seeds.iter().filter(|seed| !kept.contains(*seed)).count();
        let how =
            format!("{WRITE}=write cargo test -p nearhand-tests --test fuzz the_corpus_holds_every_seed");
        assert_eq!(missing, 0, "seeds of {} are missing; write them by: {how}", target.name);
    }
}

#[test]
fn cargo_fuzz_has_the_same_targets() {
    let manifest = fs::read_to_string(runner::folder("fuzz/Cargo.toml")).expect("the cargo-fuzz crate");
    let binaries = manifest.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
    let binaries: BTreeSet<_> = binaries.filter(|name| *name != "nearhand-fuzz").collect();
    assert_eq!(binaries, TARGETS.iter().map(|target| target.name).collect());
}
