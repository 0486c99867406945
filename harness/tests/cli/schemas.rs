//! The schemas that are printed take what is right, and refuse what is not.

use super::*;

/// A schema that `dpop schema` prints, compiled by a validator that others wrote.
struct Schema {
    schemas: boon::Schemas,
    index: boon::SchemaIndex,
}

impl Schema {
    #[track_caller]
    fn printed(what: &str) -> Self {
        let Ended { stdout, stderr, .. } = run(["schema", what]).with(0);
        assert_eq!(stderr, "");
        let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
        let url = format!("https://dpop.example/{what}.json");
        compiler.add_resource(&url, json(&stdout)).expect("a resource");
        let index = compiler.compile(&url, &mut schemas).unwrap_or_else(|error| panic!("{what}: {error:#}"));
        Self { schemas, index }
    }

    #[track_caller]
    fn accepts(&self, what: &str, document: &Value) {
        if let Err(error) = self.schemas.validate(document, self.index) {
            panic!("{what}: {error:#}");
        }
    }

    #[track_caller]
    fn refuses(&self, document: &Value) {
        assert!(self.schemas.validate(document, self.index).is_err(), "not refused: {document}");
    }
}

fn yaml(text: &str) -> Vec<Value> {
    serde_yaml::Deserializer::from_str(text)
        .map(|document| Value::deserialize(document).expect("YAML"))
        .collect()
}

/// The document with one value replaced or added.
fn with(document: &Value, pointer: &str, key: &str, value: Value) -> Value {
    let mut changed = document.clone();
    changed
        .pointer_mut(pointer)
        .and_then(Value::as_object_mut)
        .expect("an object")
        .insert(key.to_owned(), value);
    changed
}

#[test]
fn the_schema_of_scenarios() {
    let schema = Schema::printed("scenario");
    for (file, text) in EMBEDDED {
        for document in yaml(text) {
            schema.accepts(file, &document);
            schema.refuses(&with(&document, "", "levl", "must".into()));
            schema.refuses(&with(&document, "", "level", "mist".into()));
        }
    }
    let case = |case: &str| {
        let text = format!(
            "id: rs.x\ntitle: T\nwhy: W\nspec: [a]\nat: [resource]\nlevel: must\ncases: {{ one: {case} }}"
        );
        yaml(&text).remove(0)
    };
    schema.accepts(
        "a case",
        &case("{ proof: { iat: -1h, mutate: [twin-signature] }, expect: { reject: [a] } }"),
    );
    for wrong in [
        "{ expct: accept }",
        "{ expect: acept }",
        "{ expect: { reject: a } }",
        "{ proof: { iat: 1w }, expect: reject }",
        "{ proof: { mutate: [no-such-mutation] }, expect: reject }",
        "{ steps: [{ as: first }] }",
    ] {
        schema.refuses(&case(wrong));
    }
}

#[test]
fn the_schema_of_configs() {
    let schema = Schema::printed("config");
    let targets = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("targets");
    let mut read = 0;
    for folder in fs::read_dir(targets).expect("a folder") {
        let path = folder.expect("an entry").path().join("dpop.yaml");
        let Ok(content) = fs::read_to_string(&path) else { continue };
        schema.accepts(text(&path), &yaml(&content).remove(0));
        read += 1;
    }
    assert!(read > 0);
    let right = yaml(&config(1, 2)).remove(0);
    schema.accepts("that of the tests", &right);
    schema.refuses(&with(&right, "", "targt", Value::Null));
    schema.refuses(&with(&right, "", "dpop", "one".into()));
    schema.refuses(&with(&right, "/target", "nam", "x".into()));
    schema.refuses(&with(&right, "/auth", "kind", "magic".into()));
    schema.refuses(&with(&right, "", "limits", serde_json::json!({ "rate": "20" })));
    schema.refuses(&with(&right, "", "limits", serde_json::json!({ "timeout": "5" })));
}

#[test]
fn the_schema_of_results() {
    let schema = Schema::printed("results");
    let Ended { stdout, .. } = run(["run", "--report", "json=-"]).with(0);
    let clean = json(&stdout);
    schema.accepts("a clean run", &clean);
    let Ended { stdout, .. } =
        run(["run", "rs.ath", "--defect", "ath-not-checked", "--report", "json=-"]).with(1);
    schema.accepts("a run with findings", &json(&stdout));
    schema.refuses(&with(&clean, "", "cases", Value::Null));
    schema.refuses(&with(&clean, "/cases/0", "verdict", "fine".into()));
    schema.refuses(&with(&clean, "/summary", "pass", "many".into()));
}
