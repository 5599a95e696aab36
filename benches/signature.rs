//! A thousand signatures of ed25519, parsed and verified on one core; the yardstick is one second.
#![allow(missing_docs, clippy::unwrap_used)]

use criterion::{Criterion, criterion_group, criterion_main};
use fwgate::gate::signature::{UserCheck, read_envelope, read_public_key, verify};
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{HashAlg, LineEnding, PrivateKey};
use std::hint::black_box;

fn thousand(criterion: &mut Criterion) {
    let pair = KeypairData::from(Ed25519Keypair::from_seed(&[7; 32]));
    let private = PrivateKey::new(pair, "bench").unwrap();
    let key = read_public_key(&private.public_key().to_openssh().unwrap()).unwrap();
    let signed: Vec<(String, String)> = (0..1000)
        .map(|number| {
            let payload = format!("tree {number:040}\n\nfwgate-record/1 withdraw\n").repeat(8);
            let signature = private.sign("git", HashAlg::Sha512, payload.as_bytes()).unwrap();
            (payload, signature.to_pem(LineEnding::LF).unwrap())
        })
        .collect();
    criterion.bench_function("1,000 signatures of ed25519", |bencher| {
        bencher.iter(|| {
            for (payload, armor) in &signed {
                let envelope = read_envelope(armor).unwrap();
                verify(black_box(&envelope), payload.as_bytes(), &key, UserCheck::Presence).unwrap();
            }
        });
    });
}

criterion_group! { name = benches; config = Criterion::default().sample_size(10); targets = thousand }
criterion_main!(benches);
