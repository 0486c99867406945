use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use crate::jose::base64url;

/// So many numbers in a row, each above the one before, are no chance: one in 479 million.
const ENOUGH: usize = 12;
/// So near to the clock is no chance: a day.
const NEAR: i64 = 86_400;

/// A nonce, and when it was supplied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sample {
    pub(super) nonce: String,
    /// Seconds since 1970.
    pub(super) seconds: i64,
}

/// What nonces look like. RFC 9449 section 8 demands that they can't be foreseen; what is seen here can show that they can,
/// and never that they can't.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Shape {
    /// How many were looked at, one for each time that it changed.
    pub samples: usize,
    /// How many different ones there were among them.
    pub distinct: usize,
    /// The length of the shortest, in characters.
    pub shortest: usize,
    /// The length of the longest.
    pub longest: usize,
    /// The characters that they are made of.
    pub alphabet: Alphabet,
    /// How many characters they have in common at the beginning; null for a single one.
    pub common_prefix: Option<usize>,
    /// How many of the places of the shortest vary; null for a single one.
    pub places_that_vary: Option<usize>,
    /// What can be recognised in them.
    pub patterns: Vec<Pattern>,
}

/// The characters of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Alphabet {
    /// `0` to `9`.
    Digits,
    /// Hexadecimal digits and hyphens.
    Hex,
    /// Those of base64url.
    Base64url,
    /// Those of base64.
    Base64,
    /// Others.
    Other,
}

/// What can be recognised in nonces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Pattern {
    /// One came again after another.
    Repeats,
    /// A number that grows each time, and nothing else that varies.
    Counter,
    /// A number that grows each time, beside what varies otherwise.
    CounterBesideOthers,
    /// The time in clear, and nothing else that varies.
    Time,
    /// The time in clear, beside what varies otherwise.
    TimeBesideOthers,
    /// Three or five segments with dots: a JWT, or its like.
    Token,
}

impl Alphabet {
    fn of(nonces: &[&str]) -> Self {
        let all = |fits: fn(char) -> bool| nonces.iter().all(|nonce| nonce.chars().all(fits));
        if all(|c| c.is_ascii_digit()) {
            Self::Digits
        } else if all(|c| c.is_ascii_hexdigit() || c == '-') {
            Self::Hex
        } else if all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) {
            Self::Base64url
        } else if all(|c| c.is_ascii_alphanumeric() || "+/=".contains(c)) {
            Self::Base64
        } else {
            Self::Other
        }
    }

    /// The word in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Digits => "digits",
            Self::Hex => "hex",
            Self::Base64url => "base64url",
            Self::Base64 => "base64",
            Self::Other => "other",
        }
    }
}

impl Shape {
    /// What these nonces, in the order in which they came, look like.
    pub(super) fn of(samples: &[Sample]) -> Self {
        let mut seen: Vec<&Sample> = samples.iter().collect();
        seen.dedup_by(|one, other| one.nonce == other.nonce);
        let nonces: Vec<&str> = seen.iter().map(|sample| sample.nonce.as_str()).collect();
        let distinct: BTreeSet<&str> = nonces.iter().copied().collect();
        let lengths = || nonces.iter().map(|nonce| nonce.len());
        let shortest = lengths().min().unwrap_or_default();
        let several = distinct.len() > 1;
        let varies = |place: usize| {
            let mut characters = nonces.iter().map(|nonce| nonce.as_bytes().get(place));
            let first = characters.next().flatten();
            characters.any(|other| other != first)
        };
        let mut patterns = Vec::new();
        if distinct.len() < nonces.len() {
            patterns.push(Pattern::Repeats);
        }
        let token = |nonce: &&str| [3, 5].contains(&nonce.split('.').count());
        if !nonces.is_empty() && nonces.iter().all(token) {
            patterns.push(Pattern::Token);
        }
        patterns.extend(numbers(&seen));
        Self {
            samples: nonces.len(),
            distinct: distinct.len(),
            shortest,
            longest: lengths().max().unwrap_or_default(),
            alphabet: Alphabet::of(&nonces),
            common_prefix: several.then(|| (0..shortest).take_while(|place| !varies(*place)).count()),
            places_that_vary: several.then(|| (0..shortest).filter(|place| varies(*place)).count()),
            patterns,
        }
    }

