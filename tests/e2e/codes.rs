//! Session codes that don't lead into a session: each has its reason, its exit code and its entry in the record.

use nearhand_host::front::{Over, Press, Show};
use nearhand_proto::{
    close::Close,
    code::{CodeError, Locator, Secret, SessionCode},
    control::{Role, ToEnd, ToRelay},
    pair::Death,
};
use nearhand_tests::{Host, Technician, World, liar::Liar};
use nearhand_viewer::{
    config::{Config, Refusal},
    viewer,
};
use std::time::{Duration, Instant};

/// The code with another secret.
fn wrong(code: &SessionCode) -> SessionCode {
    let number: u32 = std::str::from_utf8(code.secret.as_bytes()).unwrap().parse().unwrap();
    let secret = Secret::draw(((number + 1) % 1_000_000).to_be_bytes()).unwrap();
    SessionCode { locator: code.locator, secret }
}

/// Enters it and is refused with this reason and exit code.
async fn refused(world: &World, technician: &Technician, code: &SessionCode, why: Close, exit: u8) {
    let refused = world.refused(technician, code).await;
    assert_eq!((refused, refused.exit_code()), (why, exit));
}

/// Enters it wrongly twice: it dies.
async fn kill(world: &World, technician: &Technician, host: &mut Host, code: &SessionCode) {
    refused(world, technician, &wrong(code), Close::WrongCode, 5).await;
    host.sees(Show::WrongCode { left: 1 }).await;
    refused(world, technician, &wrong(code), Close::CodeDead, 5).await;
    host.sees(Show::WrongCode { left: 0 }).await;
    host.sees_code_over(Over::Dead(Death::WrongCodes)).await;
}

#[tokio::test]
async fn a_code_survives_one_wrong_entry() {
    let world = World::start().await;
    let technician = world.technician("Vera Example").await;
    let mut host = world.host();
    let code = host.code().await;
    refused(&world, &technician, &wrong(&code), Close::WrongCode, 5).await;
    host.sees(Show::WrongCode { left: 1 }).await;
    let mut viewer = world.viewer(&technician, &code);
    nearhand_tests::world::consent(&mut host, &mut viewer).await;
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    let record = world.operator.record().await;
    assert_eq!((record.count("pair.wrong_code"), record.count("pair.code_dead")), (1, 0));
    world.end().await;
}

#[tokio::test]
async fn a_code_dies_of_the_second_wrong_entry() {
    let world = World::start().await;
    let technician = world.technician("Vera Example").await;
    let mut host = world.host();
    let code = host.code().await;
    kill(&world, &technician, &mut host, &code).await;
    let new = host.code().await;
    assert!(new != code);
    refused(&world, &technician, &code, Close::NoSuchCode, 4).await;
    world.operator.recorded("the death", |entry| entry.event == "pair.code_dead").await;
    assert_eq!(world.operator.record().await.count("pair.wrong_code"), 2);
    world.end().await;
}

#[tokio::test]
async fn two_dead_codes_in_a_row_wait_for_a_key_and_then_for_the_brake() {
    let world = World::start().await;
    let technician = world.technician("Vera Example").await;
    let mut host = world.host_with(|config| config.lifetimes.brake = Duration::from_millis(300));
    for _ in 0..2 {
        let code = host.code().await;
        kill(&world, &technician, &mut host, &code).await;
    }
    host.sees(Show::PressKey).await;
    host.press(Press::Key).await;
    let wait = |show: &Show| if let Show::Wait(until) = show { Some(*until) } else { None };
    let until = host.shows.next("the brake", wait).await;
    host.code().await;
    assert!(until <= Instant::now(), "no code before the brake is over");
    let codes = host.shows.all().iter().filter(|show| matches!(show, Show::Code { .. })).count();
    assert_eq!(codes, 3);
    world.end().await;
}

#[tokio::test]
async fn unknown_expired_and_used_codes_get_one_sentence() {
    let world = World::start().await;
    let technician = world.technician("Vera Example").await;
    let mut host = world.host_with(|config| config.lifetimes.code = Duration::from_millis(200));
    let expired = host.code().await;
    host.sees_code_over(Over::Expired).await;
    host.code().await;
    host.stop().await.unwrap();
    let mut host = world.host();
    let used = host.code().await;
    let mut viewer = world.viewer(&technician, &used);
    nearhand_tests::world::consent(&mut host, &mut viewer).await;
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    let number = if used.locator.to_string() == "00007" { 8 } else { 7 };
    let unknown = SessionCode { locator: Locator::new(number, 5).unwrap(), secret: used.secret.clone() };
    for code in [&expired, &used, &unknown] {
        refused(&world, &technician, code, Close::NoSuchCode, 4).await;
    }
    let record = world.operator.record().await;
    let same = record.entries.iter().filter(|entry| entry.is("claim.refused", Close::NoSuchCode));
    assert_eq!(same.count(), 3);
    assert!(
        record
            .entries
            .iter()
            .any(|entry| entry.event == "host.left" && entry.fields["why"] == "the code expired")
    );
    world.end().await;
}

