//! The two windows as people use them: by keyboard alone, finding things by the names that a screen reader says, against
//! the real host, viewer and relay. Nothing is drawn; how it looks is seen on the screenshots in `docs/`.

mod away;
mod both;
mod consent;
mod host;
mod person;
mod technician;
mod viewer;
