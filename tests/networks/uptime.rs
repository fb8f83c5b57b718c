//! A relay that has been up for 25, 50 and 400 days (F15), as far as all its clocks say: what counts milliseconds in 32 bits
//! wraps by then. libfaketime moves the clocks of the real program while nobody is connected.

use crate::clock::{relay_with_clock, set_clock};
use nearhand_proto::{
    code::{Locator, Secret},
    ids::{ActorId, ClaimId, Fingerprint, SessionId},
    pair::{Codes, Lifetimes},
    record::{Event, Ledger, Origin},
    rights::Rights,
    session::{
        consent::{Consent, Outcome, PATIENCE},
        input::{Held, Input, PATIENCE as HELD, Usage},
    },
};
use nearhand_relay::{
    limits::{Limits, WrongCodes},
    pace::{Bucket, Pace},
};
use nearhand_tests::world::consent;
use serde_json::{Value, json};
use std::{
    net::{IpAddr, Ipv4Addr},
    time::{Duration, Instant},
};

const DAY: u64 = 86_400;
const UPTIMES: [u64; 3] = [25, 50, 400];

#[tokio::test]
async fn a_relay_that_has_been_up_for_400_days_pairs_and_records_as_on_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clock");
    set_clock(&file, 0);
    let world = relay_with_clock(&file, true).await;
    let technician = world.technician("Vera Example").await;
    for days in UPTIMES {
        set_clock(&file, i64::try_from(days * DAY).unwrap());
        let mut host = world.host();
        let code = host.code().await;
        let mut viewer = world.viewer(&technician, &code);
        consent(&mut host, &mut viewer).await;
        viewer.types("on time").await;
        viewer.note(&format!("after {days} days")).await;
        assert_eq!(viewer.end().await, nearhand_proto::close::Close::TechnicianLeft);
        host.session_over().await;
        drop(host);
    }
    let lines = world.operator.ask(json!({"do": "record-export"})).await.out;
    let entries: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let starts: Vec<_> = entries
        .iter()
        .filter(|entry| entry["event"] == "session.start")
        .map(|entry| entry["monotonic_ns"].as_u64().unwrap() / 1_000_000_000 / DAY)
        .collect();
    assert_eq!(starts, UPTIMES);
    let steps = entries.iter().filter(|entry| entry["event"] == "clock.step").count();
    assert_eq!(steps, 0, "both clocks moved");
    assert!(!world.log().contains("panicked"), "{}", world.log());
    world.end().await;
}

/// What must hold after so many seconds, of every machine that counts time.
fn holds_after(start: Instant, uptime: Duration) {
    let now = start + uptime;
    let later = |seconds| now + Duration::from_secs(seconds);

    let mut codes = Codes::new(true, Lifetimes::default());
    while codes.poll().is_some() {}
    codes.handle_locator(Locator::new(42, 5).unwrap(), Secret::draw([7; 4]).unwrap(), now);
    codes.handle_time(later(599));
    assert!(codes.shown().is_some(), "ten minutes are not over");
    codes.handle_time(later(600));
    assert!(codes.shown().is_none());
    assert!(codes.handle_claim(ClaimId(1), later(600)).is_err());

    let mut ledger = Ledger::new(SessionId([1; 16]), start);
    let entry = ledger.append(&Event::SessionPaused, Origin::Host, ActorId([2; 16]), u64::MAX, now, [3; 32]);
    assert_eq!(u128::from(entry.header.stamp.monotonic_ns), uptime.as_nanos());

    let mut held = Held::default();
    held.handle(&Input::Key { usage: Usage(4), down: true }, now);
    assert_eq!(held.deadline(), Some(now + HELD));

    let mut user = Consent::new(PATIENCE);
    user.ask(Rights::VIEW, now);
    assert_eq!(user.handle_time(later(59)), None);
    assert_eq!(user.handle_time(later(60)), Some(Outcome::TimedOut(Rights::VIEW)));

    let (mut wrong, technician) = (WrongCodes::new(Limits::default()), Fingerprint([5; 32]));
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    (0..5).for_each(|_| wrong.handle_wrong(technician, address, now));
    assert!(!wrong.may_try(&technician, &address, later(3_599)));
    assert!(wrong.may_try(&technician, &address, later(3_600)));

    let (mut bucket, pace) = (Bucket::default(), Pace { burst: 2, every: Duration::from_secs(1) });
    assert!(bucket.take(pace, start) && bucket.take(pace, now) && bucket.take(pace, now));
    assert!(!bucket.take(pace, now) && bucket.take(pace, later(1)));
}

#[test]
fn no_machine_that_counts_time_wraps_in_400_days() {
    let start = Instant::now();
    for days in UPTIMES {
        for around in [days * DAY - 1, days * DAY, days * DAY + 1] {
            holds_after(start, Duration::from_secs(around));
        }
    }
    // Where milliseconds, signed and not, leave 32 bits.
    for milliseconds in [1 << 31, 1 << 32_u64] {
        holds_after(start, Duration::from_millis(milliseconds));
    }
}
