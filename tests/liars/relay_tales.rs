//! A relay that tells the ends different things about each other, or speaks another language.

use crate::relay_middle::read_out;
use nearhand_host::front::Show;
use nearhand_proto::{
    close::Close,
    control::{Role, Technician, ToEnd},
    ids::ActorId,
    pair::PairMessage,
    route::Rid,
    wire,
};
use nearhand_tests::{
    Viewer,
    hostile::{
        Face, Hostile,
        unharmed::{blind, untouched},
    },
};
use std::time::Duration;
use tokio::task::JoinSet;

/// What the relay says of a technician.
type Lie = fn(&mut Technician);

/// Tells the end of one role something else about who calls.
async fn lies_about_the_technician(to: Role, lie: Lie, expected: Close) {
    let relay = Hostile::start().await;
    relay.says(move |end, mut message| {
        if let ToEnd::Claimed { technician, .. } | ToEnd::Incoming { technician, .. } = &mut message
            && end.role == to
        {
            lie(technician);
        }
        vec![message]
    });
    let mut host = relay.host(|_| {});
    let code = host.code().await;
    let mut viewer = relay.viewer(&code);
    assert_eq!(viewer.ended().await, expected);
    blind(&viewer);
    if expected == Close::WrongCode {
        host.sees(Show::WrongCode { left: 1 }).await;
    }
    untouched(&host);
}

#[tokio::test]
async fn lies_about_technician_or_desk_end_the_pairing_at_both_ends() {
    let lies: [(Role, Lie, Close); 6] = [
        (Role::Host, |who| who.name = "Boss Example".parse().unwrap(), Close::WrongCode),
        (Role::Host, |who| who.desk = "Your Bank".parse().unwrap(), Close::WrongCode),
        (Role::Host, |who| who.id = ActorId([7; 16]), Close::WrongCode),
        (Role::Viewer, |who| who.name = "Boss Example".parse().unwrap(), Close::WrongCode),
        (Role::Viewer, |who| who.desk = "Your Bank".parse().unwrap(), Close::WrongCode),
        // The viewer knows its own key: it doesn't even begin.
        (Role::Viewer, |who| who.id = ActorId([7; 16]), Close::Protocol),
    ];
    let mut stories = JoinSet::new();
    for (to, lie, expected) in lies {
        stories.spawn(lies_about_the_technician(to, lie, expected));
    }
    stories.join_all().await;
}

/// Names another end than the paired one to `to`; nobody gets through to anybody.
async fn names_another_peer(to: Role) {
    let relay = Hostile::start().await;
    let mut bystander = relay.host(|_| {});
    bystander.code().await;
    let other = relay.end(Role::Host, 0).await.rid;
    let brief = Duration::from_millis(1_500);
    relay.says(move |end, message| match message {
        ToEnd::Paired { claim, session, .. } if end.role == to => {
            vec![ToEnd::Paired { claim, session, peer: other }]
        }
        message => vec![message],
    });
    let mut host = relay.host(|config| config.absence = brief);
    let code = host.code().await;
    let mut settings = relay.technician.config(relay.string(), &code);
    settings.absence = brief;
    let mut viewer = Viewer::start(settings);
    match to {
        Role::Viewer => {
            assert_eq!(viewer.ended().await, Close::Lost);
            assert_eq!(host.session_over().await, Close::Lost);
            blind(&viewer);
            untouched(&host);
        }
        // A host answers whoever holds the pinned certificate, and names nobody.
        Role::Host => {
            nearhand_tests::world::consent(&mut host, &mut viewer).await;
            assert_eq!(viewer.end().await, Close::TechnicianLeft);
        }
    }
    untouched(&bystander);
}

#[tokio::test]
async fn a_relay_that_names_another_peer_brings_nobody_to_it() {
    tokio::join!(names_another_peer(Role::Viewer), names_another_peer(Role::Host));
}

/// Both ends refuse a relay that begins like this.
async fn is_of_another_version(face: Face) {
    let relay = Hostile::start_as(face).await;
    let mut host = relay.host(|_| {});
    host.sees(Show::Bye(Close::Version)).await;
    assert_eq!(host.over().await.unwrap_err().close(), Close::Version);
    let mut viewer = relay.viewer(&read_out());
    assert_eq!(viewer.ended().await, Close::Version);
    blind(&viewer);
}

