//! What the windows say, in the user's language. Every sentence stands in one file, `words.toml`, in every language;
//! [`Words`] has a function for each, so that a sentence that doesn't exist, or a placeholder that is forgotten, does
//! not compile. That file and list agree is checked by a test.

mod list;

use self::list::{Key, LIST};
use serde::Deserialize;
use std::{collections::BTreeMap, fmt::Display, str::FromStr, sync::Arc};

/// The language file.
const FILE: &str = include_str!("../words.toml");

/// A language that the windows speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English, also for whoever reads none of the others.
    #[default]
    En,
    /// German.
    De,
}

/// A text that names no language that the windows speak.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no language of this program; there are en and de")]
pub struct LanguageError(String);

impl FromStr for Language {
    type Err = LanguageError;
    /// `de`, as well as the names that systems give to it: `de_AT.UTF-8`, `de-CH`.
    fn from_str(text: &str) -> Result<Self, LanguageError> {
        match text.split(['_', '-', '.', '@']).next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "en" => Ok(Self::En),
            "de" => Ok(Self::De),
            _ => Err(LanguageError(text.to_owned())),
        }
    }
}

impl Language {
    /// The language that this user's programs speak, by `LC_ALL`, `LC_MESSAGES` and `LANG` (POSIX.1-2017, 8.2).
    pub fn of_the_user() -> Self {
        Self::by(|name| std::env::var(name).ok())
    }

    /// The same by other variables. An empty one counts as none; an unknown language is English.
    fn by(variable: impl Fn(&str) -> Option<String>) -> Self {
        let named = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(variable);
        let first = named.into_iter().find(|value| !value.is_empty());
        first.and_then(|value| value.parse().ok()).unwrap_or_default()
    }
}

/// One sentence, in every language.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sentence {
    en: String,
    de: String,
}

/// Every sentence in one language. Clones share them.
#[derive(Clone, Debug)]
pub struct Words {
    language: Language,
    sentences: Arc<[String]>,
}

impl Words {
    /// The sentences of this language.
    ///
    /// # Panics
    /// If the language file that was built in is broken, which a test rules out.
    pub fn new(language: Language) -> Self {
        let mut file = read();
        let mut sentence = |name: &str| {
            let sentence = file.remove(name).expect("a test finds every sentence in the file");
            match language {
                Language::En => sentence.en,
                Language::De => sentence.de,
            }
        };
        Self { language, sentences: LIST.iter().map(|(name, _)| sentence(name)).collect() }
    }

    /// Its language.
    pub fn language(&self) -> Language {
        self.language
    }

    /// A time in words: whole minutes above one, rounded up, then seconds.
    pub fn time(&self, seconds: u64) -> String {
        match seconds {
            1 => self.one_second().to_owned(),
            0..=60 => self.seconds(seconds),
            _ => self.minutes(seconds.div_ceil(60)),
        }
    }

    fn sentence(&self, key: Key) -> &str {
        self.sentences.get(key as usize).map_or("", String::as_str)
    }

    fn filled(&self, key: Key, values: &[(&str, &dyn Display)]) -> String {
        fill(self.sentence(key), values)
    }
}

fn read() -> BTreeMap<String, Sentence> {
    toml::from_str(FILE).expect("a test reads the language file")
}

/// Puts values in place of their `{names}`, once: what a value holds is never looked at again.
fn fill(sentence: &str, values: &[(&str, &dyn Display)]) -> String {
    let mut filled = String::with_capacity(sentence.len() + 32);
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        if let Some((_, value)) = values.iter().find(|(known, _)| *known == name) {
            filled.push_str(&value.to_string());
        }
        rest = after;
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn placeholders(sentence: &str) -> BTreeSet<&str> {
        sentence.split('{').skip(1).map(|part| part.split_once('}').unwrap().0).collect()
    }

    #[test]
    fn every_sentence_stands_in_every_language_with_its_placeholders() {
        let mut file = read();
        for (name, values) in LIST {
            let sentence = file.remove(*name).unwrap_or_else(|| panic!("no sentence {name}"));
            let expected = values.iter().copied().collect();
            for text in [&sentence.en, &sentence.de] {
                assert_eq!(placeholders(text), expected, "{name}");
                assert!(!text.trim().is_empty() && text.trim() == text, "{name}");
            }
        }
        assert!(file.is_empty(), "never said: {:?}", file.keys());
    }

    #[test]
    fn values_are_put_in_once() {
        assert_eq!(fill("a {x} b {y}", &[("x", &"{y}"), ("y", &2)]), "a {y} b 2");
        let words = Words::new(Language::De);
        assert!(words.ask_view("{technician}").contains("{technician}"));
    }

    #[test]
    fn the_users_language_is_the_first_that_is_named() {
        let check = |variables: &[(&str, &str)], expected| {
            let variable =
                |name: &str| variables.iter().find(|row| row.0 == name).map(|row| row.1.to_owned());
            assert_eq!(Language::by(variable), expected, "{variables:?}");
        };
        check(&[], Language::En);
        check(&[("LANG", "de_DE.UTF-8")], Language::De);
        check(&[("LC_ALL", ""), ("LANG", "de")], Language::De);
        check(&[("LC_ALL", "C.UTF-8"), ("LANG", "de_DE.UTF-8")], Language::En);
        check(&[("LC_MESSAGES", "de_AT@euro"), ("LANG", "fr_FR")], Language::De);
        check(&[("LANG", "fr_FR.UTF-8")], Language::En);
        assert!("fr".parse::<Language>().is_err());
    }

    #[test]
    fn time_left_in_words() {
        let (en, de) = (Words::new(Language::En), Words::new(Language::De));
        let said = |seconds| (en.time(seconds), de.time(seconds));
        assert_eq!(said(600), ("10 minutes".into(), "10 Minuten".into()));
        assert_eq!(said(61), ("2 minutes".into(), "2 Minuten".into()));
        assert_eq!(said(60), ("60 seconds".into(), "60 Sekunden".into()));
        assert_eq!(said(1), ("1 second".into(), "1 Sekunde".into()));
    }
}
