//! What becomes of connections on the way: translated ends, exemption from conntrack; and what later packets of
//! such a connection look like where a filter meets them.

use super::question::Assume;
use super::scene::{Filter, Scene};
use crate::finding::Direction;
use crate::packet::{Cell, Cond, Family, Field, Ranges, Values, coalesce};
use crate::ruleset::{End, Explored, Guide, NfHook, Rewrite, Side, Translation, Walker, explore_by};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// First packets whose connections are treated alike.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    /// The first packets.
    pub cell: Cell,
    translation: Option<Translation>,
    pub is_untracked: bool,
}

/// The connections that the packets of cells set up.
pub(super) struct Connections {
    pub list: Vec<Connection>,
    pub is_bounded: bool,
}

/// The fields that later packets of a connection share with the first.
const SHARED: [Field; 7] = [Field::Src, Field::Dst, Field::Proto, Field::Sport, Field::Dport, Field::Iif, Field::Oif];

/// Walks first packets and sorts them by what happens to their connection.
pub(super) fn connections(
    scene: &Scene<'_>,
    filter: &Filter<'_>,
    side: Side,
    cells: &[Cell],
    assume: Assume,
) -> Connections {
    let walker = Walker::new(&filter.space, filter.program(side));
    let mut sorter = Sorter { scene, filter, assume, groups: BTreeMap::new() };
    let mut is_bounded = false;
    for cell in cells {
        if let Some(start) = filter.space.possible().intersect(cell, filter.space.family) {
            let explored = explore_by(&walker, start, scene.input.bounds.cells, &mut sorter);
            is_bounded |= explored == Explored::Bounded;
        }
    }
    let list = sorter.groups.into_iter().flat_map(|((translation, is_untracked), parts)| {
        let connection = move |cell| Connection { cell, translation: translation.clone(), is_untracked };
        coalesce(parts).into_iter().map(connection)
    });
    Connections { list: list.collect(), is_bounded }
}

struct Sorter<'q> {
    scene: &'q Scene<'q>,
    filter: &'q Filter<'q>,
    assume: Assume,
    groups: BTreeMap<(Option<Translation>, bool), Vec<Cell>>,
}

impl Guide for Sorter<'_> {
    fn settle(&mut self, cond: Cond) -> Option<bool> {
        let assumption = self.scene.assumption(&self.filter.space.cond_name(cond));
        assumption.filter(|_| self.assume == Assume::AsWritten).map(|a| a.holds)
    }

    fn visit(&mut self, end: End<'_>) -> ControlFlow<()> {
        let key = (end.translation.cloned(), end.untracked);
        // The outgoing interface follows from the destination, and is put on later.
        let first = end.cell.project(|f| f != Field::Oif);
        self.groups.entry(key).or_default().push(first);
        ControlFlow::Continue(())
    }
}

impl Connection {
    /// One to which nothing happens.
    pub fn plain(cell: Cell) -> Connection {
        Connection { cell, translation: None, is_untracked: false }
    }

    /// Whether its destination is translated.
    pub fn translates_destination(&self) -> bool {
        self.translation.as_ref().is_some_and(Translation::is_destination)
    }

    /// Whether its source is translated.
    pub fn translates_source(&self) -> bool {
        let masquerades = |t: &Translation| t.options.iter().any(|o| &**o == "masquerade");
        self.translation.as_ref().is_some_and(|t| t.src.is_some() || t.sport.is_some() || masquerades(t))
    }

    /// Where its packets go, where that is translated to something that is known.
    pub fn new_destination(&self, family: Family) -> Option<Ranges> {
        let rewrite = self.translation.as_ref()?.dst.as_ref()?;
        known_image(rewrite, self.cell.get(Field::Dst), Field::Dst, family)
    }

