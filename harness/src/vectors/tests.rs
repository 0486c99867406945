use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::generator::Fate;

#[test]
fn the_document_fits_its_schema() {
    let mut schemas = boon::Schemas::new();
    let mut compiler = boon::Compiler::new();
    compiler.add_resource("vectors.json", schema()).expect("a schema");
    let schema = compiler.compile("vectors.json", &mut schemas).expect("a schema");
    let text = document(&vectors());
    let document: Value = serde_json::from_str(&text).expect("JSON");
    assert!(schemas.validate(&document, schema).is_ok());
}

/// Each is distinct in what is judged or in what is expected, and the reference verifier judges it so.
#[test]
fn vectors_are_many_distinct_and_right() {
    let groups = vectors();
    let mut distinct = BTreeSet::new();
    let (mut all, mut by_fate) = (0, [0; 3]);
    for group in &groups {
        assert_eq!(group.vectors[0].fate, Fate::Accepted);
        for vector in &group.vectors {
            all += 1;
            let policy = (group.alg, group.nonce.is_some());
            assert!(distinct.insert((policy, vector.said())), "{vector:?}");
            match vector.fate {
                Fate::Accepted => assert_eq!(vector.reason, None, "{vector:?}"),
                Fate::Refused => assert!(vector.reason.is_some(), "{vector:?}"),
                Fate::Either => {}
            }
            by_fate[vector.fate as usize] += 1;
        }
    }
    assert!(all >= 1000, "{all} vectors");
    assert!(by_fate[0] >= 50 && by_fate[2] >= 500, "{by_fate:?}");
}
