//! Files without an order: found only where the order decides.

use super::{Case, Device, DeviceFacts, read, witness};

fn chain(family: &str, priority: &str, rules: &str) -> String {
    format!(
        "table {family} t{} {{\n\tchain c {{\n\t\ttype filter hook forward priority {priority}; policy accept;\n{rules}\t}}\n}}\n",
        rules.len()
    )
}

fn case(first: &str, second: &str) -> Case {
    let device = || vec![Device::new("edge1", read(&[("a.nft", first), ("b.nft", second)], DeviceFacts::default()))];
    Case::of_devices(device(), device())
}

#[test]
fn a_drop_and_a_reject_of_two_files_depend_on_the_order() {
    let drops = chain("ip", "0", "\t\ttcp dport 22 drop\n");
    let rejects = chain("inet", "filter", "\t\ttcp dport 20-30 reject\n");
    let found = case(&drops, &rejects).found(&["FW403"]);
    assert_eq!(found.len(), 1);
    assert_eq!(witness(&found[0])["dport"], 22);
    assert_eq!(found[0].location.as_ref().unwrap().file, "b.nft");
}

#[test]
fn what_no_order_changes_is_not_found() {
    let drops = chain("ip", "0", "\t\ttcp dport 22 drop\n");
    let also_drops = chain("ip", "0", "\t\ttcp dport 20-30 drop\n");
    let rejects = chain("ip", "10", "\t\ttcp dport 22 reject\n");
    let accepts = chain("ip", "0", "\t\taccept\n");
    for (first, second) in [(&drops, &also_drops), (&drops, &rejects), (&drops, &accepts)] {
        assert!(case(first, second).found(&["FW403"]).is_empty(), "{first}{second}");
    }
    let both = chain("ip", "0", "\t\ttcp dport 22 drop\n") + &chain("ip", "0", "\t\ttcp dport 20-30 reject\n");
    assert!(case(&both, "table ip other {\n}\n").found(&["FW403"]).is_empty());
}
