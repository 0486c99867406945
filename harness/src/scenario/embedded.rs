macro_rules! file {
    ($name:literal) => {
        (
            concat!("scenarios/resource-server/", $name, ".yaml"),
            include_str!(concat!("../../../scenarios/resource-server/", $name, ".yaml")),
        )
    };
}

/// The scenario files that are compiled into the library: path from the repository's root, and text.
pub const EMBEDDED: &[(&str, &str)] = &[
    file!("preflight"),
    file!("binding"),
    file!("replay"),
    file!("jti"),
    file!("ath"),
    file!("request"),
    file!("nonce"),
    file!("downgrade"),
    file!("resources"),
    file!("forbidden"),
    file!("plain-http"),
    file!("nodes"),
    file!("proof"),
    file!("alg"),
    file!("signature"),
    file!("key-kind"),
    file!("remote-key"),
    file!("cost"),
    file!("jws"),
    file!("field"),
    file!("forwarded"),
    file!("accept"),
    file!("page"),
    file!("cache"),
    file!("metadata"),
    file!("answer"),
    file!("http"),
    file!("observe"),
    file!("fapi2"),
    file!("mcp"),
    file!("atproto"),
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::scenario::{load_embedded, read_dir};

    #[test]
    fn every_file_in_the_folder_is_compiled_in() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut on_disk: Vec<String> = read_dir(&root.join("scenarios/resource-server"))
            .expect("readable")
            .iter()
            .map(|source| {
                let path = Path::new(&source.file).strip_prefix(&root).expect("below the root");
                path.display().to_string()
            })
            .collect();
        let mut compiled_in: Vec<String> = EMBEDDED.iter().map(|(file, _)| (*file).to_owned()).collect();
        on_disk.sort();
        compiled_in.sort();
        assert_eq!(compiled_in, on_disk);
    }

    #[test]
    fn they_load() {
        if let Err(diagnostic) = load_embedded() {
            panic!("{}", diagnostic.render(false));
        }
    }
}
