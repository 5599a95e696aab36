//! scratch
#![allow(missing_docs)]
mod families;
use families::*;
use fwgate::diff::*;
use fwgate::packet::*;
use fwgate::ruleset::*;

fn model(lines: &[Line]) -> Ruleset {
    let net = |p: Prefix| {
        let size = if p.1 == 0 { u32::MAX } else { (1u64 << (32 - p.1)) as u32 - 1 };
        Ranges::range(p.0 as u128, (p.0 | size) as u128)
    };
    let rules = lines
        .iter()
        .map(|l| {
            let mut m = vec![];
            if l.src.1 > 0 {
                m.push(Match::ranges(Field::Src, net(l.src)));
            }
            if l.dst.1 > 0 {
                m.push(Match::ranges(Field::Dst, net(l.dst)));
            }
            if l.proto != 0 {
                let mut inner = vec![];
                if l.sport != (0, 65535) {
                    inner.push(Match::ranges(Field::Sport, Ranges::range(l.sport.0 as u128, l.sport.1 as u128)));
                }
                if l.dport != (0, 65535) {
                    inner.push(Match::ranges(Field::Dport, Ranges::range(l.dport.0 as u128, l.dport.1 as u128)));
                }
                if inner.is_empty() {
                    m.push(Match::protocols([l.proto]));
                } else {
                    m.push(Match::layer4(&[l.proto], Match::all(inner)));
                }
            }
            Rule {
                steps: vec![
                    Step::If(Match::all(m)),
                    Step::Then(if l.permit { Verdict::Accept } else { Verdict::Drop }),
                ],
                span: Span::default(),
            }
        })
        .collect();
    let chain = Chain { name: "filter/FORWARD".into(), rules, span: Span::default() };
    let base = Base {
        chain: ChainId(0),
        families: Families::only(Family::V4),
        hook: NfHook::Forward,
        priority: 0,
        kind: BaseKind::Filter,
        policy: Verdict::Drop,
        policy_span: Span::default(),
        principal: true,
    };
    Ruleset { families: Families::only(Family::V4), chains: vec![chain], bases: vec![base], ..Ruleset::default() }
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let which = args.get(1).cloned().unwrap_or_default();
    let n: usize = args.get(2).and_then(|s| s.parse().ok()).unwrap_or(1000);
    let e: usize = args.get(3).and_then(|s| s.parse().ok()).unwrap_or(n / 100);
    let (old, new) = match which.as_str() {
        "acl" => {
            let o = acl(n, 3);
            let w = edited(&o, e, 3);
            (o, w)
        }
        "grp" => {
            let o = groups(n, 3);
            let w = edited(&o, e, 3);
            (o, w)
        }
        _ => {
            let o = acl(n, 3);
            let w = equivalent(&o, 3);
            (o, w)
        }
    };
    let (a, b) = (model(&old), model(&new));
    let (a, b) = if let (Some(x), Some(y)) = (args.get(4), args.get(5)) {
        let t = std::time::Instant::now();
        let rd = |p: &String| {
            fwgate::dialect::read_device(
                &[fwgate::dialect::InputFile { name: p.clone(), bytes: std::fs::read(p).unwrap() }],
                &Default::default(),
            )
            .unwrap()
        };
        let r = (rd(x), rd(y));
        println!("read both {:?}", t.elapsed());
        r
    } else {
        (a, b)
    };
    let t = std::time::Instant::now();
    let d = diff_filter(&a, &b, Hook::Forward, Family::V4, &[], Bounds::default()).unwrap();
    let cells: usize = d.changes.iter().map(|c| c.cells.len()).sum();
    let total: num_bigint::BigUint = d.changes.iter().map(|c| c.packets.clone()).sum();
    println!(
        "{which} {n} edits {e}: {:?} complete {} changes {} cells {} packets {}",
        t.elapsed(),
        d.complete,
        d.changes.len(),
        cells,
        total
    );
}
