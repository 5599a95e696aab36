//! FW75x: routes.

use super::{Code, Page, Severity, Standing};

/// The codes of this family, by id.
pub(super) const CODES: &[&Code] = &[
    &REQUIRED_ROUTE_LOST,
    &REQUIRED_ROUTE_MISSING,
    &ROUTE_UNMATCHED,
    &RANGE_CAPTURED,
    &RANGE_BLACKHOLED,
    &RANGE_UNROUTED,
    &DEFAULT_ROUTE_CHANGED,
    &ROUTES_MISSING,
    &ROUTE_CHANGE_UNDECLARED,
    &REROUTE_NOT_MET,
    &TEST_OUTSIDE_LAB,
];

/// A required destination went the required way before the change and does not after it.
pub static REQUIRED_ROUTE_LOST: Code = Code {
    id: "FW751",
    name: "required-route-lost",
    severity: Severity::Error,
    standing: Standing::Fixed,
    summary: "a required destination went the required way before the change and does not after it",
    page: Page {
        what: "Finds a destination of a `[[route]]` of the policy that the proposal sends elsewhere than the policy demands, or, where the policy names no way, elsewhere than the baseline. Longest prefixes, tables and policy rules are all counted.",
        why: "Somebody wrote down that this traffic must take this way. A more specific route added somewhere else takes it away without any line of the old route being touched.",
        before: "10.30.0.0/16 via 10.0.0.1 dev eth0\n10.30.8.0/21 via 10.99.0.9 dev test0     (added by the change)",
        after: "10.30.0.0/16 via 10.0.0.1 dev eth0",
        mend: "Take out the route that is named, or narrow it to what it is meant for. Where the way is really to change, change the policy first.",
    },
};

/// A required destination goes the required way neither before the change nor after it.
pub static REQUIRED_ROUTE_MISSING: Code = Code {
    id: "FW752",
    name: "required-route-missing",
    severity: Severity::Error,
    standing: Standing::Adjustable,
    summary: "a required destination goes the required way neither before the change nor after it",
    page: Page {
        what: "Finds a destination of a `[[route]]` of the policy that neither baseline nor proposal sends the required way; where the policy names no way, one that neither has any route for.",
        why: "The policy promises something that the devices do not keep. It is no fault of this change, but nobody can rely on the promise.",
        before: "[[route]]\nto = [\"10.30.0.0/16\"]     and no table knows 10.30.0.0/16",
        after: "10.30.0.0/16 via 10.0.0.1 dev eth0",
        mend: "Add the route, or take the destination out of the policy.",
    },
};

/// A demand for routes was judged nowhere.
pub static ROUTE_UNMATCHED: Code = Code {
    id: "FW753",
    name: "route-unmatched",
    severity: Severity::Error,
    standing: Standing::Fixed,
    summary: "a demand for routes selects no device with routes, or no destination",
    page: Page {
        what: "Finds a `[[route]]` of the policy that no selected device of the proposal has routes for, or that names no destination.",
        why: "A demand that is judged nowhere always holds, and everybody believes that it was checked.",
        before: "devices = [\"egde1\"]",
        after: "devices = [\"edge1\"]",
        mend: "Correct `devices` or `to`, or add the output of `ip route show table all` to the device's files.",
    },
};

/// A more specific route takes over a range.
pub static RANGE_CAPTURED: Code = Code {
    id: "FW754",
    name: "range-captured",
    severity: Severity::Error,
    standing: Standing::Adjustable,
    summary: "a more specific route takes over addresses of a range that went another way",
    page: Page {
        what: "Finds private addresses, and those of named ranges outside the lab, that a more specific route of the proposal sends elsewhere than the baseline, where the change request does not declare it.",
        why: "The old route is still there and looks untouched; the longer prefix wins all the same. This is how a test reaches production.",
        before: "10.30.0.0/16 via 10.0.0.1 dev eth0\n10.30.8.0/21 via 10.99.0.9 dev test0",
        after: "10.30.0.0/16 via 10.0.0.1 dev eth0\n10.99.8.0/21 via 10.99.0.9 dev test0",
        mend: "Narrow the new route to what it is meant for; where it is meant, declare it with a `[[reroute]]` in the change request.",
    },
};

/// A range is discarded.
pub static RANGE_BLACKHOLED: Code = Code {
    id: "FW755",
    name: "range-blackholed",
    severity: Severity::Error,
    standing: Standing::Adjustable,
    summary: "addresses of a range that were reached are discarded",
    page: Page {
        what: "Finds private addresses, and those of named ranges outside the lab, that the baseline sends on and the proposal discards (`blackhole`, `unreachable`, `prohibit`, by a route or by a policy rule), where the change request does not declare it.",
        why: "Packets vanish although no filter says so.",
        before: "blackhole 10.30.0.0/17     (added by the change)",
        after: "10.30.0.0/16 via 10.0.0.1 dev eth0",
        mend: "Take the route out; where it is meant, declare it with a `[[reroute]]` in the change request.",
    },
};

