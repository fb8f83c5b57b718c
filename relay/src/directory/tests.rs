//! The table, with a hand-held clock.

use super::*;
use nearhand_proto::{ids::ActorId, text::Name};

fn rid(n: u8) -> Rid {
    Rid::of(&Fingerprint([n; 32]))
}

fn technician() -> Technician {
    Technician { id: ActorId([1; 16]), name: Name::lossy("Vera"), desk: Name::lossy("Desk") }
}

const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

/// The host waits under the number that it drew; `None` if it may not.
fn wait(directory: &mut Directory, host: Rid, random: [u8; 4], now: Instant) -> Option<Locator> {
    match directory.wait(host, ADDRESS, random, now) {
        Drawn::Waiting(locator, _) => Some(locator),
        Drawn::Taken | Drawn::Busy => None,
    }
}

fn claim(directory: &mut Directory, locator: Locator, viewer: u8, now: Instant) -> (Claimed, Outbox) {
    let claimant = Claimant {
        viewer: rid(viewer),
        technician_key: Fingerprint([9; 32]),
        technician: technician(),
        address: ADDRESS,
    };
    directory.claim(locator, claimant, now)
}

#[test]
fn a_claim_that_both_confirm_is_used_up() {
    let now = Instant::now();
    let mut directory = Directory::default();
    let locator = wait(&mut directory, rid(1), [0, 0, 0, 7], now).unwrap();
    assert_eq!(locator.to_string(), "00007");
    let (Claimed::Started(id), outbox) = claim(&mut directory, locator, 2, now) else { panic!() };
    assert_eq!(outbox.iter().map(|(to, _)| *to).collect::<Vec<_>>(), [rid(1), rid(2)]);
    assert_eq!(directory.pair(id, rid(2)), Carried::To(rid(1)));
    assert_eq!(directory.pair(id, rid(3)), Carried::Nowhere, "a stranger");
    assert!(directory.confirm(id, rid(1), now).is_none());
    assert!(directory.confirm(id, rid(3), now).is_none());
    assert!(directory.confirm(id, rid(2), now).is_some());
    assert!(matches!(claim(&mut directory, locator, 4, now).0, Claimed::Nobody), "used");
}

#[test]
fn two_claimants_kill_the_code() {
    let now = Instant::now();
    let mut directory = Directory::default();
    let locator = wait(&mut directory, rid(1), [0; 4], now).unwrap();
    claim(&mut directory, locator, 2, now);
    let (result, outbox) = claim(&mut directory, locator, 3, now);
    assert!(matches!(result, Claimed::Two(_)));
    let told: Vec<_> = outbox.iter().map(|(to, _)| *to).collect();
    assert_eq!(told, [rid(1), rid(2)]);
    assert!(matches!(claim(&mut directory, locator, 4, now).0, Claimed::Nobody));
}

#[test]
fn a_freed_locator_rests() {
    let now = Instant::now();
    let mut directory = Directory::default();
    let locator = wait(&mut directory, rid(1), [0, 0, 0, 7], now).unwrap();
    directory.leave(rid(1), Close::NoSuchCode, now);
    assert_eq!(wait(&mut directory, rid(2), [0, 0, 0, 7], now), None);
    assert_eq!(wait(&mut directory, rid(2), [0, 0, 0, 7], now + REST), Some(locator));
}

#[test]
fn an_abandoned_claim_leaves_the_code_waiting() {
    let now = Instant::now();
    let mut directory = Directory::default();
    let locator = wait(&mut directory, rid(1), [0; 4], now).unwrap();
    let (Claimed::Started(id), _) = claim(&mut directory, locator, 2, now) else { panic!() };
    assert!(directory.abandon(id, rid(3), Close::WrongCode).is_none(), "a stranger");
    let effects = directory.abandon(id, rid(1), Close::WrongCode).unwrap();
    assert_eq!(effects.outbox[0].0, rid(2));
    assert!(effects.wrong.is_empty(), "the host had not answered");
    assert!(matches!(claim(&mut directory, locator, 3, now).0, Claimed::Started(_)));
    assert_eq!(directory.gone(rid(3), now).outbox[0].0, rid(1));
    let (Claimed::Started(_), _) = claim(&mut directory, locator, 4, now) else { panic!() };
    let told = directory.gone(rid(1), now).outbox;
    assert!(matches!(told[0].1, ToEnd::Withdrawn { why: Close::HostGone, .. }));
    assert_eq!(directory.waiting(), 0);
}

#[test]
fn a_busy_desk_gets_a_digit_more() {
    let now = Instant::now();
    let mut directory = Directory::default();
    for n in 0..1_000_u32 {
        let key = Fingerprint::of(&n.to_be_bytes());
        wait(&mut directory, Rid::of(&key), n.to_be_bytes(), now).unwrap();
    }
    assert_eq!(wait(&mut directory, rid(1), [0, 0, 0xff, 0xff], now).unwrap().to_string().len(), 6);
}

#[test]
fn pair_messages_are_bounded() {
    let now = Instant::now();
    let mut directory = Directory::default();
    let locator = wait(&mut directory, rid(1), [0; 4], now).unwrap();
    let (Claimed::Started(id), _) = claim(&mut directory, locator, 2, now) else { panic!() };
    let carried = |_: &u32| directory.pair(id, rid(2)) == Carried::To(rid(1));
    assert_eq!(
        (0..300).filter(carried).count(),
        usize::from(MAX_PAIR_MESSAGES),
        "never again, even after 256"
    );
    assert_eq!(directory.pair(id, rid(2)), Carried::TooMany);
}

