//! Interface names as a finite field: the names that rules mention, `other`, and `none`.

use super::Ranges;
use std::collections::BTreeSet;

/// What a rule says about an interface: an exact name, or every name that begins so.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IfacePattern {
    /// The name, without the wildcard.
    pub name: String,
    /// Whether names that merely begin with `name` match too (`eth+`, `eth*`).
    pub prefix: bool,
}

impl IfacePattern {
    /// Exactly this name.
    pub fn exact(name: impl Into<String>) -> IfacePattern {
        IfacePattern { name: name.into(), prefix: false }
    }

    /// Every name that begins with `name`; the empty prefix matches also an absent interface.
    pub fn prefix(name: impl Into<String>) -> IfacePattern {
        IfacePattern { name: name.into(), prefix: true }
    }

    /// Whether the pattern matches: `None` matches only the empty prefix, as in the kernel's comparison
    /// with an empty name (`net/ipv4/netfilter/ip_tables.c`, `ifname_compare`).
    pub fn matches(&self, interface: &Interface) -> bool {
        match interface {
            Interface::None | Interface::Other => self.prefix && self.name.is_empty(),
            Interface::Named(name) if self.prefix => name.starts_with(&self.name),
            Interface::Named(name) => *name == self.name,
        }
    }

    /// As reports write it: `eth0`, `eth+`.
    pub fn text(&self) -> String {
        if self.prefix { format!("{}+", self.name) } else { self.name.clone() }
    }
}

/// The interface of a concrete packet.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Interface {
    /// Not present on this hook.
    None,
    /// One that no rule names.
    #[default]
    Other,
    /// A named one.
    Named(String),
}

/// One class of interfaces that all patterns treat alike.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Class {
    None,
    Other,
    /// Exactly this name.
    Name(String),
    /// Names that begin so and belong to no longer prefix and no exact name.
    Rest(String),
}

impl Class {
    fn text(&self) -> String {
        match self {
            Class::None => "none".to_owned(),
            Class::Other => "other".to_owned(),
            Class::Name(name) => name.clone(),
            Class::Rest(prefix) => format!("{prefix}+"),
        }
    }
}

/// The partition of interface names into classes that a set of patterns cannot tell apart.
///
/// Class numbers are field values: 0 is `none`, 1 is `other`; the rest is sorted by name, so that a prefix
/// pattern is always one contiguous range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceClasses {
    classes: Vec<Class>,
}

