//! The commands of a script, one after the other, as `nft -f` gives them to the kernel.

use super::Parsed;
use super::declare;
use super::state::{ChainState, NamedState, State, Table};
use crate::dialect::nftables::syntax::{Command, Element, Name, Object, RuleSpec, TableName, Verb};
use crate::dialect::{Problem, nearest};
use crate::ruleset::Span;

/// Applies a command.
///
/// # Errors
/// What nft refuses: names that are not there, or there already, and declarations that contradict earlier ones.
pub fn apply<'c>(state: &mut State<'c>, command: &'c Command) -> Parsed<()> {
    if matches!(command.verb, Verb::List | Verb::Reset) {
        return Ok(());
    }
    match &command.object {
        Object::Ruleset(family) => {
            state.tables.retain(|t| family.is_some_and(|f| f != t.name.family));
            Ok(())
        }
        Object::Table { table, flags } => on_table(state, command, table, flags),
        Object::Chain { table, name, base, policy, new_name } => {
            let found = need_table(state, table, command.span)?;
            match command.verb {
                Verb::Delete | Verb::Destroy => remove_chain(found, command.verb, name),
                Verb::Flush => need_chain(found, name).map(|c| {
                    c.rules.clear();
                    c.spans.clear();
                }),
                Verb::Rename => rename(found, name, new_name.as_ref()),
                _ => match policy {
                    Some(policy) => declare::policy(found, command.verb, name, policy),
                    None => declare::chain(state, command, table, name, base.as_ref()),
                },
            }
        }
        Object::Rule(rule) => on_rule(state, command, rule),
        Object::Set(spec) => {
            let table = need_table(state, &spec.table, command.span)?;
            match command.verb {
                Verb::Delete | Verb::Destroy => remove_set(table, command.verb, &spec.name),
                Verb::Flush => elements(table, command, &spec.name, None),
                _ => declare::set(table, command.verb, spec),
            }
        }
        Object::Elements { table, set, elements: given } => {
            let table = need_table(state, table, command.span)?;
            elements(table, command, set, given.as_deref())
        }
        Object::Named { table, kind, name, body } => {
            let table = need_table(state, table, command.span)?;
            let there = table.object(*kind, &name.text).is_some();
            match command.verb {
                Verb::Create if there => return Err(exists(name, "object")),
                Verb::Delete if !there => return Err(missing(name, "object", std::iter::empty())),
                Verb::Delete | Verb::Destroy => table.objects.retain(|o| o.kind != *kind || o.name != name.text),
                Verb::Flush => {}
                _ if there => {}
                _ => table.objects.push(NamedState { kind: *kind, name: name.text.clone(), body }),
            }
            Ok(())
        }
        Object::ByHandle { what, handle, .. } => {
            Err(Problem::new(command.span, format!("nobody knows which {what} has the handle {handle}"))
                .help("handles are given by the kernel when it loads a ruleset; use the name"))
        }
    }
}

fn on_table(state: &mut State<'_>, command: &Command, table: &TableName, flags: &[Name]) -> Parsed<()> {
    let there = state.tables.iter().position(|t| t.name == *table);
    match (command.verb, there) {
        (Verb::Create, Some(_)) => Err(Problem::new(command.span, format!("table `{}` is there already", table.name))),
        (Verb::Delete | Verb::Flush, None) => {
            let message = format!("there is no table `{}` of this family", table.name);
            Err(Problem::new(command.span, message).help("a line `add table` before it makes it sure to be there"))
        }
        (Verb::Delete | Verb::Destroy, at) => {
            at.map(|at| state.tables.remove(at));
            Ok(())
        }
        (Verb::Flush, Some(at)) => {
            for chain in state.tables.get_mut(at).into_iter().flat_map(|t| &mut t.chains) {
                chain.rules.clear();
                chain.spans.clear();
            }
            Ok(())
        }
        (_, at) => {
            let at = at.unwrap_or_else(|| {
                state.tables.push(Table::new(table.clone()));
                state.tables.len() - 1
            });
            if let Some(found) = state.tables.get_mut(at) {
                found.dormant = flags.iter().any(|f| f.text == "dormant");
            }
            Ok(())
        }
    }
}

/// The table of a name.
///
/// # Errors
/// Where it is not there.
pub fn need_table<'s, 'c>(state: &'s mut State<'c>, name: &TableName, span: Span) -> Parsed<&'s mut Table<'c>> {
    state.table(name).ok_or_else(|| {
        Problem::new(span, format!("there is no table `{}` of this family", name.name))
            .help("a table is declared before what it holds; without a family, `ip` is meant")
    })
}

fn need_chain<'s, 'c>(table: &'s mut Table<'c>, name: &Name) -> Parsed<&'s mut ChainState<'c>> {
    if table.chain_at(&name.text).is_none() {
        return Err(missing(name, "chain", table.chains.iter().map(|c| c.name.as_str())));
    }
    table.chain(&name.text).ok_or_else(|| missing(name, "chain", std::iter::empty()))
}

fn remove_chain(table: &mut Table<'_>, verb: Verb, name: &Name) -> Parsed<()> {
    if table.chain_at(&name.text).is_none() {
        return if verb == Verb::Destroy { Ok(()) } else { need_chain(table, name).map(|_| ()) };
    }
    if declare::calls_chain(table, &name.text) {
        let problem = Problem::new(name.span, format!("chain `{}` is still called", name.text));
        return Err(problem.help("the kernel refuses to remove what a rule refers to"));
    }
    table.remove_chain(&name.text);
    Ok(())
}

