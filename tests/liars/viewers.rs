//! A paired viewer that lies to the host on the session connection, end to end: it is hung up, nothing that the user has not allowed
//! happens, and the host goes on with a new code.

use crate::bounds::honest_pairing;
use nearhand_host::front::{Press, Show};
use nearhand_proto::{
    close::Close,
    net::frame,
    rights::Rights,
    session::{StreamKind, ToHost},
};
use nearhand_tests::{
    Host, Technician, World,
    hermit::Paired,
    journal::in_time,
    liar::{Forger, HungUp, forge::ROOM, frames, memory::Memory},
};
use quinn::{RecvStream, SendStream, VarInt};

/// A length that no message has.
const HUGE: [u8; 4] = [0xff; 4];

/// KiB that the host may grow by while it is lied to; it runs in this process, with everything else of the story.
const MOST: u64 = 48 << 10;

/// The viewer's first unidirectional stream.
const FIRST_UNI: u64 = 2;

/// A viewer that is connected and whose wish stands before the user.
struct Lying {
    paired: Paired,
    forger: Forger,
    control: SendStream,
    _heard: RecvStream,
}

impl Lying {
    async fn to(world: &World, technician: &Technician, host: &mut Host) -> Self {
        let code = host.code().await;
        let paired = Paired::with(world.relay(), technician.identity.clone(), &code, Rights::VIEW).await;
        let peer = (paired.host, paired.route);
        let forger = Forger::dial_host(&paired.link.endpoint, &paired.own, peer).await.unwrap();
        let (mut control, heard) = forger.connection.open_bi().await.unwrap();
        control.write_all(&frame(&ToHost::Hello)).await.unwrap();
        host.asked(Rights::VIEW).await;
        Self { paired, forger, control, _heard: heard }
    }

    /// Opens a unidirectional stream with these first bytes.
    async fn opens(&self, bytes: &[u8]) -> SendStream {
        let mut stream = self.forger.connection.open_uni().await.unwrap();
        let _ = stream.write_all(bytes).await;
        stream
    }
}

/// What is said where.
enum Lie {
    Control(Vec<u8>),
    /// Then the control stream ends.
    LastWords(Vec<u8>),
    Uni(Vec<u8>),
}

fn lies() -> Vec<(&'static str, Lie)> {
    let input = StreamKind::Input as u8;
    vec![
        ("a control message of 4 GiB", Lie::Control(HUGE.into())),
        ("a control message that is too long by a byte", Lie::Control(vec![0, 0, 0x20, 1])),
        ("a control message that nobody knows", Lie::Control(vec![0, 0, 0, 1, 99])),
        ("a control message of no bytes", Lie::Control(vec![0; 4])),
        ("half a control message, and the end", Lie::LastWords(vec![0, 0, 0, 9, 1])),
        ("an input of 4 GiB", Lie::Uni([&[input][..], &HUGE].concat())),
        ("an input that nobody knows", Lie::Uni(vec![input, 0, 0, 0, 1, 99])),
    ]
}

#[tokio::test]
async fn a_viewer_that_breaks_the_protocol_is_hung_up_and_the_host_goes_on() {
    let world = World::start().await;
    let technician = world.technician("Mallory Example").await;
    let mut host = world.host();
    for (what, lie) in lies() {
        let mut liar = Lying::to(&world, &technician, &mut host).await;
        let mut kept = None;
        match lie {
            Lie::Control(bytes) => liar.control.write_all(&bytes).await.unwrap(),
            Lie::LastWords(bytes) => {
                liar.control.write_all(&bytes).await.unwrap();
                liar.control.finish().unwrap();
            }
            Lie::Uni(bytes) => kept = Some(liar.opens(&bytes).await),
        }
        assert_eq!(liar.forger.is_hung_up().await, HungUp::Said(Close::Protocol), "{what}");
        assert_eq!(host.session_over().await, Close::Protocol, "{what}");
        drop(kept);
        liar.paired.link.close().await;
    }
    assert_eq!(host.input.injected(), []);
    let given = |show: &Show| matches!(show, Show::Rights { held, .. } if !held.is_empty());
    assert!(!host.shows.all().iter().any(given), "nobody has allowed anything");
    honest_pairing(&world, &technician).await;
    world.end().await;
}

#[tokio::test]
async fn a_viewer_that_resets_streams_without_end_is_hung_up() {
    let world = World::start().await;
    let technician = world.technician("Mallory Example").await;
    let mut host = world.host();
    let liar = Lying::to(&world, &technician, &mut host).await;
    let resets = async {
        while liar.forger.connection.close_reason().is_none() {
            let Ok(mut stream) = liar.forger.connection.open_uni().await else { break };
            let _ = stream.write_all(&[StreamKind::Clipboard as u8]).await;
            let _ = stream.reset(VarInt::from_u32(1));
        }
    };
    in_time("the host has enough", resets).await;
    assert_eq!(liar.forger.is_hung_up().await, HungUp::Said(Close::Protocol));
    assert_eq!(host.session_over().await, Close::Protocol);
    liar.paired.link.close().await;
    honest_pairing(&world, &technician).await;
    world.end().await;
}

#[tokio::test]
async fn eight_mebibytes_of_gaps_cost_the_host_little_and_the_viewer_its_connection() {
    let world = World::start().await;
    let technician = world.technician("Mallory Example").await;
    let mut host = world.host();
    let liar = Lying::to(&world, &technician, &mut host).await;
    let _input = liar.opens(&[StreamKind::Input as u8, 0, 0]).await;
    liar.forger.stops_its_ears();
    let memory = Memory::watch(std::process::id());
    let places: Vec<u64> = (1_000..8 << 20).step_by(2).collect();
    let mut sent = 0;
    for places in places.chunks(ROOM / 9) {
        let packet: Vec<u8> = places.iter().flat_map(|at| frames::stream(FIRST_UNI, *at, b"x")).collect();
        if liar.forger.sends(&packet).await.is_err() {
            break;
        }
        sent += places.len();
    }
    let how = liar.forger.is_hung_up().await;
    eprintln!("{sent} gaps, hung up {how:?}, {} KiB", memory.peak());
    assert!(matches!(how, HungUp::Quic(_) | HungUp::Forgotten), "{how:?}");
    assert!(memory.peak() < MOST, "{} KiB", memory.peak());
    // As with any connection that breaks, the viewer might come back; the user has had enough.
    host.sees(Show::Suspended).await;
    host.press(Press::Stop).await;
    assert_eq!(host.session_over().await, Close::UserStopped);
    liar.paired.link.close().await;
    honest_pairing(&world, &technician).await;
    world.end().await;
}
