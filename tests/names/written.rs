//! Master files written by hand: everything that the format allows, and what a server refuses.

use super::{Files, both, has_bind};

const HEAD: &str = "$TTL 3600\n@ IN SOA ns1 hostmaster 1 7200 3600 1209600 300\n@ NS ns1\nns1 A 192.0.2.1\n";

fn zone(body: &str) -> Files {
    vec![("zones/example.net.zone".to_owned(), format!("{HEAD}{body}"))]
}

/// Bodies behind the usual head that both must read alike.
const READ: &[(&str, &str)] = &[
    ("order of time and class", "a 300 IN A 192.0.2.2\nb IN 400 A 192.0.2.3\nc 500 A 192.0.2.4\nd in a 192.0.2.5\n"),
    ("owner of the line before", "a A 192.0.2.2\n  A 192.0.2.3\n\tAAAA 2001:db8::2\n"),
    ("parentheses", "a ( 300\n IN ) A ( 192.0.2.2\n) ; done\nb MX ( 10\n\n a )\n"),
    ("a record that begins with a parenthesis", "(a A 192.0.2.2)\n"),
    ("comments", "; nothing\na A 192.0.2.2;at once\n;\n   ; blank\nb A 192.0.2.3 ; (\n"),
    ("quoted strings", "a TXT \"two ; words\" \"a \\\" quote\" plain\na A 192.0.2.2\n"),
    ("escapes in names", "a\\.b A 192.0.2.2\n\\097\\.c A 192.0.2.3\nd\\@e A 192.0.2.4\nf\\032g A 192.0.2.5\n"),
    ("absolute and relative targets", "a CNAME b\nb CNAME c.example.net.\nc CNAME www.example.org.\n@ MX 10 a\n"),
    ("origin", "$ORIGIN sub\na A 192.0.2.2\n$ORIGIN deep.sub.example.net.\na A 192.0.2.3\n@ A 192.0.2.4\n"),
    ("times with units", "$TTL 1h30m\na A 192.0.2.2\nb 1W A 192.0.2.3\nc 2d3H IN A 192.0.2.4\n"),
    ("a time that lasts", "$TTL 60\na A 192.0.2.2\n$TTL 1d\nb A 192.0.2.3\n"),
    ("times of one set", "a 300 A 192.0.2.2\na 600 A 192.0.2.3\na 900 AAAA 2001:db8::1\n"),
    ("records twice", "a A 192.0.2.2\nA A 192.0.2.2\n"),
    (
        "generic types and data",
        "a TYPE1 192.0.2.2\nb A \\# 4 c0000203\nc TYPE65280 \\# 4 0a 00 0001\nd CLASS1 TYPE28 2001:db8::1\n",
    ),
    ("generic data of names", "a CNAME \\# 17 03777777 076578616d706c65 03 6e 6574 00\n"),
    (
        "types that are not looked into",
        "a CAA 0 issue \"ca.example.net\"\n_443._tcp.a TLSA 3 1 1 ( aabb\n ccdd )\nb SPF \"v=spf1 -all\"\nc HTTPS 1 . alpn=h2\nd A 192.0.2.9\n",
    ),
    ("services", "_sip._tcp SRV 0 5 5060 sip\nsip A 192.0.2.2\n_no._tcp SRV 0 0 0 .\n"),
    ("no mail", "a MX 0 .\n"),
    ("wildcards", "* A 192.0.2.2\n*.sub AAAA 2001:db8::2\n"),
    ("delegations", "sub NS ns.sub\nns.sub A 192.0.2.2\nother NS ns.example.org.\n"),
    ("dname", "old DNAME new.example.org.\n"),
    ("signatures beside an alias", "a CNAME b\na NSEC c.example.net. CNAME NSEC\n"),
    (
        "generate",
        "$GENERATE 1-3 host-$ A 192.0.2.$\n$GENERATE 0-8/4 h${10,4,d} 300 IN A 192.0.2.$\n$GENERATE 1-2 n$ CNAME host-$\n",
    ),
    (
        "generate with bases",
        "$GENERATE 9-11 a${0,0,x} A 192.0.2.$\n$GENERATE 9-11 b${0,3,o} A 192.0.2.$\n$GENERATE 9-11 c${-9,2,X} A 192.0.2.$\n",
    ),
    (
        "generate with nibbles",
        "$GENERATE 0-17 ${0,3,n}.d PTR a$\n$GENERATE 254-257 ${0,1,N}.e PTR a$\n$GENERATE 1-2 ${0,4,n}f PTR a$\n",
    ),
    ("generate with dollars", "$GENERATE 1-2 a\\$$ A 192.0.2.$\n"),
    ("line ends of Windows", "a A 192.0.2.2\r\nb A 192.0.2.3\r\n"),
    ("no line end at the end", "a A 192.0.2.2"),
    ("names that look like types", "a A 192.0.2.2\nIN A 192.0.2.3\nTXT A 192.0.2.4\nmx MX 10 mx\nmx A 192.0.2.5\n"),
    ("an origin with a name above", "$ORIGIN .\nwww.example.net A 192.0.2.2\n"),
    ("soa again", "@ SOA ns1 hostmaster 1 7200 3600 1209600 300\n"),
];