#[tokio::test]
async fn two_claimants_at_once_are_both_refused_and_the_code_dies() {
    let world = World::start().await;
    let (first, second) = (world.technician("Vera Example").await, world.technician("Vito Example").await);
    let mut host = world.host();
    let code = host.code().await;
    let mut slow = Liar::register(world.relay(), Role::Viewer, Some(first.identity.clone())).await;
    slow.says(ToRelay::Claim(code.locator)).await;
    slow.hears("the claim", |message| matches!(message, ToEnd::Claimed { .. }).then_some(())).await;
    refused(&world, &second, &code, Close::TwoClaimants, 6).await;
    let withdrawn = |message| if let ToEnd::Withdrawn { why, .. } = message { Some(why) } else { None };
    assert_eq!(slow.hears("the refusal", withdrawn).await, Close::TwoClaimants);
    host.sees_code_over(Over::Dead(Death::TwoClaimants)).await;
    refused(&world, &second, &code, Close::NoSuchCode, 4).await;
    let record = world.operator.record().await;
    assert_eq!((record.count("pair.two_claimants"), record.count("pair.code_dead")), (1, 1));
    host.code().await;
    slow.leave().await;
    world.end().await;
}

#[tokio::test]
async fn a_mistyped_code_costs_no_attempt() {
    let world = World::start().await;
    let technician = world.technician("Vera Example").await;
    let mut host = world.host();
    let code = host.code().await;
    let slip = code.for_the_user().replace(' ', "");
    let (head, last) = slip.split_at(slip.len() - 1);
    let slip = format!("{head}{}", (last.parse::<u8>().unwrap() + 1) % 10);
    let folder = technician.folder().display().to_string();
    let relay = world.relay().to_string();
    let words = ["nearhand-viewer", "run", &slip, "--state", &folder, "--relay", &relay, "--do", "end"];
    let Err(refusal @ Refusal::Mistyped(CodeError::Check, Some(_))) = Config::from_args(words) else {
        panic!("a slip is noticed");
    };
    assert_eq!(refusal.exit_code(), 3);
    viewer::report_mistyped(world.relay(), technician.identity.clone()).await;
    world.operator.recorded("the slip", |entry| entry.event == "code.mistyped").await;
    let mut viewer = world.viewer(&technician, &code);
    nearhand_tests::world::consent(&mut host, &mut viewer).await;
    assert!(!host.shows.all().iter().any(|show| matches!(show, Show::WrongCode { .. })));
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    world.end().await;
}

#[tokio::test]
async fn a_code_that_has_failed_twice_is_refused_by_the_viewer_itself() {
    let world = World::start().await;
    let technician = world.technician("Vera Example").await;
    let mut host = world.host();
    let code = host.code().await;
    kill(&world, &technician, &mut host, &code).await;
    let claims = world.operator.record().await.count("pair.started");
    refused(&world, &technician, &wrong(&code), Close::RefusedTwice, 5).await;
    world.operator.recorded("the refusal", |entry| entry.event == "code.refused_twice").await;
    assert_eq!(world.operator.record().await.count("pair.started"), claims, "the code was not tried again");
    world.end().await;
}

#[tokio::test]
async fn too_many_wrong_codes_stop_a_technician_and_nobody_else() {
    let world = World::start().await;
    let (hasty, other) = (world.technician("Vera Example").await, world.technician("Vito Example").await);
    let mut host = world.host();
    let good = host.code().await;
    for number in 0..5 {
        let number = if good.locator.to_string() == format!("{number:05}") { 9 } else { number };
        let locator = Locator::new(number, 5).unwrap();
        let unknown = SessionCode { locator, secret: good.secret.clone() };
        refused(&world, &hasty, &unknown, Close::NoSuchCode, 4).await;
    }
    refused(&world, &hasty, &good, Close::TooManyWrongCodes, 13).await;
    world.operator.recorded("the limit", |entry| entry.is("claim.refused", Close::TooManyWrongCodes)).await;
    let mut viewer = world.viewer(&other, &good);
    nearhand_tests::world::consent(&mut host, &mut viewer).await;
    assert_eq!(viewer.end().await, Close::TechnicianLeft);
    world.end().await;
}