/// One end is told that the other pairs by another version.
async fn pairs_by_another_version(change: fn(&mut PairMessage)) {
    let relay = Hostile::start().await;
    relay.says(move |_, message| match message {
        ToEnd::Pair { claim, message } => {
            let mut changed = wire::decode(&message).unwrap();
            change(&mut changed);
            vec![ToEnd::Pair { claim, message: wire::encode(&changed).into() }]
        }
        message => vec![message],
    });
    let mut host = relay.host(|_| {});
    let code = host.code().await;
    let mut viewer = relay.viewer(&code);
    assert_eq!(viewer.ended().await, Close::Version);
    blind(&viewer);
    untouched(&host);
}

#[tokio::test]
async fn another_version_is_refused_by_both_ends_and_none_falls_back() {
    let languages = [
        Face { alpn: b"nearhand-control/0".to_vec(), ..Face::default() },
        Face { alpn: b"nearhand-control/2".to_vec(), ..Face::default() },
        Face { alpn: b"h3".to_vec(), ..Face::default() },
        // A draft of QUIC, and QUIC version 2 (RFC 9369).
        Face { versions: vec![0xff00_001d], ..Face::default() },
        Face { versions: vec![0x6b33_43cf], ..Face::default() },
    ];
    let changes: [fn(&mut PairMessage); 4] = [
        |message| {
            if let PairMessage::Start(start) = message {
                start.version = 0
            }
        },
        |message| {
            if let PairMessage::Start(start) = message {
                start.version = 2
            }
        },
        |message| {
            if let PairMessage::Answer(answer) = message {
                answer.version = 0
            }
        },
        |message| {
            if let PairMessage::Answer(answer) = message {
                answer.version = 2
            }
        },
    ];
    let mut stories = JoinSet::new();
    for face in languages {
        stories.spawn(is_of_another_version(face));
    }
    for change in changes {
        stories.spawn(pairs_by_another_version(change));
    }
    stories.join_all().await;
}

/// The routing id is no secret: a relay may send packets to whomever it likes.
#[tokio::test]
async fn a_session_that_is_dialled_without_a_pairing_is_not_let_in() {
    use nearhand_proto::net::{EndCids, Identity, PathSocket, RELAY, session_client};
    use std::sync::Arc;
    let relay = Hostile::start().await;
    let mut host = relay.host(|_| {});
    host.code().await;
    let end = relay.end(Role::Host, 0).await;
    let own = Identity::generate(1).unwrap();
    let address: std::net::SocketAddr = ([127, 0, 0, 1], relay.string().port).into();
    let rid: Rid = own.public().rid();
    let mut settings = quinn::EndpointConfig::default();
    settings.cid_generator(move || Box::new(EndCids(rid)));
    let socket = Arc::new(PathSocket::bind(address).unwrap());
    let runtime = Arc::new(quinn::TokioRuntime);
    let endpoint = quinn::Endpoint::new_with_abstract_socket(settings, None, socket, runtime).unwrap();
    let any = nearhand_proto::ids::Fingerprint([1; 32]);
    let config = session_client(&own, any, end.rid).unwrap();
    let dialled = endpoint.connect_with(config, RELAY, "nearhand").unwrap();
    let answered = tokio::time::timeout(Duration::from_secs(1), dialled).await;
    assert!(answered.is_err(), "the host answered a handshake of nobody's");
    let reached = relay.kept().iter().filter(|packet| packet.to == end.rid).count();
    assert!(reached != 0, "nothing was forwarded to the host");
    untouched(&host);
}

#[tokio::test]
async fn a_relay_that_denies_a_session_ends_it_for_both_with_a_reason() {
    let relay = Hostile::start().await;
    let (mut host, mut viewer) = relay.pair().await;
    relay.says(|_, message| match message {
        ToEnd::Registered { desk, .. } => vec![ToEnd::Registered { desk, sessions: Vec::new() }],
        message => vec![message],
    });
    for role in [Role::Host, Role::Viewer] {
        relay.hang_up(&relay.end(role, 0).await, Close::RelayStopping);
    }
    assert_eq!(host.session_over().await, Close::Lost);
    assert_eq!(viewer.ended().await, Close::Lost);
    host.code().await;
}