fn rename(table: &mut Table<'_>, name: &Name, new_name: Option<&Name>) -> Parsed<()> {
    need_chain(table, name)?;
    let Some(new) = new_name else { return Ok(()) };
    if table.chain_at(&new.text).is_some() {
        return Err(exists(new, "chain"));
    }
    table.rename_chain(&name.text, &new.text);
    Ok(())
}

fn on_rule<'c>(state: &mut State<'c>, command: &'c Command, rule: &'c RuleSpec) -> Parsed<()> {
    let table = need_table(state, &rule.table, command.span)?;
    let chain = need_chain(table, &rule.chain)?;
    let by_handle = |wanted: u64| chain.rules.iter().position(|r| r.handle == Some(wanted));
    let neighbour = match (rule.position, rule.index) {
        (Some(handle), _) => Some(by_handle(handle).ok_or_else(|| no_rule(command, "handle", handle))?),
        (None, Some(index)) => {
            let at = usize::try_from(index).ok().filter(|at| *at < chain.rules.len());
            Some(at.ok_or_else(|| no_rule(command, "index", index))?)
        }
        (None, None) => None,
    };
    let own = || match rule.handle {
        Some(handle) => by_handle(handle).ok_or_else(|| no_rule(command, "handle", handle)),
        None => neighbour.ok_or_else(|| Problem::new(command.span, "it is not said which rule is meant")),
    };
    match command.verb {
        Verb::Delete => remove_rule(chain, own()?),
        Verb::Destroy => {
            if let Ok(at) = own() {
                remove_rule(chain, at);
            }
        }
        Verb::Replace => {
            let at = own()?;
            remove_rule(chain, at);
            put_rule(chain, at, rule, command.span);
        }
        Verb::Insert => put_rule(chain, neighbour.unwrap_or(0), rule, command.span),
        _ => put_rule(chain, neighbour.map_or(chain.rules.len(), |at| at + 1), rule, command.span),
    }
    Ok(())
}

fn put_rule<'c>(chain: &mut ChainState<'c>, at: usize, rule: &'c RuleSpec, span: Span) {
    chain.rules.insert(at, rule);
    chain.spans.insert(at, span);
}

fn remove_rule(chain: &mut ChainState<'_>, at: usize) {
    chain.rules.remove(at);
    chain.spans.remove(at);
}

fn no_rule(command: &Command, by: &str, number: u64) -> Problem {
    Problem::new(command.span, format!("no rule of the chain has the {by} {number}"))
        .help("handles are given by the kernel and known only from listings with handles")
}

fn remove_set(table: &mut Table<'_>, verb: Verb, name: &Name) -> Parsed<()> {
    if table.set(&name.text).is_none() {
        let known: Vec<String> = table.sets.iter().map(|s| s.name.clone()).collect();
        let problem = || missing(name, "set or map", known.iter().map(String::as_str));
        return if verb == Verb::Destroy { Ok(()) } else { Err(problem()) };
    }
    if declare::uses_set(table, &name.text) {
        let problem = Problem::new(name.span, format!("`{}` is still used by a rule", name.text));
        return Err(problem.help("the kernel refuses to remove what a rule refers to"));
    }
    table.remove_set(&name.text);
    Ok(())
}

/// Adds, removes or empties elements.
fn elements<'c>(table: &mut Table<'c>, command: &'c Command, name: &Name, given: Option<&'c [Element]>) -> Parsed<()> {
    let known: Vec<String> = table.sets.iter().map(|s| s.name.clone()).collect();
    let set = table.set_mut(&name.text).ok_or_else(|| missing(name, "set or map", known.iter().map(String::as_str)))?;
    let given = given.unwrap_or_default();
    match command.verb {
        Verb::Flush => set.elements.clear(),
        Verb::Delete | Verb::Destroy => {
            for element in given {
                let at = set.elements.iter().position(|e| declare::same_value(&e.key, &element.key));
                match at {
                    Some(at) => drop(set.elements.remove(at)),
                    None if command.verb == Verb::Destroy => {}
                    None => {
                        return Err(Problem::new(element.span, format!("`{}` has no such element", name.text)));
                    }
                }
            }
        }
        Verb::Create => {
            let twice = |e: &&Element| set.elements.iter().any(|known| declare::same_value(&known.key, &e.key));
            if let Some(element) = given.iter().find(twice) {
                return Err(Problem::new(element.span, format!("`{}` has the element already", name.text)));
            }
            set.elements.extend(given);
        }
        _ => set.elements.extend(given),
    }
    Ok(())
}

/// The problem of a name that is taken.
pub fn exists(name: &Name, what: &str) -> Problem {
    Problem::new(name.span, format!("the {what} `{}` is there already", name.text))
}

fn missing<'n>(name: &Name, what: &str, known: impl Iterator<Item = &'n str>) -> Problem {
    let near = nearest(&name.text, known).map(|n| format!("did you mean `{n}`?"));
    Problem::new(name.span, format!("there is no {what} `{}` in the table", name.text)).help_if(near)
}
