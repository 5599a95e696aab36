//! The packets of whole conversations as one filter after the other meets them: on interfaces, at the hook of
//! their direction, and with the addresses that a translation of the first packet gives to the others.

use super::interfaces::{End, on_interfaces};
use super::question::Assume;
use super::scene::Filter;
use super::translation::{Connection, connections};
use super::view::View;
use crate::finding::Direction;
use crate::packet::{Cell, Field, State, Values};
use crate::policy::{Flow, FlowCell, FlowRule};
use crate::ruleset::{Hook, Side, TranslatedSide, translated_connection};

/// Some packets of a conversation that must pass a filter.
#[derive(Clone, Debug)]
pub(super) struct Demand {
    pub direction: Direction,
    /// What the packets are: `SYN`, `reply`.
    pub name: &'static str,
    pub hook: Hook,
    pub cell: Cell,
}

/// Every demand of a flow, in the order in which packets are sent.
#[derive(Default)]
pub(super) struct Demands {
    pub list: Vec<Demand>,
    /// Why a translation could not be followed exactly, where one could not.
    pub inexact: Option<String>,
    /// Whether the bound of a walk was reached.
    pub is_bounded: bool,
}

/// The demands of one flow of a requirement on one side.
pub(super) fn demands(view: &View<'_, '_>, rule: &FlowRule, flow: &Flow, side: Side) -> Demands {
    let cells = rule.conversation(flow);
    let mut out = Demands::default();
    for talk in cells.chunk_by(|a, b| a.service == b.service) {
        Talk { view, rule, flow, side, cells: talk }.demand(&mut out);
    }
    out
}

/// The packets of one service.
struct Talk<'t, 'v> {
    view: &'t View<'t, 'v>,
    rule: &'t FlowRule,
    flow: &'t Flow,
    side: Side,
    cells: &'t [FlowCell],
}

fn sets_up(cell: &FlowCell) -> bool {
    let new = Values::one(Field::State, State::New.value());
    cell.direction == Direction::Request && cell.cell.get(Field::State) == Some(&new)
}

impl Talk<'_, '_> {
    fn demand(&self, out: &mut Demands) {
        let (firsts, others): (Vec<&FlowCell>, Vec<&FlowCell>) = self.cells.iter().partition(|c| sets_up(c));
        let mut answered: Vec<bool> = vec![false; others.len()];
        for first in firsts {
            let mut started = Vec::new();
            for connection in self.connections(first, out) {
                for cell in self.placed(&connection.cell, Some(&connection)) {
                    out.list.push(self.demanded(first, self.rule.place.hook, cell.clone()));
                    started.push((connection.clone(), cell));
                }
            }
            for (other, done) in others.iter().zip(&mut answered) {
                if same_protocol(first, other) {
                    *done = true;
                    out.list.extend(started.iter().filter_map(|(c, cell)| self.follow(other, c, cell)));
                }
            }
        }
        for (other, _) in others.iter().zip(&answered).filter(|(_, done)| !**done) {
            self.alone(other, out);
        }
    }

    /// A packet that belongs to no connection of its own.
    fn alone(&self, cell: &FlowCell, out: &mut Demands) {
        let hook = self.rule.place.hook;
        out.list.extend(self.placed(&cell.cell, None).into_iter().map(|c| self.demanded(cell, hook, c)));
    }

    fn demanded(&self, of: &FlowCell, hook: Hook, cell: Cell) -> Demand {
        Demand { direction: of.direction, name: of.name, hook, cell }
    }

    fn filter(&self, hook: Hook) -> &Filter<'_> {
        self.view.filter(hook, self.flow.family)
    }

    /// The first packets by what becomes of their connection.
    fn connections(&self, first: &FlowCell, out: &mut Demands) -> Vec<Connection> {
        let filter = self.filter(self.rule.place.hook);
        if !filter.changes_connections(self.side) {
            return vec![Connection::plain(first.cell.clone())];
        }
        let inputs = self.rule.place.inputs.as_deref();
        let on_way_in = on_interfaces(self.view.scene, filter, &first.cell, End::In, inputs, None);
        let found = connections(self.view.scene, filter, self.side, &on_way_in, Assume::AsWritten);
        out.is_bounded |= found.is_bounded;
        let reply = self.filter(self.rule.place.hook.reverse());
        out.inexact = out.inexact.take().or_else(|| found.list.iter().find_map(|c| c.inexact(reply, self.side)));
        found.list
    }

    /// First packets on the interfaces of both ends.
    fn placed(&self, cell: &Cell, connection: Option<&Connection>) -> Vec<Cell> {
        let (scene, filter) = (self.view.scene, self.filter(self.rule.place.hook));
        let place = &self.rule.place;
        let target = connection.and_then(|c| c.new_destination(self.flow.family));
        let inside = on_interfaces(scene, filter, cell, End::In, place.inputs.as_deref(), None);
        let both = |c: &Cell| on_interfaces(scene, filter, c, End::Out, place.outputs.as_deref(), target.as_ref());
        inside.iter().flat_map(both).collect()
    }

    /// A later packet of a connection that `first` packets have set up.
    fn follow(&self, later: &FlowCell, connection: &Connection, first: &Cell) -> Option<Demand> {
        let family = self.flow.family;
        let (hook, mut cell) = match later.direction {
            Direction::Request => (self.rule.place.hook, later.cell.clone()),
            Direction::Reply => (self.rule.place.hook.reverse(), later.cell.clone()),
        };
        for (field, values) in connection.later_fields(first, later.direction, family) {
            cell = match field {
                // The reply's source is the translated destination, which the policy does not name.
                Field::Src | Field::Sport if later.direction == Direction::Reply => cell.with(field, values),
                _ => cell.meet(field, &values, family)?,
            };
        }
        if connection.is_untracked {
            cell = cell.with(Field::State, Values::one(Field::State, state_alone(later.name).value()));
        }
        Some(self.demanded(later, hook, self.with_status(cell, hook, connection)))
    }

    /// The cell with what `ct status` says of its connection.
    fn with_status(&self, cell: Cell, hook: Hook, connection: &Connection) -> Cell {
        let filter = self.filter(hook);
        let status = [
            (TranslatedSide::Destination, connection.translates_destination()),
            (TranslatedSide::Source, connection.translates_source()),
        ];
        status.into_iter().fold(cell, |cell, (end, holds)| {
            let opaque = translated_connection(end);
            cell.with_cond(filter.space.cond(self.side, crate::ruleset::Place::NoChain, &opaque), holds)
        })
    }
}

fn same_protocol(first: &FlowCell, other: &FlowCell) -> bool {
    first.cell.get(Field::Proto) == other.cell.get(Field::Proto)
}

/// The state of a packet in the middle of a connection that conntrack has not seen begin
/// (`nf_conntrack_proto_tcp.c`, `tcp_new`; `nf_conntrack_proto_icmp.c`, `valid_new`).
fn state_alone(name: &str) -> State {
    match name {
        "SYN+ACK" | "RST" | "reply" => State::Invalid,
        _ => State::New,
    }
}