    /// Why later packets cannot be said exactly, where they cannot: `reply` is the filter of the replies.
    pub fn inexact(&self, reply: &Filter<'_>, side: Side) -> Option<String> {
        let t = self.translation.as_ref()?;
        if t.dst.is_some() && self.new_destination(reply.space.family).is_none() {
            return Some("the new destination is not known from the rules alone".into());
        }
        let program = reply.program(side);
        let early = program.stages.iter().any(|s| {
            s.hook == NfHook::Prerouting && s.priority < DESTINATION_NAT && !program.block(s.chain).lines.is_empty()
        });
        (self.translates_source() && early)
            .then(|| "chains in front of the translation see replies with another destination".into())
    }

    /// What later packets of the connection that `first` packets have set up share with them, as fields of a
    /// packet in `direction`.
    ///
    /// A translated source is given back to replies before any filter sees them, at priority -100 of prerouting;
    /// a translated destination only after the filters (`nf_nat_core.c`, `nf_nat_packet`).
    pub fn later_fields(&self, first: &Cell, direction: Direction, family: Family) -> Vec<(Field, Values)> {
        let own = SHARED.into_iter().filter_map(|f| first.get(f).map(|v| (f, v.clone())));
        if direction == Direction::Request {
            return own.collect();
        }
        let translated = |field: Field, values: Values| match (field, &self.translation) {
            (Field::Dst, Some(t)) => after(t.dst.as_ref(), values, field, family),
            (Field::Dport, Some(t)) => after(t.dport.as_ref(), values, field, family),
            _ => values,
        };
        let mut out: Vec<(Field, Values)> = own.map(|(f, v)| (turned(f), translated(f, v))).collect();
        if let Some(t) = &self.translation {
            let missing = [(Field::Dst, &t.dst), (Field::Dport, &t.dport)];
            for (field, rewrite) in missing.into_iter().filter(|(f, r)| r.is_some() && first.get(*f).is_none()) {
                let full = Values::Ranges(Ranges::range(0, field.max(family)));
                out.push((turned(field), after(rewrite.as_ref(), full, field, family)));
            }
        }
        out
    }
}

/// The priority of destination translation (`NF_IP_PRI_NAT_DST`).
const DESTINATION_NAT: i32 = -100;

fn after(rewrite: Option<&Rewrite>, old: Values, field: Field, family: Family) -> Values {
    let image = rewrite.and_then(|r| known_image(r, Some(&old), field, family));
    image.map_or(old, Values::Ranges)
}

/// The field of a reply that holds what `field` holds of a request.
fn turned(field: Field) -> Field {
    match field {
        Field::Src => Field::Dst,
        Field::Dst => Field::Src,
        Field::Sport => Field::Dport,
        Field::Dport => Field::Sport,
        Field::Iif => Field::Oif,
        Field::Oif => Field::Iif,
        other => other,
    }
}

/// The values after a translation; `None` where they can be anything.
fn known_image(rewrite: &Rewrite, old: Option<&Values>, field: Field, family: Family) -> Option<Ranges> {
    let full = Ranges::range(0, field.max(family));
    match rewrite {
        Rewrite::To(to) => (!to.is_full(field.max(family))).then(|| to.clone()),
        Rewrite::Prefix { base, host } => {
            let old = old.and_then(Values::as_ranges).unwrap_or(&full);
            Some(old.as_slice().iter().flat_map(|range| renumbered(*range, *base, *host)).collect())
        }
        Rewrite::Add(_) | Rewrite::Masked { .. } => None,
    }
}

/// The addresses `base | (old & host)` of a range; `host` is a mask of low bits.
fn renumbered((lo, hi): (u128, u128), base: u128, host: u128) -> Vec<(u128, u128)> {
    if lo & !host == hi & !host {
        return vec![(base | (lo & host), base | (hi & host))];
    }
    let touching = (lo & !host).checked_add(host).and_then(|last| last.checked_add(1)) == Some(hi & !host);
    if touching {
        return vec![(base | (lo & host), base | host), (base, base | (hi & host))];
    }
    vec![(base, base | host)]
}