/// One guess at the code of host 1 by viewer 2; then `end` ends it. Returns what was handed out as wrong.
fn guess(
    steps: &[Rid],
    confirmed: Option<Rid>,
    end: impl FnOnce(&mut Directory, ClaimId) -> Effects,
) -> usize {
    let now = Instant::now();
    let mut directory = Directory::default();
    let locator = wait(&mut directory, rid(1), [0; 4], now).unwrap();
    let (Claimed::Started(id), _) = claim(&mut directory, locator, 2, now) else { panic!() };
    for from in steps {
        directory.pair(id, *from);
    }
    assert!(confirmed.is_none_or(|from| directory.confirm(id, from, now).is_none()));
    let wrong = end(&mut directory, id).wrong.len();
    let again = [directory.gone(rid(2), now), directory.gone(rid(1), now)];
    assert!(again.iter().all(|effects| effects.wrong.is_empty()), "once");
    wrong
}

#[test]
fn an_answered_claim_that_the_host_does_not_confirm_is_a_wrong_code_whoever_ends_it() {
    let now = Instant::now();
    let (host, viewer) = (rid(1), rid(2));
    let abandoned = |by: Rid, why| move |table: &mut Directory, id| table.abandon(id, by, why).unwrap();
    let answered = [viewer, host];
    assert_eq!(guess(&answered, None, abandoned(host, Close::WrongCode)), 1);
    assert_eq!(guess(&answered, None, abandoned(host, Close::Protocol)), 1);
    assert_eq!(guess(&answered, None, abandoned(viewer, Close::TechnicianLeft)), 1);
    assert_eq!(guess(&answered, None, |table, _| table.gone(rid(2), now)), 1);
    assert_eq!(guess(&answered, None, |table, _| table.gone(rid(1), now)), 1);
    assert_eq!(guess(&answered, None, |table, _| table.leave(rid(1), Close::NoSuchCode, now)), 1);
    assert_eq!(guess(&answered, Some(viewer), abandoned(viewer, Close::TechnicianLeft)), 1);
    assert_eq!(guess(&answered, Some(host), abandoned(viewer, Close::TechnicianLeft)), 0, "it was right");
    assert_eq!(guess(&[viewer], None, abandoned(viewer, Close::TechnicianLeft)), 0, "not answered");
    assert_eq!(guess(&[viewer], None, abandoned(host, Close::WrongCode)), 0, "not answered");
}

#[test]
fn only_the_right_side_gives_a_reason_and_only_one_that_is_its_own() {
    let check = |by: Rid, why, expected| {
        let now = Instant::now();
        let mut directory = Directory::default();
        let locator = wait(&mut directory, rid(1), [0; 4], now).unwrap();
        let (Claimed::Started(id), _) = claim(&mut directory, locator, 2, now) else { panic!() };
        let outbox = directory.abandon(id, by, why).unwrap().outbox;
        assert!(matches!(outbox[0].1, ToEnd::Withdrawn { why, .. } if why == expected), "{outbox:?}");
    };
    check(rid(2), Close::TwoClaimants, Close::TechnicianLeft);
    check(rid(2), Close::WrongCode, Close::TechnicianLeft);
    check(rid(1), Close::CodeDead, Close::CodeDead);
    check(rid(1), Close::TechnicianRemoved, Close::Protocol);
    check(rid(1), Close::RelayStopping, Close::Protocol);
}

#[test]
fn a_new_locator_withdraws_the_claim_at_the_old_one() {
    let now = Instant::now();
    let mut directory = Directory::default();
    let locator = wait(&mut directory, rid(1), [0, 0, 0, 7], now).unwrap();
    claim(&mut directory, locator, 2, now);
    let Drawn::Waiting(_, effects) = directory.wait(rid(1), ADDRESS, [0, 0, 0, 8], now) else { panic!() };
    assert!(matches!(effects.outbox[..], [(to, ToEnd::Withdrawn { .. })] if to == rid(2)), "{effects:?}");
}

#[test]
fn an_address_that_uses_up_locators_is_stopped_and_nobody_else() {
    for connections_per_address in [1, 16, 100] {
        let now = Instant::now();
        let limits = Limits { connections_per_address, ..Limits::default() };
        let mut directory = Directory::new(limits);
        for n in 0..=connections_per_address * RESTING {
            assert!(wait(&mut directory, rid(1), n.to_be_bytes(), now).is_some(), "{n}");
        }
        let free = [0, 0, 0xff, 0];
        assert!(matches!(directory.wait(rid(1), ADDRESS, free, now), Drawn::Busy));
        let elsewhere = directory.wait(rid(2), [10, 0, 0, 1].into(), free, now);
        assert!(matches!(elsewhere, Drawn::Waiting(..)));
        assert!(wait(&mut directory, rid(1), [0, 0, 0xfe, 0], now + REST).is_some());
        assert_eq!(directory.resting_of.get(&ADDRESS), Some(&1));
    }
}

#[test]
fn an_end_that_was_host_first_and_viewer_then_leaves_nothing() {
    let now = Instant::now();
    let mut directory = Directory::default();
    wait(&mut directory, rid(1), [0, 0, 0, 7], now).unwrap();
    let other = wait(&mut directory, rid(2), [0, 0, 0, 8], now).unwrap();
    let (Claimed::Started(_), _) = claim(&mut directory, other, 1, now) else { panic!() };
    let effects = directory.gone(rid(1), now);
    assert_eq!((directory.waiting(), directory.claims.len()), (1, 0), "the other host waits");
    assert!(matches!(effects.outbox[..], [(to, ToEnd::Withdrawn { .. })] if to == rid(2)), "{effects:?}");
}
