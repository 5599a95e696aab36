//! Effects that no change request mentions: all of them where there is none.

use super::outside_intent::intent_cells;
use super::scene::{Filter, Pair, Presence};
use super::view::View;
use crate::diff::{Change, EffectKind};
use crate::packet::Cell;
use crate::policy::IntentEffect;

/// Packets that a change closes, or opens, and that nobody declared.
pub(super) struct Closed<'c> {
    pub change: &'c Change,
    pub cell: Cell,
}

/// Closed packets that the devices' intents do not mention, by the devices for which they are the same.
pub(super) fn closed<'c>(view: &'c View<'_, '_>, filter: &'c Filter<'_>) -> Vec<(Vec<&'c Pair<'c>>, Vec<Closed<'c>>)> {
    undeclared(view, filter, EffectKind::Closed)
}

/// As `closed`, for opened packets.
pub(super) fn opened<'c>(view: &'c View<'_, '_>, filter: &'c Filter<'_>) -> Vec<(Vec<&'c Pair<'c>>, Vec<Closed<'c>>)> {
    undeclared(view, filter, EffectKind::Opened)
}

fn undeclared<'c>(
    view: &'c View<'_, '_>,
    filter: &'c Filter<'_>,
    kind: EffectKind,
) -> Vec<(Vec<&'c Pair<'c>>, Vec<Closed<'c>>)> {
    let scene = view.scene;
    let Some(change) = scene.input.change else {
        return vec![(scene.pairs.iter().collect(), parts(filter, kind, &[]))];
    };
    let of_pair = |pair: &'c Pair<'c>| {
        let is_named = pair.is_selected(&change.devices);
        if is_named && scene.presence == Presence::Added {
            return (vec![pair], Vec::new());
        }
        let effect = if kind == EffectKind::Closed { IntentEffect::Closed } else { IntentEffect::Opened };
        let own = change.intents.iter().filter(|i| is_named && i.effect == effect);
        let own = own.filter(|i| pair.is_selected(&i.place.devices));
        let intents: Vec<Cell> = own.flat_map(|i| intent_cells(i, filter)).collect();
        (vec![pair], parts(filter, kind, &intents))
    };
    scene.pairs.iter().map(of_pair).collect()
}

fn parts<'c>(filter: &'c Filter<'_>, kind: EffectKind, intents: &[Cell]) -> Vec<Closed<'c>> {
    let family = filter.space.family;
    let mut out = Vec::new();
    for change in filter.changes.iter().filter(|c| c.effect == kind) {
        let mut cells = change.cells.clone();
        for intent in intents {
            cells = cells.iter().flat_map(|c| c.subtract(intent, family)).collect();
        }
        out.extend(cells.into_iter().map(|cell| Closed { change, cell }));
    }
    out
}