/// A range has no route any more.
pub static RANGE_UNROUTED: Code = Code {
    id: "FW756",
    name: "range-unrouted",
    severity: Severity::Error,
    standing: Standing::Adjustable,
    summary: "addresses of a range that were reached have no route any more",
    page: Page {
        what: "Finds private addresses, and those of named ranges outside the lab, for which the baseline has a route and the proposal has none, where the change request does not declare it.",
        why: "Packets are answered with `network unreachable`, or dropped, although no filter says so.",
        before: "10.30.0.0/16 via 10.0.0.1 dev eth0     (taken out by the change)",
        after: "10.30.0.0/16 via 10.0.0.1 dev eth0     (kept)",
        mend: "Put the route back; where it is meant, declare it with a `[[reroute]]` in the change request.",
    },
};

/// The default route changes.
pub static DEFAULT_ROUTE_CHANGED: Code = Code {
    id: "FW757",
    name: "default-route-changed",
    severity: Severity::Error,
    standing: Standing::Adjustable,
    summary: "everything that only the default route reached goes another way",
    page: Page {
        what: "Finds a default route that the proposal adds, takes away, or points elsewhere, where the change request does not declare it.",
        why: "It decides about every address that nobody wrote down, the way to the management station among them.",
        before: "default via 10.0.0.9 dev eth1     (was: via 10.0.0.1 dev eth0)",
        after: "default via 10.0.0.1 dev eth0",
        mend: "Put the default route back; where it is meant, declare it with a `[[reroute]]` that has `to = [\"any\"]`.",
    },
};

/// Only one side gives the routes of a family.
pub static ROUTES_MISSING: Code = Code {
    id: "FW758",
    name: "routes-missing",
    severity: Severity::Error,
    standing: Standing::Adjustable,
    summary: "one side gives routes of a family and the other does not",
    page: Page {
        what: "Finds a family of which only baseline or only proposal gives routes, so that nothing about its routes was compared.",
        why: "Routes that nobody gives are not routes that are gone, and not routes that stay: nobody knows.",
        before: "edge1/routes in the baseline, no such file in the proposal",
        after: "edge1/routes on both sides",
        mend: "Give the routes that are in force to the side that lacks them: `ip route show table all`.",
    },
};

/// A route changes and nobody declared it.
pub static ROUTE_CHANGE_UNDECLARED: Code = Code {
    id: "FW759",
    name: "route-change-undeclared",
    severity: Severity::Error,
    standing: Standing::Adjustable,
    summary: "destinations go another way than before, and no `[[reroute]]` says so",
    page: Page {
        what: "Finds every destination whose way changes and that no `[[reroute]]` of the change request mentions. Without a change request it is a note.",
        why: "An approver approves what the change says that it does.",
        before: "routes change, and the change request has only an [[intent]] about port 443",
        after: "[[reroute]]\nto = [\"10.30.0.0/16\"]\nvia = [\"10.0.0.9\"]",
        mend: "Declare the change of routes, or take it out of the proposal.",
    },
};

/// A declared change of routes does not come about.
pub static REROUTE_NOT_MET: Code = Code {
    id: "FW760",
    name: "reroute-not-met",
    severity: Severity::Error,
    standing: Standing::Adjustable,
    summary: "a declared change of routes does not come about",
    page: Page {
        what: "Finds a `[[reroute]]` of the change request none of whose destinations changes its way, or some of which do not go the way that it names.",
        why: "Either the declaration or the proposal is not what the author meant.",
        before: "[[reroute]]\nto = [\"10.30.0.0/16\"]\nvia = [\"10.0.0.9\"]     and the routes stay as they were",
        after: "10.30.0.0/16 via 10.0.0.9 dev eth1",
        mend: "Correct the declaration or the routes.",
    },
};

/// A test reaches outside the lab.
pub static TEST_OUTSIDE_LAB: Code = Code {
    id: "FW761",
    name: "test-outside-lab",
    severity: Severity::Error,
    standing: Standing::Fixed,
    summary: "a change of class test has an effect outside the lab",
    page: Page {
        what: "Finds a packet that a change of class `test` treats differently, or a destination that it sends another way, outside the `ranges`, `routes` and `devices` of the policy's `[lab]`. Rules and routes are judged as a whole: one packet or one destination is enough.",
        why: "A test needs fewer approvals because it cannot hurt anybody. One that reaches production is no test.",
        before: "[lab] ranges = [\"10.99.0.0/16\"], and the test adds 10.30.8.0/21 via 10.99.0.9 dev test0",
        after: "10.99.8.0/21 via 10.99.0.9 dev test0",
        mend: "Narrow the change to the lab, or make it a change of class `normal` with the approvals that this class needs.",
    },
};
