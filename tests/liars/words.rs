//! Control messages that no honest end says: the relay hangs up with a reason, keeps nothing, and serves on.

use crate::bounds::serves_on;
use nearhand_proto::{
    close::Close,
    control::{Role, ToEnd, ToRelay},
    ids::{ActorId, SessionId},
    net::{Identity, frame},
    record::{Entry, Event, Origin, Stamp},
};
use nearhand_tests::{
    World,
    liar::{Forger, HungUp, Liar, memory::Memory},
};

/// A body of this length is allowed, a longer one is not.
const LONGEST: u32 = 64 << 10;

fn claiming(length: u32, body: &[u8]) -> Vec<u8> {
    [&length.to_be_bytes()[..], body].concat()
}

/// What is said, whether the stream ends there, and how the relay hangs up.
type Words = (&'static str, Vec<u8>, bool, Close);

fn words() -> Vec<Words> {
    let ping = frame(&ToRelay::Ping(7));
    vec![
        ("a message of 4 GiB", claiming(u32::MAX, b""), false, Close::Protocol),
        ("one byte more than allowed", claiming(LONGEST + 1, b""), false, Close::Protocol),
        (
            "one byte more than allowed, and all of it",
            claiming(LONGEST + 1, &[0; 65_537]),
            false,
            Close::Protocol,
        ),
        ("as much as allowed, of zeros", claiming(LONGEST, &[0; 65_536]), false, Close::Protocol),
        ("a message of no bytes", claiming(0, b""), false, Close::Protocol),
        ("a message that no end knows", claiming(1, &[99]), false, Close::Protocol),
        ("a message of a very large number", claiming(9, &[253; 9]), false, Close::Protocol),
        ("a message with a byte behind it", claiming(3, &[12, 7, 0]), false, Close::Protocol),
        (
            "a list of 2^40 entries",
            claiming(26, &{
                let mut body = vec![10];
                body.extend([1; 16]);
                body.extend([253, 0, 0, 0, 0, 0, 1, 0, 0]);
                body
            }),
            false,
            Close::Protocol,
        ),
        ("text that is none", claiming(4, &[1, 2, 0xff, 0xfe]), false, Close::Protocol),
        ("half a length, and the end", ping[..2].to_vec(), true, Close::Protocol),
        ("half a message, and the end", ping[..5].to_vec(), true, Close::Protocol),
        ("half a message, and nothing", ping[..5].to_vec(), false, Close::TooSlow),
    ]
}

/// Says this, as an end that has registered or as one that has not; how the relay hangs up.
async fn hung_up_for(world: &World, words: &Words, registers: bool) -> HungUp {
    let (_, bytes, ends, _) = words;
    let identity = Identity::generate(1).unwrap();
    let liar = Forger::dial(&world.relay(), &identity).await.unwrap();
    let (mut send, _receive) = match registers {
        true => liar.register(Role::Host, &identity).await,
        false => liar.connection.open_bi().await.unwrap(),
    };
    // A relay that hangs up in the middle takes no more.
    let _ = send.write_all(bytes).await;
    if *ends {
        let _ = send.finish();
    }
    liar.is_hung_up().await
}

#[tokio::test]
async fn broken_messages_are_hung_up_with_a_reason_before_and_after_registration() {
    let world = World::start_program_with(|_| {}).await;
    let memory = Memory::watch(world.process());
    let mut wrong = Vec::new();
    for words in words() {
        for registers in [false, true] {
            let (what, .., expected) = words;
            let how = hung_up_for(&world, &words, registers).await;
            if how != HungUp::Said(expected) {
                wrong.push(format!("{what}, registered {registers}: {how:?} instead of {expected:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    eprintln!("the relay grew by {} KiB at most", memory.peak());
    assert!(memory.peak() < 8 << 10, "{} KiB", memory.peak());
    serves_on(world).await;
}

#[tokio::test]
async fn an_end_in_no_session_makes_the_relay_carry_and_keep_almost_nothing() {
    let world = World::start_program_with(|_| {}).await;
    let technician = world.technician("Vera Example").await;
    let mut host = Liar::register(world.relay(), Role::Host, None).await;
    host.says(ToRelay::Wait).await;
    let waiting = |message| if let ToEnd::Waiting(locator) = message { Some(locator) } else { None };
    let locator = host.hears("a locator", waiting).await;
    let mut viewer = Liar::register(world.relay(), Role::Viewer, Some(technician.identity.clone())).await;
    viewer.says(ToRelay::Claim(locator)).await;
    let claimed = |message| if let ToEnd::Claimed { claim, .. } = message { Some(claim) } else { None };
    let claim = viewer.hears("the claim", claimed).await;
    // Four messages of 512 bytes each way are all that is carried before the code is proved: 4 KiB.
    for number in 0..5 {
        let message = vec![number; ToRelay::MAX_PAIR].into();
        viewer.says(ToRelay::Pair { claim, message }).await;
    }
    assert_eq!(viewer.is_hung_up().await, Close::Protocol);
    let mut carried = 0;
    let withdrawn = |message| match message {
        ToEnd::Pair { message, .. } => {
            carried += message.len();
            None
        }
        ToEnd::Withdrawn { .. } => Some(()),
        _ => None,
    };
    host.hears("that the claim is over", withdrawn).await;
    assert_eq!(carried, 4 * ToRelay::MAX_PAIR);
    let longer = vec![0; ToRelay::MAX_PAIR + 1].into();
    host.says(ToRelay::Pair { claim, message: longer }).await;
    assert_eq!(host.is_hung_up().await, Close::Protocol);
    serves_on(world).await;
}

#[tokio::test]
async fn facts_of_a_session_that_is_not_ones_own_are_not_kept_waiting() {
    let world = World::start_program_with(|_| {}).await;
    let session = SessionId([7; 16]);
    let stamp =
        Stamp { origin: Origin::Host, session, seq: 0, wall_ms: 1, monotonic_ns: 1, actor: ActorId([1; 16]) };
    let entry = Entry::new(&Event::ControlTaken, stamp, [1; 32]);
    let batch = frame(&ToRelay::Record { session, entries: vec![entry; ToRelay::MAX_ENTRIES] });
    let memory = Memory::watch(world.process());
    let mut liars = Vec::new();
    for _ in 0..20 {
        let identity = Identity::generate(1).unwrap();
        let liar = Forger::dial(&world.relay(), &identity).await.unwrap();
        let (mut send, receive) = liar.register(Role::Host, &identity).await;
        // A relay that reads no further takes no more; that is its right.
        let flood = async {
            for _ in 0..100 {
                send.write_all(&batch).await?;
            }
            Ok::<_, quinn::WriteError>(())
        };
        let _ = tokio::time::timeout(std::time::Duration::from_millis(200), flood).await;
        liars.push((liar, send, receive));
    }
    eprintln!("20 floods of facts cost the relay {} KiB", memory.peak());
    assert!(memory.peak() < 20 * 512, "{} KiB", memory.peak());
    drop(liars);
    serves_on(world).await;
}