    /// Why the next one can be foreseen, if that shows.
    pub fn weakness(&self) -> Option<&'static str> {
        self.patterns.iter().find_map(|pattern| match pattern {
            Pattern::Repeats => Some("nonces come again"),
            Pattern::Counter => Some("nonces count"),
            Pattern::Time => Some("nonces are the time"),
            Pattern::CounterBesideOthers | Pattern::TimeBesideOthers | Pattern::Token => None,
        })
    }

    /// In a few words.
    pub(super) fn told(&self) -> String {
        let length = if self.shortest == self.longest {
            format!("{} characters", self.shortest)
        } else {
            format!("{} to {} characters", self.shortest, self.longest)
        };
        let mut parts = vec![
            format!("{} nonces seen, {} of them different", self.samples, self.distinct),
            format!("{length} of {}", self.alphabet.name()),
        ];
        parts.extend(self.places_that_vary.map(|places| format!("{places} places vary")));
        parts.extend(self.patterns.iter().map(|pattern| {
            let text = match pattern {
                Pattern::Repeats => "some come again",
                Pattern::Counter => "they count",
                Pattern::CounterBesideOthers => "a counter in them",
                Pattern::Time => "they are the time",
                Pattern::TimeBesideOthers => "the time in clear in them",
                Pattern::Token => "a token with dots",
            };
            text.to_owned()
        }));
        parts.join("; ")
    }
}

/// The bytes of a nonce, and what they are inside: each segment as text, and what it is in base64url or hex.
fn readings(nonce: &str) -> Vec<Vec<u8>> {
    let mut readings = vec![nonce.as_bytes().to_vec()];
    for segment in nonce.split('.') {
        readings.push(base64url::decode(segment).unwrap_or_default());
        readings.push(from_hex(segment).unwrap_or_default());
    }
    readings
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| *c != '-')
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    Some(digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}

/// The counter or the time in the nonces.
fn numbers(samples: &[&Sample]) -> Option<Pattern> {
    let all: Vec<Vec<Vec<u8>>> = samples.iter().map(|sample| readings(&sample.nonce)).collect();
    let mut found = BTreeSet::new();
    let kinds = all.iter().map(Vec::len).min().unwrap_or_default();
    let in_one_piece = samples.iter().all(|sample| !sample.nonce.contains('.'));
    for kind in 0..kinds {
        let is_all = kind == 0 || in_one_piece;
        let reading: Vec<&[u8]> =
            all.iter().filter_map(|readings| readings.get(kind)).map(Vec::as_slice).collect();
        for field in decimal_fields(&reading).into_iter().chain(binary_fields(&reading)) {
            let alone = field.alone && is_all;
            if is_time(&field, samples) {
                found.insert(if alone { Pattern::Time } else { Pattern::TimeBesideOthers });
            } else if counts(&field) {
                found.insert(if alone { Pattern::Counter } else { Pattern::CounterBesideOthers });
            }
        }
    }
    // The same number shows in several readings and at places that overlap: what says most of it stands for it.
    let telling = [Pattern::Time, Pattern::TimeBesideOthers, Pattern::Counter, Pattern::CounterBesideOthers];
    telling.into_iter().find(|pattern| found.contains(pattern))
}

/// A number at the same place of every nonce.
struct Field {
    values: Vec<u64>,
    /// Whether nothing else varies.
    alone: bool,
    /// Whether it is written in decimal digits.
    decimal: bool,
}

/// The runs of decimal digits, where every nonce has as many.
fn decimal_fields(reading: &[&[u8]]) -> Vec<Field> {
    let split = |bytes: &[u8]| -> (Vec<String>, Vec<String>) {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let digits = text.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty());
        let between = text.split(|c: char| c.is_ascii_digit()).filter(|run| !run.is_empty());
        (digits.map(str::to_owned).collect(), between.map(str::to_owned).collect())
    };
    let parts: Vec<(Vec<String>, Vec<String>)> = reading.iter().map(|bytes| split(bytes)).collect();
    let Some((first_digits, first_between)) = parts.first() else { return Vec::new() };
    if parts.iter().any(|(digits, _)| digits.len() != first_digits.len()) {
        return Vec::new();
    }
    let run = |index: usize| parts.iter().filter_map(move |(digits, _)| digits.get(index));
    let constant = |index: usize| run(index).all(|digits| Some(digits) == first_digits.get(index));
    let same_between = parts.iter().all(|(_, between)| between == first_between);
    let varying = (0..first_digits.len()).filter(|index| !constant(*index)).count();
    (0..first_digits.len())
        .filter_map(|index| {
            let values: Option<Vec<u64>> = run(index).map(|digits| digits.parse().ok()).collect();
            let alone = same_between && (varying == 0 || (varying == 1 && !constant(index)));
            Some(Field { values: values?, alone, decimal: true })
        })
        .collect()
}

/// Every four and eight bytes, big-endian, where all are of the same length.
fn binary_fields(reading: &[&[u8]]) -> Vec<Field> {
    let Some(first) = reading.first() else { return Vec::new() };
    if reading.iter().any(|bytes| bytes.len() != first.len()) {
        return Vec::new();
    }
    let window = |bytes: &[u8], at: usize, width: usize| -> u64 {
        bytes.iter().skip(at).take(width).fold(0, |number, byte| number << 8 | u64::from(*byte))
    };
    let mut fields = Vec::new();
    for width in [8, 4] {
        for at in 0..(first.len() + 1).saturating_sub(width) {
            let values = reading.iter().map(|bytes| window(bytes, at, width)).collect();
            let same_at = |place: usize| reading.iter().all(|bytes| bytes.get(place) == first.get(place));
            let alone = (0..first.len()).filter(|place| !(at..at + width).contains(place)).all(same_at);
            fields.push(Field { values, alone, decimal: false });
        }
    }
    fields
}

