use std::io::{BufWriter, Write as _};
use std::path::PathBuf;

use clap::Args;

use super::{Context, Exit, Failure};
use crate::report::{Document, write_matrix};

/// What stands side by side.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Results of `dpop run --report json=PATH`, a column each; and facts of `dpop measure` as JSON, if there are any.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The folder that the page is written to, as index.html.
    #[arg(short, long, value_name = "DIR", env = "DPOP_OUTPUT", default_value = "site")]
    output: PathBuf,
}

pub(super) fn run(arguments: &Arguments, context: &mut Context) -> Result<Exit, Failure> {
    let (mut documents, mut facts) = (Vec::new(), Vec::new());
    for path in &arguments.files {
        match Document::open_either(path).map_err(|error| Failure::Usage(error.to_string()))? {
            Ok(document) => documents.push(document),
            Err(found) => facts.push(found),
        }
    }
    if documents.is_empty() {
        return Err(Failure::Usage("there are facts only: name the results of a run, too".to_owned()));
    }
    let page = arguments.output.join("index.html");
    let written = std::fs::create_dir_all(&arguments.output).and_then(|()| {
        let mut file = BufWriter::new(std::fs::File::create(&page)?);
        write_matrix(&documents, &facts, &mut file)?;
        file.flush()
    });
    written.map_err(|error| Failure::Environment(format!("can't write {}: {error}", page.display())))?;
    writeln!(context.out, "{}", page.display())?;
    Ok(Exit::Conforms)
}
