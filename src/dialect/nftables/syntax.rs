//! The syntax tree of nftables: what text and JSON are both read into, before anything is given a meaning.
//!
//! Blocks are flattened: `table inet t { chain c { tcp dport 22 accept } }` is three commands (add table, add chain,
//! add rule), as the kernel would get them. Variables are replaced and includes are spliced in by the reader. Words
//! stay words: what `ssh`, `established` or `10.0.0.0/8` means follows from the type of what they are compared
//! with, and that is decided where rules are given their meaning. The JSON of libnftables (`libnftables-json(5)`) is
//! read into the very same tree, so that both spellings of a ruleset are one from here on.

use crate::ruleset::Span;

/// One command of a script, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// What is done.
    pub verb: Verb,
    /// To what.
    pub object: Object,
    /// Where it stands: the rule, the declaration, the line.
    pub span: Span,
}

/// What a command does with its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Makes it where it is not there yet; of rules: appends.
    Add,
    /// Makes it; refused where it is there.
    Create,
    /// Of rules: puts in front.
    Insert,
    /// Of rules: takes the place of the one with the handle.
    Replace,
    /// Removes it; refused where it is not there.
    Delete,
    /// Removes it where it is there.
    Destroy,
    /// Empties it.
    Flush,
    /// Of chains: gives another name.
    Rename,
    /// Sets counters to zero; changes no meaning.
    Reset,
    /// Shows something; changes nothing.
    List,
}

/// A family of tables (`nft(8)`, ADDRESS FAMILIES).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum TableFamily {
    Ip,
    Ip6,
    Inet,
    Arp,
    Bridge,
    Netdev,
}

/// The table that an object belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableName {
    /// `ip` where the text names none.
    pub family: TableFamily,
    /// The name.
    pub name: String,
}

/// What commands act on.
#[derive(Clone, Debug, PartialEq)]
pub enum Object {
    /// Everything, or everything of one family (`flush ruleset ip`).
    Ruleset(Option<TableFamily>),
    /// A table.
    Table {
        /// Which.
        table: TableName,
        /// `dormant`, `owner`, `persist`.
        flags: Vec<Name>,
    },
    /// A chain.
    Chain {
        /// Where.
        table: TableName,
        /// Its name.
        name: Name,
        /// How it hangs on a hook, where it does.
        base: Option<BaseSpec>,
        /// A policy without a hook: of a base chain that is there.
        policy: Option<Name>,
        /// The new name (`rename`).
        new_name: Option<Name>,
    },
    /// A rule.
    Rule(RuleSpec),
    /// A set or a map.
    Set(SetSpec),
    /// Elements of a set or map that is declared elsewhere; `None`: all of them (`flush set`).
    Elements {
        /// Where.
        table: TableName,
        /// The set or map.
        set: Name,
        /// The elements.
        elements: Option<Vec<Element>>,
    },
    /// Something that is named by its handle alone (`delete chain ip t handle 3`).
    ByHandle {
        /// The family.
        family: TableFamily,
        /// The table, unless it is the table that is meant.
        table: Option<String>,
        /// What: `table`, `chain`, `set`, `map`, `flowtable`, `counter`, ...
        what: String,
        /// The handle.
        handle: u64,
    },
    /// A named object that rules refer to: counter, quota, limit, ct helper, ct timeout, ct expectation, secmark,
    /// synproxy, flowtable, tunnel.
    Named {
        /// Where.
        table: TableName,
        /// What.
        kind: NamedKind,
        /// Its name.
        name: Name,
        /// The words of its body as `key value` pairs, in order of key (`protocol tcp`, `device eth0`), without counts.
        body: Vec<(String, String)>,
    },
}

/// The kind of a named object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum NamedKind {
    Counter,
    Quota,
    Limit,
    CtHelper,
    CtTimeout,
    CtExpectation,
    Secmark,
    Synproxy,
    Flowtable,
    Tunnel,
}

/// A name with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The text, without quotes.
    pub text: String,
    /// Where.
    pub span: Span,
}

/// How a base chain hangs on a hook.
#[derive(Clone, Debug, PartialEq)]
pub struct BaseSpec {
    /// `filter`, `nat`, `route`.
    pub kind: Name,
    /// `prerouting`, `input`, `forward`, `output`, `postrouting`, `ingress`, `egress`.
    pub hook: Name,
    /// Devices of `ingress` and `egress`.
    pub devices: Vec<Name>,
    /// A number, a name (`filter`), or a name with an offset (`filter + 10`), as one text.
    pub priority: Name,
    /// `accept` or `drop`; its place is the policy's line.
    pub policy: Option<Name>,
}