/// Whether a number is the time at which the nonce came, in seconds or milliseconds.
fn is_time(field: &Field, samples: &[&Sample]) -> bool {
    // A few bytes that happen to look like the time don't do so twice.
    let enough = if field.decimal { 1 } else { 2 };
    let near = |unit: u64| {
        field.values.iter().zip(samples).all(|(value, sample)| {
            let seconds = i64::try_from(value / unit).unwrap_or(i64::MAX);
            seconds.saturating_sub(sample.seconds).abs() <= NEAR
        })
    };
    field.values.len() >= enough && (near(1) || near(1000))
}

/// Whether a number grows each time, or falls each time.
fn counts(field: &Field) -> bool {
    let grows = field.values.is_sorted_by(|one, other| one < other);
    let falls = field.values.is_sorted_by(|one, other| one > other);
    field.values.len() >= ENOUGH && (grows || falls)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::{Entropy as _, SeededEntropy, unique_id};

    const NOW: i64 = 1_700_000_000;

    fn shape(nonces: impl IntoIterator<Item = String>) -> Shape {
        let samples: Vec<Sample> =
            nonces.into_iter().zip(0..).map(|(nonce, at)| Sample { nonce, seconds: NOW + at }).collect();
        Shape::of(&samples)
    }

    #[test]
    fn chance_has_no_pattern() {
        let entropy = SeededEntropy::new(7);
        let found = shape((0..200).map(|_| unique_id(&entropy)));
        assert_eq!((found.samples, found.distinct, found.shortest, found.longest), (200, 200, 22, 22));
        assert_eq!((found.alphabet, &found.patterns[..]), (Alphabet::Base64url, &[][..]));
        assert_eq!((found.common_prefix, found.places_that_vary), (Some(0), Some(22)));
        let hex = |_| {
            let mut bytes = [0; 16];
            entropy.fill(&mut bytes);
            bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        let found = shape((0..200).map(hex));
        assert_eq!((found.alphabet, &found.patterns[..], found.weakness()), (Alphabet::Hex, &[][..], None));
        assert!(shape((0..3).map(|_| unique_id(&entropy))).patterns.is_empty());
        assert!(shape((0..1).map(|_| unique_id(&entropy))).patterns.is_empty());
    }

    #[track_caller]
    fn check(nonces: impl IntoIterator<Item = String>, pattern: Pattern, weak: bool) {
        let found = shape(nonces);
        assert_eq!(found.patterns, [pattern], "{found:?}");
        assert_eq!(found.weakness().is_some(), weak);
    }

    #[test]
    fn counters_and_times_are_recognised() {
        let entropy = SeededEntropy::new(7);
        let bytes = |number: u64, tail: usize| {
            let mut bytes = number.to_be_bytes().to_vec();
            let mut random = vec![0; tail];
            entropy.fill(&mut random);
            bytes.extend(random);
            base64url::encode(bytes)
        };
        check((0..20).map(|n| n.to_string()), Pattern::Counter, true);
        check((8..20).map(|n| format!("nonce-{n}")), Pattern::Counter, true);
        check((0..20).map(|n| format!("{:08x}", n * 3)), Pattern::Counter, true);
        check((0..20).map(|n| bytes(n, 0)), Pattern::Counter, true);
        check((0..20).map(|n| bytes(n, 16)), Pattern::CounterBesideOthers, false);
        check((0..20).map(|n| format!("{}", NOW + n)), Pattern::Time, true);
        check((0..20).map(|n| format!("{}", (NOW + n) * 1000 + n * n)), Pattern::Time, true);
        check((0..20).map(|n| bytes(u64::try_from(NOW + n).expect("positive"), 0)), Pattern::Time, true);
        check(
            (0..20).map(|n| bytes(u64::try_from(NOW + n).expect("positive"), 16)),
            Pattern::TimeBesideOthers,
            false,
        );
        let token = |n: i64| {
            format!("e30.{}.{}", base64url::encode(format!("{{\"iat\":{}}}", NOW + n)), unique_id(&entropy))
        };
        let found = shape((0..20).map(token));
        assert_eq!(
            (found.patterns, found.alphabet),
            (vec![Pattern::Token, Pattern::TimeBesideOthers], Alphabet::Other)
        );
        check(["a", "b", "a"].map(str::to_owned), Pattern::Repeats, true);
        assert!(shape(["a", "a", "a"].map(str::to_owned)).patterns.is_empty(), "it did not change");
    }

    #[test]
    fn hexadecimal() {
        assert_eq!(from_hex("00ff-10"), Some(vec![0, 255, 16]));
        assert_eq!((from_hex("0"), from_hex("xy")), (None, None));
    }
}
