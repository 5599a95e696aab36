//! Tables, chains and rules of iptables.

use super::*;
use std::collections::BTreeSet;

impl Maker {
    pub(super) fn make_tables(&mut self) -> String {
        // Without anything that tracks connections fragments arrive as they are.
        self.tracks = self.rng.chance(80);
        let mut text = String::new();
        for (table, chains) in TABLES {
            let share = match table {
                "filter" => 100,
                "mangle" => 55,
                "raw" => 40,
                "nat" if self.tracks => 35,
                "nat" => 0,
                _ => 20,
            };
            if self.rng.chance(share) {
                self.make_table(table, chains, &mut text);
            }
        }
        text
    }

    pub(super) fn make_table(&mut self, table: &str, built_in: &[(&str, u8)], text: &mut String) {
        self.translates |= table == "nat";
        let all = built_in.iter().fold(0, |bits, (_, hook)| bits | hook);
        let count = if table == "filter" { self.rng.between(0, 6) } else { self.rng.between(0, 2) };
        let mut users: Vec<(String, u8)> = Vec::new();
        for at in 0..count {
            let mut hooks = 0;
            for (_, hook) in built_in {
                if self.rng.chance(55) {
                    hooks |= hook;
                }
            }
            let hooks = if hooks == 0 || self.rng.chance(40) { all } else { hooks };
            let style = *self.rng.pick(&["chain", "LOG_and_drop-", "user.", "fw2b_"]);
            users.push((format!("{style}{at}"), hooks));
        }
        text.push_str(&format!("*{table}\n"));
        for (chain, _) in built_in {
            let drop = match table {
                "filter" => 45,
                "nat" => 0,
                _ => 4,
            };
            let policy = if self.rng.chance(drop) { "DROP" } else { "ACCEPT" };
            text.push_str(&format!(":{chain} {policy} [0:0]\n"));
        }
        for (chain, _) in &users {
            text.push_str(&format!(":{chain} - [0:0]\n"));
        }
        for (chain, hooks) in built_in {
            let rules = if table == "filter" { self.rng.between(2, 10) } else { self.rng.between(0, 4) };
            for _ in 0..rules {
                let rule = self.make_rule((table, chain), *hooks, true, &users);
                text.push_str(&format!("-A {chain} {rule}\n"));
            }
        }
        for at in 0..users.len() {
            let (chain, hooks) = users[at].clone();
            for _ in 0..self.rng.between(1, 5) {
                let rule = self.make_rule((table, &chain), hooks, false, &users[at + 1..]);
                text.push_str(&format!("-A {chain} {rule}\n"));
            }
        }
        text.push_str("COMMIT\n");
    }

    pub(super) fn make_rule(&mut self, place: (&str, &str), hooks: u8, base: bool, users: &[(String, u8)]) -> String {
        let table = place.0;
        let mut clauses = Vec::new();
        let proto = self.protocol(&mut clauses);
        if self.family == Family::V4 && proto != 6 && self.rng.chance(4) {
            let clause = Clause::new("").yes(Field::Fragment, [2]).no(Field::Fragment, [0, 1]);
            clauses.extend(self.negation(clause, 40, |not| format!("{not}-f")));
        }
        if self.rng.chance(35) {
            clauses.extend(self.address_clause(Field::Src));
        }
        if self.rng.chance(35) {
            clauses.extend(self.address_clause(Field::Dst));
        }
        if self.rng.chance(25) {
            clauses.extend(self.interface_clause(hooks, base));
        }
        if self.rng.chance(75) {
            clauses.extend(self.layer4_clause(proto));
        }
        let more = [0, 0, 1, 1, 1, 2];
        for _ in 0..*self.rng.pick(&more) {
            clauses.extend(self.further_clause(hooks));
        }
        if table == "raw" || table == "security" || (table == "mangle" && self.rng.chance(50)) {
            // Fewer packets should end here.
            clauses.extend(self.address_clause(Field::Src));
        }
        let (mut seen, mut kept) = (BTreeSet::new(), Vec::new());
        for clause in clauses {
            // One use of a module per rule, as iptables-save would write it.
            let text = clause.text.trim_start_matches("! ").to_owned();
            let key = match text.strip_prefix("-m ") {
                Some(rest) if rest.starts_with("set ") => text.clone(),
                Some(rest) => rest.split(' ').next().unwrap_or_default().to_owned(),
                None => text.split(' ').next().unwrap_or_default().to_owned(),
            };
            if seen.insert(key) {
                kept.push(clause);
            }
        }
        let target = self.target(table, hooks, proto, users);
        let mut text: Vec<String> = kept.iter().map(|c| c.text.clone()).collect();
        let called = target.as_ref().and_then(|t| t.strip_prefix("-j ").or(t.strip_prefix("-g ")));
        let calls = called.filter(|t| users.iter().any(|(name, _)| name == t)).map(|t| format!("{table}/{t}"));
        text.extend(target);
        self.rules.push(Known { chain: format!("{table}/{}", place.1), hooks, calls, clauses: kept });
        text.join(" ")
    }

    /// The protocol of a rule, 0 for any; negated ones count as any.
    pub(super) fn protocol(&mut self, clauses: &mut Vec<Clause>) -> u8 {
        let icmp = self.family.icmp();
        let proto = match self.rng.below(20) {
            0..=4 => return 0,
            5..=9 => 6,
            10..=12 => 17,
            13 | 14 => icmp,
            15 => 132,
            16 => 33,
            17 => 136,
            18 => *self.rng.pick(&[47, 50, 4, 99]),
            _ if self.family == Family::V4 => 51,
            _ => 135,
        };
        let name = match proto {
            6 => "tcp".to_owned(),
            17 => "udp".to_owned(),
            1 => "icmp".to_owned(),
            58 => "ipv6-icmp".to_owned(),
            n => n.to_string(),
        };
        if self.rng.chance(12) {
            let clause = Clause::new(format!("! -p {name}")).yes(Field::Proto, [6, 17, 99, 47]);
            clauses.push(clause.no(Field::Proto, [u128::from(proto)]));
            return 0;
        }
        let clause = Clause::new(format!("-p {name}")).yes(Field::Proto, [u128::from(proto)]);
        clauses.push(clause.no(Field::Proto, [6, 17, 132, 50]));
        proto
    }
}