/// A rule.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleSpec {
    /// Where.
    pub table: TableName,
    /// The chain.
    pub chain: Name,
    /// Its own handle (of a listing, `# handle N`), or the one that is meant (`replace`, `delete`).
    pub handle: Option<u64>,
    /// The handle of the rule behind which (`add`) or before which (`insert`) it is put: `handle N`, `position N`.
    pub position: Option<u64>,
    /// `index N`, counted from 0.
    pub index: Option<u64>,
    /// What it does, in order. Empty for `delete`.
    pub statements: Vec<Statement>,
    /// Its comment.
    pub comment: Option<String>,
}

/// A set or map.
#[derive(Clone, Debug, PartialEq)]
pub struct SetSpec {
    /// Where.
    pub table: TableName,
    /// Its name.
    pub name: Name,
    /// The type of the key.
    pub key: KeyType,
    /// The type of what a map gives; `None` for sets.
    pub data: Option<KeyType>,
    /// `constant`, `interval`, `timeout`, `dynamic`.
    pub flags: Vec<Name>,
    /// Elements merge where they overlap.
    pub auto_merge: bool,
    /// `timeout 1h`, as written.
    pub timeout: Option<String>,
    /// `size N`.
    pub size: Option<u64>,
    /// Statements that every element carries (`counter`, `limit rate 1/second`).
    pub statements: Vec<Statement>,
    /// Its elements.
    pub elements: Vec<Element>,
}

/// The type of a key or of data.
#[derive(Clone, Debug, PartialEq)]
pub enum KeyType {
    /// `type ipv4_addr . inet_service`: names of types, concatenated. `verdict` among data; a data type of a named
    /// object (`counter`) is its name.
    Named(Vec<Name>),
    /// `typeof ip saddr . tcp dport`.
    Typeof(Expr),
}

/// One element of a set or map.
#[derive(Clone, Debug, PartialEq)]
pub struct Element {
    /// The key: a value, range, prefix, concatenation of those, or `Expr::Wildcard`.
    pub key: Expr,
    /// What the map gives; boxed, because lists of a million elements without data are common.
    pub data: Option<Box<Expr>>,
    /// It has a timeout of its own or remaining time.
    pub timed: bool,
    /// Statements that it carries.
    pub statements: Vec<Statement>,
    /// Where.
    pub span: Span,
}

/// An expression with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where.
    pub span: Span,
}

