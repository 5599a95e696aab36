//! Written examples: what nft takes is read, and what nft calls a syntax error is refused. nft itself is asked about each.

use super::{read, shown, tool};

/// What nft takes, each a whole script.
const TAKEN: &[&str] = &[
    "",
    "\n\n# only a comment\n",
    "table ip t { chain c { accept; }; }\n",
    "table t {\n chain c { accept; }\n}",
    "table t {}\n",
    "table t { chain a { }; chain b { jump a; }; }\n",
    "add table t\nadd chain t c\nt c accept\n",
    "add table ip t; add chain ip t c; ip t c tcp dport 22 drop\n",
    "add table t\nadd chain t c { type filter hook input priority 0; policy drop; }",
    "add table t\nadd chain t c { type filter hook input priority filter+10; }\n",
    "add table t\nadd chain t c { type filter hook input priority filter - 10; }\n",
    "define d = lo\nadd table netdev t\nadd chain netdev t c { type filter hook ingress device $d priority 0; }\n",
    "define p = \"drop\"\nadd table t\nadd chain t c { type filter hook input priority 0; policy $p; }\n",
    "define x = { 192.0.2.1, 192.0.2.2 }\ntable ip t {\n set s { type ipv4_addr; elements = { $x, 192.0.2.3 }\n }\n}\n",
    "define x = @s\ntable ip t {\n set s { type ipv4_addr; }\n chain c { ip saddr $x accept;\n }\n}\n",
    "define x = { 22, 80 }\nredefine x = 25\nundefine x\n",
    "table ip t {\n set s { type ipv4_addr; elements = { 192.0.2.1, 192.0.2.2, } }\n}\n",
    "table ip t {\n set s { type ipv4_addr\n elements = {\n # c\n 192.0.2.1, # d\n 192.0.2.2\n }\n }\n}\n",
    "table ip t {\n set s { type ipv4_addr; flags interval; auto-merge\n elements = { 192.0.2.0/24, 198.51.100.1-198.51.100.9 }\n }\n}\n",
    "table ip t {\n chain c {\n  ct state established,related, \\\n   new accept\n }\n}\n",
    "table ip t {\n chain c {\n  tcp flags & (fin|syn) == syn accept\n  tcp flags syn / fin,syn accept\n  tcp flags ! syn drop\n }\n}\n",
    "table ip t {\n chain c {\n  limit rate 10 mbytes/second accept\n  limit rate over 5/minute burst 3 packets drop\n }\n}\n",
    "table ip t {\n chain c {\n  meter m { ip saddr limit rate 5/second } accept\n  flow table f { ip saddr counter } accept\n }\n}\n",
    "table ip t {\n chain c {\n  accept comment word\n }\n}\n",
    "table ip t {\n chain d {\n }\n chain c {\n  ip daddr . tcp dport vmap { 192.0.2.1 . 22 : accept, * : goto d }\n  jump { tcp dport 1 drop; }\n }\n}\n",
    "table ip t {\n chain c {\n  ip saddr and 255.255.255.0 eq 192.0.2.0 accept\n  tcp dport ne 22 tcp sport ge 1024 drop\n }\n}\n",
    "list ruleset\nreset counters\nflush ruleset ip\n",
    "add table ip t\nadd chain ip t c\ndelete chain ip t c\ndelete table ip t\n",
];

/// What nft calls a syntax error.
const REFUSED: &[&str] = &[
    "table ip t { chain c { accept } }\n",
    "table ip t {\n chain c {\n accept }\n}\n",
    "table t { chain a { }  chain b { jump a; }; }\n",
    "table t\n{\n}\n",
    "table ip t {\n set s { type ipv4_addr; elements = { 192.0.2.1,\n\n\n 192.0.2.2 }; }\n}\n",
    "table ip t {\n set s { type ipv4_addr; elements = { } }\n}\n",
    "table ip t {\r\n}\r\n",
    "table ip t {\n chain log { accept;\n }\n}\n",
    "table ip t {\n chain c { ip saddr @$x accept;\n }\n}\n",
    "table ip t {\n chain c {\n limit rate 10mbytes/second accept\n }\n}\n",
    "table ip t {\n chain c {\n limit rate 10/second burst 5 accept\n }\n}\n",
    "table ip t {\n chain c {\n ct state established,\n new accept\n }\n}\n",
    "table ip t {\n chain c {\n ip saddr\n 192.0.2.1 accept\n }\n}\n",
    "table ip t {\n chain c {\n comment \"x\" drop\n }\n}\n",
    "table ip t {\n chain c {\n accept comment \"x\" drop\n }\n}\n",
    "table ip t {\n chain c {\n tcp dport $x accept\n }\n}\n",
    "table ip t {\n chain c {\n tcp dport set { 1, 2 }\n }\n}\n",
    "table ip t {\n chain c {\n queue num oif\n }\n}\n",
    "table ip t {\n chain c {\n tcp dprot 22 accept\n }\n}\n",
    "table ip t {\n chain c {\n ip saddr 192.0.2.1 acept\n }\n}\n",
    "table ip t {\n chain c {\n ip saddr 192.0.2.1/ accept\n }\n}\n",
    "table ip t {\n chain c {\n type filter hook input\n }\n}\n",
    "table ip t {\n chain c {\n jump\n }\n}\n",
    "table ip t {\n chain c {\n accept\n }\n",
    "table ip t {\n}\n}\n",
    "define x = 1\ndefine x = 2\n",
    "define strict = drop\n",
    "add rule ip t c\n",
    "frobnicate\n",
    "add table ip \"t\"\n",
    "table ip t {\n chain c {\n log prefix \"x\n }\n}\n",
    "table ip t {\n set s { type ipv4_addr; flags intervall; }\n}\n",
];

#[test]
fn what_nft_takes_is_read() {
    for example in TAKEN {
        if let Err(problems) = read(example) {
            panic!("{example}\n{}", shown(&problems));
        }
    }
}

#[test]
fn what_nft_calls_a_syntax_error_is_refused() {
    for example in REFUSED {
        let problems = read(example).expect_err(example);
        assert!(!problems.is_empty());
    }
}

#[test]
fn nft_says_so_too() {
    if !tool::is_there() {
        return;
    }
    for example in TAKEN {
        let answer = tool::check(example);
        assert!(answer.taken, "{example}\n{}", answer.errors);
    }
    for example in REFUSED {
        assert!(!tool::check(example).taken, "{example}");
    }
}