/// Bodies that neither may read.
const REFUSED: &[(&str, &str)] = &[
    ("no address", "a A 192.0.2\n"),
    ("leading zeros", "a A 192.0.02.1\n"),
    ("too much", "a A 192.0.2.1 192.0.2.2\n"),
    ("no data", "a A\n"),
    ("no type", "a 300 IN\n"),
    ("no such type", "a AAA 192.0.2.1\n"),
    ("an open parenthesis", "a A ( 192.0.2.1\n"),
    ("a closing parenthesis", "a A 192.0.2.1 )\n"),
    ("an open quote", "a TXT \"abc\nb A 192.0.2.1\n"),
    ("an empty label", "a..b A 192.0.2.1\n"),
    ("a long label", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa A 192.0.2.1\n"),
    ("a bad escape", "a\\25 A 192.0.2.1\n"),
    ("a large escape", "a\\256 A 192.0.2.1\n"),
    ("a large preference", "a MX 70000 b\n"),
    ("a large port", "a SRV 0 0 65536 b\n"),
    ("an alias with company", "a CNAME b\na A 192.0.2.1\n"),
    ("company with an alias", "a A 192.0.2.1\na CNAME b\n"),
    ("two aliases", "a CNAME b\na CNAME c\n"),
    ("another soa", "@ SOA ns1 hostmaster 2 7200 3600 1209600 300\n"),
    ("a wildcard that delegates", "*.sub NS ns.example.org.\n"),
    ("another class", "a CH A 192.0.2.1\n"),
    ("an unknown directive", "$FOO bar\n"),
    ("a missing file", "$INCLUDE nothing.inc\n"),
    ("a range backwards", "$GENERATE 3-1 a$ A 192.0.2.$\n"),
    ("a template that is none", "$GENERATE 1-2 a${0,1,q} A 192.0.2.1\n"),
    ("a negative number in an address", "$GENERATE 1-2 a$ A 192.0.2.${-5}\n"),
    ("generic data of another length", "a A \\# 5 c0000203\n"),
    ("generic data that are none", "a A \\# 3 c00002\n"),
    ("digits that are none", "a TYPE65280 \\# 1 zz\n"),
];

/// What fwgate refuses and BIND only warns of, or reads anyhow.
const STRICTER: &[(&str, &str)] = &[
    ("outside of the zone, which a server leaves out", "www.example.org. A 192.0.2.1\n"),
    ("a time beyond its bound, which a server takes for 0", "a 2147483648 A 192.0.2.1\n"),
    ("a quote inside of a word, which a server takes for two words", "a TXT b\"c\"\n"),
];

#[test]
fn what_the_format_allows_is_read_as_the_server_reads_it() {
    if !has_bind() {
        return;
    }
    for (what, body) in READ {
        let (own, bind) = both(&zone(body), "example.net", "zones/example.net.zone");
        let bind = bind.unwrap_or_else(|e| panic!("{what}: BIND refuses: {e}"));
        assert_eq!(own.unwrap_or_else(|e| panic!("{what}: {e}")), bind, "{what}");
        assert!(bind.lines().count() > 2, "{what}");
    }
}

#[test]
fn what_the_server_refuses_is_refused() {
    if !has_bind() {
        return;
    }
    for (what, body) in REFUSED {
        let (own, bind) = both(&zone(body), "example.net", "zones/example.net.zone");
        assert!(bind.is_err(), "{what}: BIND reads it");
        assert!(own.is_err(), "{what}: {own:?}");
    }
    for (what, body) in STRICTER {
        let (own, bind) = both(&zone(body), "example.net", "zones/example.net.zone");
        assert!(own.is_err() && bind.is_ok(), "{what}: {own:?} {bind:?}");
    }
}

#[test]
fn heads_of_all_kinds() {
    if !has_bind() {
        return;
    }
    let soa = "SOA ns1.example.net. h.example.net. 1 7200 3600 1209600 300";
    for (what, text, is_good) in [
        ("times from the soa", format!("@ {soa}\n@ NS ns1\nns1 A 192.0.2.1\n"), true),
        ("times from the record before", format!("@ 700 {soa}\n@ NS ns1\nns1 A 192.0.2.1\n"), true),
        ("no soa", "$TTL 1\n@ NS ns1\nns1 A 192.0.2.1\n".to_owned(), false),
        ("no name servers", format!("$TTL 1\n@ {soa}\n"), false),
        ("no owner", format!("$TTL 1\n {soa}\n"), false),
        ("an origin of its own", format!("$ORIGIN example.net.\n$TTL 1\n@ {soa}\n NS ns1\nns1 A 192.0.2.1\n"), true),
        ("blank in front", format!("$TTL 1\n@ IN {soa}\n IN NS ns1.example.org.\n"), true),
        (
            "soa with units",
            "@ 1h IN SOA ns1 h ( 2026112601 ; serial\n 2h ; refresh\n 1h 2w 5m )\n NS ns1\nns1 A 192.0.2.1\n"
                .to_owned(),
            true,
        ),
    ] {
        let files = vec![("zones/example.net.zone".to_owned(), text)];
        let (own, bind) = both(&files, "example.net", "zones/example.net.zone");
        assert_eq!(bind.is_ok(), is_good, "{what}: {bind:?}");
        match is_good {
            true => assert_eq!(own.unwrap_or_else(|e| panic!("{what}: {e}")), bind.unwrap(), "{what}"),
            false => assert!(own.is_err(), "{what}: {own:?}"),
        }
    }
}

#[test]
fn included_files_are_read_where_they_are_included() {
    if !has_bind() {
        return;
    }
    let mut files = zone(
        "a A 192.0.2.2\n$INCLUDE common/mail.inc\n$INCLUDE common/mail.inc sub.example.net.\n  A 192.0.2.7\nb A 192.0.2.8\n",
    );
    files.push((
        "zones/common/mail.inc".to_owned(),
        "mail A 192.0.2.3\n@ MX 10 mail\n$ORIGIN deep\nx A 192.0.2.4\n".to_owned(),
    ));
    let (own, bind) = both(&files, "example.net", "zones/example.net.zone");
    assert_eq!(own.unwrap(), bind.unwrap());
}

#[test]
fn nothing_outside_of_the_folder_is_included() {
    for path in ["../secret.inc", "/etc/hosts", "a/../../secret.inc", "./x.inc", "a\\x.inc"] {
        let mut files = zone(&format!("$INCLUDE {path}\n"));
        files.push(("secret.inc".to_owned(), "x A 192.0.2.9\n".to_owned()));
        assert!(super::read(&files).is_err(), "{path}");
    }
    let ring = vec![("zones/example.net.zone".to_owned(), format!("{HEAD}$INCLUDE example.net.zone\n"))];
    assert!(super::read(&ring).unwrap_err().contains("includes itself"));
}

#[test]
fn files_say_which_zone_they_are() {
    let body = |origin: &str| format!("{origin}$TTL 60\n@ SOA a. b. 1 2 3 4 5\n@ NS a.\n");
    let apexes = |files: &[(&str, String)]| {
        let files: Files = files.iter().map(|(p, t)| ((*p).to_owned(), t.clone())).collect();
        super::read(&files).map(|z| z.zones.iter().map(|z| format!("{}:{}", z.view, z.apex)).collect::<Vec<_>>())
    };
    let all = [
        ("zones/db.example.com", body("")),
        ("zones/example.net.zone", body("")),
        ("zones/internal/example.net", body("")),
        ("zones/2.0.192.in-addr.arpa.db", body("")),
        ("zones/corp", body("$ORIGIN corp.\n")),
        ("zones/README.zone", body("$ORIGIN readme.example.\n")),
    ];
    assert_eq!(
        apexes(&all).unwrap(),
        [":2.0.192.in-addr.arpa", ":example.com", ":corp", ":readme.example", ":example.net", "internal:example.net"]
    );
    assert!(apexes(&[("zones/corp", body(""))]).unwrap_err().contains("nothing says which zone"));
    let twice = [("zones/db.example.net", body("")), ("zones/example.net.zone", body(""))];
    assert!(apexes(&twice).unwrap_err().contains("is given twice"));
}