/// Expressions: selectors that read something of the packet, and values.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// An unquoted word or number, as written (`010` is octal): `ssh`, `0x16`, `10.0.0.1`, `1500`, `eth0`, `eth*`, `1d2h`, `00:11:22:33:44:55`.
    Word(String),
    /// A quoted text, without the quotes: `"eth0"`, `"eth*"`.
    Quoted(String),
    /// `a-b`.
    Range(Box<Expr>, Box<Expr>),
    /// `a/24`: value and length.
    Prefix(Box<Expr>, u32),
    /// `{ ... }`: an anonymous set or map.
    Braces(Vec<Element>),
    /// `@name`: a named set or map.
    SetRef(Name),
    /// `a . b`.
    Concat(Vec<Expr>),
    /// `a, b` without braces: flags that are tested together.
    List(Vec<Expr>),
    /// `*` as an element: everything else.
    Wildcard,
    /// `key map data`: `data` is braces or a set reference.
    Map(Box<Expr>, Box<Expr>),
    /// `a & b`, `a | b`, `a ^ b`, `a << b`, `a >> b`.
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// A verdict, as an element's data.
    Verdict(VerdictSpec),
    /// `meta KEY`, with or without the word `meta`: `iifname`, `l4proto`, `mark`, `nfproto`, `skuid`, `day`, ...
    Meta(String),
    /// `ct [DIRECTION] KEY`: `state`, `status`, `mark`, `saddr`, `count`, ...; `family` is `ip` or `ip6` in `ct original ip saddr`.
    Ct {
        /// The key.
        key: String,
        /// `original` or `reply`.
        direction: Option<String>,
        /// `ip` or `ip6`.
        family: Option<String>,
    },
    /// A field of a header: `ip saddr`, `tcp dport`, `th dport`, `ether type`, `vlan id`, `arp operation`, `icmp type`, ...
    Payload {
        /// The header.
        header: String,
        /// The field.
        field: String,
    },
    /// `@nh,96,32`: bits at an offset from a base (`ll`, `nh`, `th`, `ih`).
    Raw {
        /// The base.
        base: String,
        /// Offset in bits.
        offset: u32,
        /// Length in bits.
        length: u32,
    },
    /// An IPv6 extension header: `exthdr hbh` (field `None`: exists), `rt type`, `frag more-fragments`, `mh type`, ...
    Exthdr {
        /// The header: `hbh`, `frag`, `rt`, `dst`, `mh`, `srh`, `auth`.
        header: String,
        /// The field.
        field: Option<String>,
    },
    /// A TCP, IP, SCTP or DCCP option: `tcp option maxseg size`, `ip option lsrr`, `sctp chunk data`; field `None`: exists.
    Option {
        /// `tcp`, `ip`, `sctp`, `dccp`.
        protocol: String,
        /// The option.
        name: String,
        /// The field.
        field: Option<String>,
    },
    /// `fib saddr . iif oif`: flags and what is asked (`oif`, `oifname`, `type`, `check`). Compared with `exists` or `missing`,
    /// `oif` is the older word for `check`.
    Fib {
        /// Of `saddr`, `daddr`, `mark`, `iif`, `oif`, in this order.
        flags: Vec<String>,
        /// `oif`, `oifname`, `type`, `check`.
        result: String,
    },
    /// Any other selector, by its canonical words: `rt classid`, `rt mtu`, `rt ip nexthop`, `socket transparent`, `osf name`,
    /// `numgen random mod 2`, `jhash ip saddr mod 4`, `symhash mod 2`, `ipsec in reqid`, `tunnel ...`. Whether it is a pure function of
    /// the packet is decided by its first word.
    Other(Vec<String>),
}

/// An operator between bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum BinaryOp {
    And,
    Or,
    Xor,
    ShiftLeft,
    ShiftRight,
}

/// How two sides are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelationOp {
    /// No operator: equality, membership, or a test of bits, by the type of the left side. In JSON: `in`.
    Implicit,
    /// `==`. JSON has it for every equality and membership, where text has no operator.
    Equal,
    /// `!=`.
    NotEqual,
    /// `<`.
    Less,
    /// `<=`.
    LessOrEqual,
    /// `>`.
    Greater,
    /// `>=`.
    GreaterOrEqual,
    /// `!`: none of these bits (`tcp flags ! syn`).
    Unset,
}

/// A statement with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// What it is.
    pub kind: StatementKind,
    /// Where.
    pub span: Span,
}

/// A verdict as written.
#[derive(Clone, Debug, PartialEq)]
pub enum VerdictSpec {
    /// `accept`.
    Accept,
    /// `drop`.
    Drop,
    /// `continue`.
    Continue,
    /// `return`.
    Return,
    /// `jump CHAIN`.
    Jump(Name),
    /// `goto CHAIN`.
    Goto(Name),
    /// `jump { ... }`: an anonymous chain, by its rules.
    JumpBlock(Vec<RuleSpec>),
    /// `goto { ... }`.
    GotoBlock(Vec<RuleSpec>),
}

