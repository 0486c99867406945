use crate::scenario::{Case, Tag};

/// Which of the cases that cost much are performed.
#[derive(Debug, Clone, Default)]
pub struct OptIn {
    /// Those with these tags.
    pub tags: Vec<Tag>,
    /// Those with these ids.
    pub ids: Vec<String>,
}

impl OptIn {
    /// Why a case is left out, if so; where waiting costs nothing, a slow one is as good as any other.
    pub fn withholds(&self, case: &Case, waiting_costs_nothing: bool) -> Option<String> {
        if self.ids.contains(&case.id) {
            return None;
        }
        let free = |tag: &Tag| match tag {
            Tag::Slow => waiting_costs_nothing,
            Tag::Load => false,
        };
        let tag = case.tags().find(|tag| !free(tag) && !self.tags.contains(tag))?;
        let why = match tag {
            Tag::Slow => "it waits for minutes",
            Tag::Load => "it sends hundreds of requests",
        };
        Some(format!("{why}: `--tag {}`, or its id, has it performed", tag.name()))
    }
}