impl InterfaceClasses {
    /// The classes that `patterns` tell apart.
    pub fn new<'a>(patterns: impl IntoIterator<Item = &'a IfacePattern>) -> InterfaceClasses {
        let named: BTreeSet<&IfacePattern> =
            patterns.into_iter().filter(|p| !(p.prefix && p.name.is_empty())).collect();
        let mut classes = vec![Class::None, Class::Other];
        classes.extend(named.into_iter().map(|p| match p.prefix {
            true => Class::Rest(p.name.clone()),
            false => Class::Name(p.name.clone()),
        }));
        InterfaceClasses { classes }
    }

    /// The class number of `none`.
    pub const NONE: u128 = 0;
    /// The class number of `other`.
    pub const OTHER: u128 = 1;

    /// The pattern that makes a class: an exact name, or the names that begin so and belong to no other class. `None`
    /// for `none` and `other`.
    pub fn pattern(&self, number: u128) -> Option<IfacePattern> {
        match self.class(number) {
            Class::None | Class::Other => None,
            Class::Name(name) => Some(IfacePattern::exact(name.as_str())),
            Class::Rest(prefix) => Some(IfacePattern::prefix(prefix.as_str())),
        }
    }

    /// The largest class number.
    pub fn max(&self) -> u128 {
        self.classes.len() as u128 - 1
    }

    /// All classes.
    pub fn all(&self) -> Ranges {
        Ranges::range(0, self.max())
    }

    /// All classes but `none`.
    pub fn present(&self) -> Ranges {
        Ranges::range(1, self.max())
    }

    /// The classes that `pattern` matches.
    pub fn matching(&self, pattern: &IfacePattern) -> Ranges {
        Ranges::from_values(self.numbered().filter(|(_, class)| pattern_matches(pattern, class)).map(|(n, _)| n))
    }

    /// The class of a packet's interface.
    pub fn class_of(&self, interface: &Interface) -> u128 {
        let name = match interface {
            Interface::None => return Self::NONE,
            Interface::Other => return Self::OTHER,
            Interface::Named(name) => name,
        };
        let exact = self.numbered().find(|(_, c)| matches!(c, Class::Name(n) if n == name));
        let longest = || {
            self.numbered()
                .filter_map(|(n, c)| match c {
                    Class::Rest(p) if name.starts_with(p.as_str()) => Some((p.len(), n)),
                    _ => None,
                })
                .max()
                .map(|(_, n)| n)
        };
        exact.map(|(n, _)| n).or_else(longest).unwrap_or(Self::OTHER)
    }

    /// A concrete interface of class `number`.
    pub fn example(&self, number: u128) -> Interface {
        match self.class(number) {
            Class::None => Interface::None,
            Class::Other => Interface::Other,
            Class::Name(name) => Interface::Named(name.clone()),
            Class::Rest(prefix) => Interface::Named(self.unused_name(prefix)),
        }
    }

    /// The set as report entries, relative to the classes that are possible: each list is
    /// `[A..., "!", B...]`, the interfaces in A (all, where A is empty) except those in B. More than one list
    /// only where one cannot say it. `None` where the set is everything possible.
    pub fn describe(&self, set: &Ranges, possible: &Ranges) -> Option<Vec<Vec<String>>> {
        if possible.is_subset(set) {
            return None;
        }
        Some(self.parts(set, possible).iter().map(|part| self.list(part, possible)).collect())
    }

    /// The set cut into pieces that one list can say each: more than one only where names are in, a longer wildcard
    /// around them is out, and what surrounds that is in again.
    pub fn parts(&self, set: &Ranges, possible: &Ranges) -> Vec<Ranges> {
        let missing = possible.subtract(set);
        let inside = |number: &u128| set.contains(*number);
        let cut_off = self.numbered().map(|(n, _)| n).filter(inside).filter(|n| self.is_cut_off(*n, set, &missing));
        let beyond = Ranges::from_values(cut_off);
        let mut parts = vec![set.subtract(&beyond)];
        if !beyond.is_empty() {
            parts.extend(self.parts(&beyond, possible));
        }
        parts
    }

    /// Whether something missing stands between a class and something around it that is in the set.
    fn is_cut_off(&self, number: u128, set: &Ranges, missing: &Ranges) -> bool {
        let around = self.around(number).into_iter().chain([Self::OTHER]);
        let mut behind_missing = false;
        for outer in around {
            if set.contains(outer) && behind_missing {
                return true;
            }
            behind_missing |= missing.contains(outer) && outer != Self::OTHER;
        }
        false
    }

    fn list(&self, part: &Ranges, possible: &Ranges) -> Vec<String> {
        let missing = possible.subtract(part);
        let by_exclusion = part.contains(Self::OTHER);
        let (mut include, mut except) = (Vec::new(), Vec::new());
        for (number, class) in self.numbered() {
            let nearest = self.around(number).first().copied();
            let around_is_in =
                nearest.map_or(by_exclusion, |n| part.contains(n) || (by_exclusion && !missing.contains(n)));
            match (part.contains(number), around_is_in) {
                (true, false) => include.push(class.text()),
                (false, true) if missing.contains(number) => except.push(class.text()),
                _ => {}
            }
        }
        if by_exclusion || !except.is_empty() {
            include.push("!".into());
            include.append(&mut except);
        }
        include
    }

    /// The wildcards around a class, the nearest first.
    fn around(&self, number: u128) -> Vec<u128> {
        let (Class::Name(name) | Class::Rest(name)) = self.class(number) else { return Vec::new() };
        let outer = |(n, class): (u128, &Class)| match class {
            Class::Rest(p) if n != number && name.starts_with(p.as_str()) => Some((std::cmp::Reverse(p.len()), n)),
            _ => None,
        };
        let mut found: Vec<_> = self.numbered().filter_map(outer).collect();
        found.sort_unstable();
        found.into_iter().map(|(_, n)| n).collect()
    }

    fn unused_name(&self, prefix: &str) -> String {
        (0u32..)
            .map(|i| format!("{prefix}{i}"))
            .find(|name| {
                let taken = |c: &Class| match c {
                    Class::Name(n) => n == name,
                    Class::Rest(p) => p.len() > prefix.len() && name.starts_with(p.as_str()),
                    _ => false,
                };
                !self.classes.iter().any(taken)
            })
            .unwrap_or_else(|| format!("{prefix}x"))
    }

    fn class(&self, number: u128) -> &Class {
        usize::try_from(number).ok().and_then(|n| self.classes.get(n)).unwrap_or(&Class::Other)
    }

    fn numbered(&self) -> impl Iterator<Item = (u128, &Class)> {
        self.classes.iter().enumerate().map(|(n, c)| (n as u128, c))
    }
}