/// Statements.
#[derive(Clone, Debug, PartialEq)]
pub enum StatementKind {
    /// A condition: `tcp dport 22`, `tcp flags & (fin | syn) == syn`, `ip saddr != @blocked`. `tcp flags syn / fin,syn` is
    /// `Binary(And, tcp flags, fin|syn) Equal syn`.
    Match {
        /// What is read.
        left: Expr,
        /// The comparison.
        op: RelationOp,
        /// With what.
        right: Expr,
    },
    /// A verdict.
    Verdict(VerdictSpec),
    /// `KEY vmap { ... }` or `KEY vmap @map`.
    Vmap {
        /// The key.
        key: Expr,
        /// Braces or a set reference.
        data: Expr,
    },
    /// `limit rate [over] N/UNIT [burst N]`, or `limit name NAME`.
    Limit(LimitSpec),
    /// `quota [over] N BYTES`, or `quota name NAME`; `over` is the word.
    Quota {
        /// Whether it matches above instead of below the quota.
        over: bool,
        /// Bytes, or the name behind `name`.
        amount: String,
        /// Whether `amount` is the name of an object.
        named: bool,
    },
    /// `ct count [over] N`.
    ConnCount {
        /// Whether it matches above the count.
        over: bool,
        /// The count.
        count: u64,
    },
    /// `reject [with KIND]`: the words behind `with`, `icmp port-unreachable`, `icmpx admin-prohibited`, `tcp reset`; none for the default.
    Reject(Vec<String>),
    /// `dnat`, `snat`, `masquerade`, `redirect`.
    Nat(NatSpec),
    /// `tproxy [ip|ip6] to [ADDR][:PORT]`.
    Tproxy {
        /// `ip` or `ip6`.
        family: Option<String>,
        /// The address.
        address: Option<Expr>,
        /// The port.
        port: Option<Expr>,
    },
    /// `queue [flags ...] [to N]`: flags (`bypass`, `fanout`), and the number, range or expression as text (`0`, `1-3`).
    Queue {
        /// The flags, sorted.
        flags: Vec<String>,
        /// The queue.
        to: String,
    },
    /// `KEY set VALUE`: `meta mark set 1`, `ct mark set meta mark`, `ip dscp set cs1`, `ip6 hoplimit set 64`, `meta pkttype set host`, `tcp option maxseg
    /// size set rt mtu`, `ct helper set "ftp"`, `ct zone set 1`, `ether saddr set ...`.
    Set {
        /// What is changed.
        key: Expr,
        /// To what.
        value: Expr,
    },
    /// `add|update|delete @set { KEY [: DATA] [statements] }`, and `meter`s.
    SetUpdate {
        /// `add`, `update` or `delete`.
        op: String,
        /// The set.
        set: Name,
        /// The key, with its statements (`limit rate over 3/minute`) and data.
        element: Box<Element>,
    },
    /// `notrack`.
    Notrack,
    /// `dup to ADDR [device DEV]`: has no verdict.
    Dup,
    /// `fwd to DEV`: takes the packet away (netdev); the words behind `to`.
    Fwd(String),
    /// `flow add @TABLE`, `flow offload @TABLE`.
    FlowAdd(Name),
    /// `synproxy ...`: the normalised words.
    Synproxy(Vec<String>),
    /// `ct timeout set NAME`, `ct expectation set NAME`, `secmark`, `meta nftrace set 1`, `counter`, `log`, `last`, `tcp option X reset`,
    /// `counter name N`, `quota`-less objects: statements without a verdict and without a change that a rule can see. The first word names it.
    Silent(Vec<String>),
    /// `xt match NAME` or `xt target NAME`: what iptables-nft made and the listing cannot show in nft's words. `text` is the listing's text behind
    /// `xt`, or the comment of the older form (`# xt_string`).
    Xt {
        /// `match` or `target`.
        kind: String,
        /// The module's name.
        name: String,
    },
}

/// A rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LimitSpec {
    /// `limit name N`.
    Named(Name),
    /// `limit rate [over] N[ unit]/PER [burst N [unit]]`.
    Rate {
        /// Whether it matches above instead of below the rate.
        over: bool,
        /// How many.
        rate: u64,
        /// `packets`, or the unit of bytes (`bytes`, `kbytes`, `mbytes`).
        unit: String,
        /// `second`, `minute`, `hour`, `day`, `week`.
        per: String,
        /// How many at once; `None` where the text does not say (5 packets, `nft(8)`).
        burst: Option<(u64, String)>,
    },
}

/// A translation.
#[derive(Clone, Debug, PartialEq)]
pub struct NatSpec {
    /// `dnat`, `snat`, `masquerade`, `redirect`.
    pub kind: NatKind,
    /// `ip` or `ip6` (`dnat ip to ...` in inet tables).
    pub family: Option<String>,
    /// The address: a value, range, prefix (`snat prefix to`), map, or a concatenation of address and port from a map.
    pub address: Option<Expr>,
    /// The port: a value, range or map.
    pub port: Option<Expr>,
    /// `random`, `fully-random`, `persistent`, `netmap`, `prefix` (which implies `netmap`), `interval`, `concat` (`addr . port to`),
    /// sorted.
    pub flags: Vec<String>,
}

/// What a translation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum NatKind {
    Dnat,
    Snat,
    Masquerade,
    Redirect,
}
