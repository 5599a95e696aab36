//! Tables, chains, sets and objects as the commands leave them, in the order in which the kernel knows them.

use super::sets::Read;
use super::types::Type;
use crate::dialect::nftables::syntax::{BaseSpec, Element, NamedKind, RuleSpec, SetSpec, TableName};
use crate::ruleset::Span;
use rustc_hash::FxHashMap;

/// Everything that the commands made.
#[derive(Debug, Default)]
pub struct State<'c> {
    /// The tables, in order of appearance.
    pub tables: Vec<Table<'c>>,
    /// How many base chains have been registered: the later one of two runs first where priorities are equal.
    pub registered: usize,
}

impl<'c> State<'c> {
    /// The table of this name.
    pub fn table(&mut self, name: &TableName) -> Option<&mut Table<'c>> {
        self.tables.iter_mut().find(|t| t.name == *name)
    }
}

/// One table.
#[derive(Debug)]
pub struct Table<'c> {
    /// Its family and name.
    pub name: TableName,
    /// Whether its chains are switched off.
    pub dormant: bool,
    /// Its chains, in order of appearance.
    pub chains: Vec<ChainState<'c>>,
    /// Its sets and maps.
    pub sets: Vec<SetState<'c>>,
    /// Its named objects.
    pub objects: Vec<NamedState<'c>>,
    chain_index: FxHashMap<String, usize>,
    set_index: FxHashMap<String, usize>,
}

/// One chain.
#[derive(Debug)]
pub struct ChainState<'c> {
    /// Its name.
    pub name: String,
    /// How it hangs on a hook, where it does.
    pub base: Option<BaseSpec>,
    /// Its number among the base chains, in order of registration.
    pub registered: usize,
    /// Its rules, in order.
    pub rules: Vec<&'c RuleSpec>,
    /// The places of the rules.
    pub spans: Vec<Span>,
    /// Where it is declared.
    pub span: Span,
}

/// One set or map.
#[derive(Debug)]
pub struct SetState<'c> {
    /// Its name.
    pub name: String,
    /// Its declaration.
    pub spec: &'c SetSpec,
    /// The types of its key.
    pub types: Vec<Type>,
    /// The types of what a map gives.
    pub data: Vec<Type>,
    /// Its elements, in order.
    pub elements: Vec<&'c Element>,
    /// Whether a rule adds, updates or deletes elements.
    pub filled: bool,
    /// Its keys, once they have been read.
    pub read: Read,
}

/// One named object.
#[derive(Debug)]
pub struct NamedState<'c> {
    /// What it is.
    pub kind: NamedKind,
    /// Its name.
    pub name: String,
    /// Its body.
    pub body: &'c [(String, String)],
}

impl SetState<'_> {
    /// Whether the declaration has a flag.
    pub fn has_flag(&self, flag: &str) -> bool {
        self.spec.flags.iter().any(|f| f.text == flag)
    }

    /// Whether keys come and go without anybody editing rules.
    pub fn changes(&self) -> bool {
        self.filled || self.has_flag("dynamic") || self.has_flag("timeout") || self.spec.timeout.is_some()
    }
}

impl<'c> Table<'c> {
    /// An empty table.
    pub fn new(name: TableName) -> Table<'c> {
        Table {
            name,
            dormant: false,
            chains: Vec::new(),
            sets: Vec::new(),
            objects: Vec::new(),
            chain_index: FxHashMap::default(),
            set_index: FxHashMap::default(),
        }
    }

    /// The place of the chain of this name.
    pub fn chain_at(&self, name: &str) -> Option<usize> {
        self.chain_index.get(name).copied()
    }

    /// The chain of this name.
    pub fn chain(&mut self, name: &str) -> Option<&mut ChainState<'c>> {
        self.chain_at(name).and_then(|at| self.chains.get_mut(at))
    }

    /// The set or map of this name.
    pub fn set(&self, name: &str) -> Option<&SetState<'c>> {
        self.set_index.get(name).and_then(|at| self.sets.get(*at))
    }

    /// The set or map of this name, to be changed.
    pub fn set_mut(&mut self, name: &str) -> Option<&mut SetState<'c>> {
        self.set_index.get(name).and_then(|at| self.sets.get_mut(*at))
    }

    /// The object of this kind and name.
    pub fn object(&self, kind: NamedKind, name: &str) -> Option<&NamedState<'c>> {
        self.objects.iter().find(|o| o.kind == kind && o.name == name)
    }

    /// Adds a chain.
    pub fn add_chain(&mut self, chain: ChainState<'c>) {
        self.chain_index.insert(chain.name.clone(), self.chains.len());
        self.chains.push(chain);
    }

    /// Removes a chain.
    pub fn remove_chain(&mut self, name: &str) {
        self.chains.retain(|c| c.name != name);
        self.index();
    }

    /// Gives a chain another name.
    pub fn rename_chain(&mut self, old: &str, new: &str) {
        if let Some(chain) = self.chain(old) {
            chain.name = new.to_owned();
        }
        self.index();
    }

    /// Adds a set.
    pub fn add_set(&mut self, set: SetState<'c>) {
        self.set_index.insert(set.name.clone(), self.sets.len());
        self.sets.push(set);
    }

    /// Removes a set.
    pub fn remove_set(&mut self, name: &str) {
        self.sets.retain(|s| s.name != name);
        self.index();
    }

    fn index(&mut self) {
        self.chain_index = self.chains.iter().enumerate().map(|(at, c)| (c.name.clone(), at)).collect();
        self.set_index = self.sets.iter().enumerate().map(|(at, s)| (s.name.clone(), at)).collect();
    }
}