fn pattern_matches(pattern: &IfacePattern, class: &Class) -> bool {
    match class {
        Class::None | Class::Other => pattern.prefix && pattern.name.is_empty(),
        Class::Name(name) if pattern.prefix => name.starts_with(&pattern.name),
        Class::Name(name) => *name == pattern.name,
        Class::Rest(p) => pattern.prefix && p.starts_with(&pattern.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes() -> InterfaceClasses {
        InterfaceClasses::new(&[
            IfacePattern::exact("eth0"),
            IfacePattern::prefix("eth"),
            IfacePattern::exact("lo"),
            IfacePattern::prefix(""),
        ])
    }

    #[test]
    fn a_name_is_in_exactly_the_classes_of_the_patterns_that_match_it() {
        let c = classes();
        for name in ["eth0", "eth1", "lo", "wg0"] {
            let interface = Interface::Named(name.into());
            for pattern in [IfacePattern::exact("eth0"), IfacePattern::prefix("eth"), IfacePattern::exact("lo")] {
                let by_class = c.matching(&pattern).contains(c.class_of(&interface));
                assert_eq!(by_class, pattern.matches(&interface), "{name} {pattern:?}");
            }
        }
    }

    #[test]
    fn the_empty_prefix_matches_an_absent_interface_and_a_name_does_not() {
        let c = classes();
        assert!(c.matching(&IfacePattern::prefix("")).contains(InterfaceClasses::NONE));
        assert!(!c.matching(&IfacePattern::prefix("eth")).contains(InterfaceClasses::NONE));
    }

    #[test]
    fn sets_are_described_by_exclusion_where_unnamed_interfaces_are_in() {
        let c = classes();
        let lo = c.matching(&IfacePattern::exact("lo"));
        let all_but_lo = c.present().subtract(&lo);
        assert_eq!(c.describe(&all_but_lo, &c.present()), Some(vec![vec!["!".into(), "lo".into()]]));
        let eth = c.matching(&IfacePattern::prefix("eth"));
        assert_eq!(c.describe(&eth, &c.present()), Some(vec![vec!["eth+".into()]]));
        let eth_but_0 = eth.subtract(&c.matching(&IfacePattern::exact("eth0")));
        assert_eq!(c.describe(&eth_but_0, &c.present()), Some(vec![vec!["eth+".into(), "!".into(), "eth0".into()]]));
        let outside_but_eth0 = c.present().subtract(&eth_but_0);
        assert_eq!(
            c.describe(&outside_but_eth0, &c.present()),
            Some(vec![vec!["!".into(), "eth+".into()], vec!["eth0".into()]])
        );
        assert_eq!(c.describe(&c.present(), &c.present()), None);
    }

    /// Whether a list of a report says this class.
    fn says(c: &InterfaceClasses, list: &[String], number: u128) -> bool {
        let sign = list.iter().position(|e| e == "!").unwrap_or(list.len());
        let (include, except) = (&list[..sign], list.get(sign + 1..).unwrap_or_default());
        let hit = |entry: &String| match (entry.as_str(), entry.strip_suffix('+')) {
            ("none", _) => number == InterfaceClasses::NONE,
            ("other", _) => number == InterfaceClasses::OTHER,
            (_, Some(prefix)) => c.matching(&IfacePattern::prefix(prefix)).contains(number),
            (name, None) => c.matching(&IfacePattern::exact(name)).contains(number),
        };
        (include.is_empty() || include.iter().any(hit)) && !except.iter().any(hit)
    }

    #[test]
    fn every_set_of_nested_wildcards_is_said_exactly_and_once() {
        let c = InterfaceClasses::new(&[
            IfacePattern::prefix("eth"),
            IfacePattern::exact("eth"),
            IfacePattern::prefix("ethx"),
            IfacePattern::exact("ethx1"),
            IfacePattern::exact("lo"),
        ]);
        for possible in [c.present(), c.all()] {
            for bits in 1u32..1 << (c.max() + 1) {
                let set = Ranges::from_values((0..=c.max()).filter(|n| bits >> n & 1 == 1 && possible.contains(*n)));
                let Some(lists) = c.describe(&set, &possible).filter(|_| !set.is_empty()) else { continue };
                for number in (0..=c.max()).filter(|n| possible.contains(*n)) {
                    let times = lists.iter().filter(|l| says(&c, l, number)).count();
                    assert_eq!(times, usize::from(set.contains(number)), "{number} {lists:?}");
                }
            }
        }
    }
}
