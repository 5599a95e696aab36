//! Which packets a question is about, before a space gives interfaces their numbers.

use crate::packet::{Cell, Family, Field, IfacePattern, IfaceSide, Ranges, Values};
use crate::ruleset::Space;

/// Addresses of both families.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// The IPv4 addresses.
    pub v4: Ranges,
    /// The IPv6 addresses.
    pub v6: Ranges,
}

impl Addresses {
    /// Every address.
    pub fn any() -> Addresses {
        let all = |family: Family| Ranges::range(0, family.max_address());
        Addresses { v4: all(Family::V4), v6: all(Family::V6) }
    }

    /// Those of one family.
    pub fn of(&self, family: Family) -> &Ranges {
        match family {
            Family::V4 => &self.v4,
            Family::V6 => &self.v6,
        }
    }

    /// Those in either set.
    pub fn union(&self, other: &Addresses) -> Addresses {
        Addresses { v4: self.v4.union(&other.v4), v6: self.v6.union(&other.v6) }
    }

    /// The addresses of a family that are not in this set, for both families.
    pub fn complement(&self) -> Addresses {
        let not = |family: Family| self.of(family).complement(family.max_address());
        Addresses { v4: not(Family::V4), v6: not(Family::V6) }
    }
}

/// Interfaces of one side: one of the patterns, or none of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceChoice {
    /// Of which side.
    pub side: IfaceSide,
    /// The patterns.
    pub patterns: Vec<IfacePattern>,
    /// Whether the interface matches none of them instead of one.
    pub excluded: bool,
}

/// Packets of one family. The default is all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Values by field, each field once.
    pub fields: Vec<(Field, Values)>,
    /// Restrictions of the interfaces.
    pub interfaces: Vec<InterfaceChoice>,
}

impl Selection {
    /// This selection with a field restricted further.
    pub fn with(mut self, field: Field, values: Values) -> Selection {
        self.fields.push((field, values));
        self
    }

    /// The interface names that the space must tell apart.
    pub fn patterns(&self) -> Vec<IfacePattern> {
        self.interfaces.iter().flat_map(|c| c.patterns.iter().cloned()).collect()
    }

    /// The packets that can be judged at the space's hook; `None` where there are none.
    pub fn cell(&self, space: &Space) -> Option<Cell> {
        let mut cell = space.possible();
        for (field, values) in &self.fields {
            cell = cell.meet(*field, values, space.family)?;
        }
        for choice in &self.interfaces {
            let matching = choice.patterns.iter().map(|p| space.interfaces.matching(p));
            let named = matching.fold(Ranges::empty(), |all, one| all.union(&one));
            let wanted = if choice.excluded { space.interfaces.all().subtract(&named) } else { named };
            cell = cell.meet(choice.side.field(), &Values::Ranges(wanted), space.family)?;
        }
        Some(cell)
    }
}
