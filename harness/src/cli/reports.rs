use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};

use clap::Args;

use super::{Context, Failure};
use crate::report::{Document, FORMATS, Format, Human, Live, Report, Style, write_answer, write_checklist};
use crate::scenario::nearest;

/// Where reports go.
#[derive(Debug, Args)]
pub(super) struct Reports {
    /// Also write a report, e.g. json=results.json or junit=junit.xml; `-` is standard output. May be given several times.
    #[arg(long = "report", value_name = "FORMAT=PATH", env = "DPOP_REPORT", value_delimiter = ',')]
    reports: Vec<String>,
}

/// What the console shows.
pub(super) enum Page {
    /// The cases; and what has to stand behind `dpop run ID` to repeat one.
    Cases(String),
    /// The launch checklist.
    Checklist,
}

impl Page {
    fn write(self, report: &Report<'_>, out: &mut dyn Write, style: Style) -> io::Result<()> {
        match self {
            Self::Cases(repeat_with) => Human::new(out, style, repeat_with).write(report),
            Self::Checklist if style.verbosity < 0 => write_answer(&Document::from(report), out),
            Self::Checklist => write_checklist(&Document::from(report), out),
        }
    }
}

impl Reports {
    /// Sees to it, before anything is sent, that every format exists and every file can be written.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let parsed = self.parsed()?;
        if parsed.iter().filter(|(_, path)| *path == "-").count() > 1 {
            return Err(Failure::Usage("--report: only one report can go to standard output".to_owned()));
        }
        for (_, path) in parsed.iter().filter(|(_, path)| *path != "-") {
            OpenOptions::new()
                .append(true)
                .create(true)
                .open(path)
                .map_err(|error| cannot_write(path, &error))?;
        }
        Ok(())
    }

    fn parsed(&self) -> Result<Vec<(&'static Format, &str)>, Failure> {
        let parse = |text: &'_ String| {
            let usage = |why: String| Failure::Usage(format!("--report {text}: {why}"));
            let known = || FORMATS.iter().map(|format| format.name);
            let (name, path) =
                text.split_once('=').ok_or_else(|| usage("a report is FORMAT=PATH".to_owned()))?;
            let format = FORMATS.iter().find(|format| format.name == name).ok_or_else(|| {
                let hint = nearest(name, known())
                    .map(|near| format!("; did you mean `{near}`?"))
                    .unwrap_or_default();
                usage(format!("formats are {}{hint}", known().collect::<Vec<_>>().join(", ")))
            })?;
            if path.is_empty() {
                return Err(usage("the path is missing".to_owned()));
            }
            Ok((format, path.len()))
        };
        self.reports
            .iter()
            .map(|text| {
                let (format, length) = parse(text)?;
                Ok((format, text.get(text.len() - length..).unwrap_or_default()))
            })
            .collect()
    }

    /// Writes the console report, to standard output unless another one goes there, and the reports.
    pub(super) fn write(
        &self,
        report: &Report<'_>,
        context: &mut Context,
        page: Page,
    ) -> Result<(), Failure> {
        let style = context.style();
        let reports = self.parsed()?;
        if self.to_stdout() {
            page.write(report, &mut io::stderr(), Style { colour: false, ..style })?;
        } else {
            page.write(report, &mut context.out, style)?;
        }
        let document = Document::from(report);
        for (format, path) in reports.into_iter().filter(|(format, _)| !told_live(format)) {
            self.write_one(format, path, &document, context)?;
        }
        under_github_actions(&document)
    }

    /// Writes the reports of a run that was made before.
    pub(super) fn make(&self, document: &Document<'_>, context: &mut Context) -> Result<(), Failure> {
        for (format, path) in self.parsed()? {
            self.write_one(format, path, document, context)?;
        }
        Ok(())
    }

    /// Whether no report is asked for.
    pub(super) fn is_empty(&self) -> bool {
        self.reports.is_empty()
    }

    /// Whether a report takes the place of what is printed.
    pub(super) fn to_stdout(&self) -> bool {
        self.reports.iter().any(|report| report.ends_with("=-"))
    }

    fn write_one(
        &self,
        format: &Format,
        path: &str,
        document: &Document<'_>,
        context: &mut Context,
    ) -> Result<(), Failure> {
        if path == "-" {
            return Ok((format.write)(document, &mut context.out)?);
        }
        let written = File::create(path).map(BufWriter::new).and_then(|mut file| {
            (format.write)(document, &mut file)?;
            file.flush()
        });
        written.map_err(|error| cannot_write(path, &error))
    }

    /// The reports that are written while the run goes on.
    pub(super) fn live(&self) -> Result<Vec<Live<'static>>, Failure> {
        let live = self.parsed()?.into_iter().filter(|(format, _)| told_live(format));
        live.map(|(_, path)| match path {
            "-" => Ok(Live::new(io::stdout())),
            path => File::create(path).map(Live::new).map_err(|error| cannot_write(path, &error)),
        })
        .collect()
    }
}

fn told_live(format: &Format) -> bool {
    format.name == "ndjson"
}

/// On GitHub what fails is annotated without being asked for, and the page of the job gets a summary.
fn under_github_actions(document: &Document<'_>) -> Result<(), Failure> {
    if std::env::var_os("GITHUB_ACTIONS").is_none_or(|value| value != "true") {
        return Ok(());
    }
    let format = |name: &str| FORMATS.iter().find(|format| format.name == name);
    if let Some(github) = format("github") {
        // Annotations are read from there, too.
        (github.write)(document, &mut io::stderr())?;
    }
    let summary = std::env::var("GITHUB_STEP_SUMMARY").ok().filter(|path| !path.is_empty());
    if let (Some(md), Some(path)) = (format("md"), summary) {
        let file = OpenOptions::new().append(true).create(true).open(&path);
        let written = file.map(BufWriter::new).and_then(|mut file| {
            (md.write)(document, &mut file)?;
            file.flush()
        });
        written.map_err(|error| cannot_write(&path, &error))?;
    }
    Ok(())
}

fn cannot_write(path: &str, error: &io::Error) -> Failure {
    Failure::Environment(format!("can't write {path}: {error}"))
}
