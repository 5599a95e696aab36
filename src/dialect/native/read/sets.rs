//! Named sets of tuples: entries in order, of which the first that matches decides.

use super::Reader;
use super::condition::side_of;
use super::values::Read;
use crate::dialect::native::words::{FAMILIES, Form};
use crate::document::{Entry as Key, Node, Value};
use crate::packet::{Family, Field, IfacePattern, IfaceSide, Ranges, Values};
use crate::ruleset::{Entry, Families, Lookup};
use std::sync::Arc;

/// A set of the document.
pub struct Set {
    /// The family of its addresses, where it says so.
    pub family: Option<Family>,
    /// It; `None` where it was not understood, which has been said.
    pub lookup: Option<Arc<Lookup>>,
}

impl Reader<'_> {
    /// The set of one key of `sets`.
    pub fn set_of(&self, key: &str, node: &Node) -> Set {
        let nothing = Set { family: None, lookup: None };
        let Some(mut fields) = self.fields(node, "a set") else { return nothing };
        let family = fields.get("family").map(|n| self.word(n, "family", &FAMILIES));
        let name = fields.text("name").map_or_else(|| key.into(), |n| n.value.into());
        fields.need("entries");
        let entries = fields.get("entries");
        fields.finish();
        if family == Some(None) {
            return nothing;
        }
        let family = family.flatten();
        let scope = family.map_or(Families::both(), Families::only);
        let entries = entries.and_then(|list| self.list(list, |item| self.entry(item, scope)));
        Set { family, lookup: entries.map(|entries| Arc::new(Lookup { name, entries })) }
    }

    /// A key for each field that must have one of some values; `fields` where one stands more than once.
    fn entry(&self, node: &Node, scope: Families) -> Option<Entry> {
        let Value::Table(table) = &node.value else {
            return self.wrong(node, "an entry of a set is an object", "write `{\"src\": \"10.0.0.0/8\"}`");
        };
        let mut entry = Entry { fields: Vec::new(), interfaces: Vec::new(), member: true };
        for key in &table.entries {
            match &*key.key.value {
                "member" => match key.node.value {
                    Value::Boolean(member) => entry.member = member,
                    _ => return self.wrong(&key.node, "`member` is true or false", ""),
                },
                "fields" => {
                    for item in self.array(&key.node)? {
                        let Value::Table(inner) = &item.value else {
                            return self.wrong(item, "an item of `fields` is an object", "");
                        };
                        inner.entries.iter().try_for_each(|k| self.add(k, scope, &mut entry))?;
                    }
                }
                _ => self.add(key, scope, &mut entry)?,
            }
        }
        Some(entry)
    }

    fn add(&self, key: &Key, scope: Families, entry: &mut Entry) -> Option<()> {
        let Some(field) = Field::by_name(&key.key.value) else {
            let known = Field::ALL.into_iter().map(Field::name).chain(["member", "fields"]);
            return self.unknown_key(&key.key.value, key.key.span, "an entry of a set", known);
        };
        if Form::of(field) == Form::Interface {
            let found: (IfaceSide, IfacePattern) = (side_of(field)?, self.pattern(&key.node)?);
            entry.interfaces.push(found);
            return Some(());
        }
        let values = match self.values(field, &key.node)? {
            Read::Plain(mut all) if all.len() == 1 => all.pop()?,
            Read::Plain(_) => return self.wrong(&key.node, "an entry has one value here", "write an entry for each"),
            Read::Addresses(all) if all.is_empty() => Values::Ranges(Ranges::empty()),
            Read::Addresses(all) if all.len() == 1 => self.only_of(&key.node, all, scope)?,
            Read::Addresses(_) => {
                return self.wrong(&key.node, "an entry has addresses of one family", "write an entry for each");
            }
        };
        entry.fields.push((field, values));
        Some(())
    }
}
