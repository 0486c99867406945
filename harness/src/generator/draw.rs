use super::catalogue::{Bytes, Catalogue};
use super::kind::Kind;
use super::recipe::Recipe;
use crate::entropy::{Entropy as _, SeededEntropy};

/// How many bytes one edit is made from: a kind that is open takes no more.
const BYTES_OF_AN_EDIT: usize = 48;

/// Recipes by chance, repeatable by a seed.
#[derive(Debug)]
pub struct Draw<'a> {
    catalogue: &'a Catalogue,
    chance: SeededEntropy,
    kinds: Vec<Kind>,
}

impl<'a> Draw<'a> {
    /// The recipes of one run. Half of the kinds are off, and which is up to the seed: faults that hide each other are then
    /// apart in some runs.
    pub fn new(catalogue: &'a Catalogue, seed: u64) -> Self {
        let mut draw = Self { catalogue, chance: SeededEntropy::new(seed), kinds: Kind::ALL.to_vec() };
        while draw.kinds.len() > Kind::ALL.len() / 2 {
            let off = draw.below(draw.kinds.len());
            draw.kinds.remove(off);
        }
        draw
    }

    /// The recipes of one run of these kinds.
    ///
    /// Where there are none, every recipe is empty.
    #[must_use]
    pub fn of_kinds(self, kinds: Vec<Kind>) -> Self {
        Self { kinds, ..self }
    }

    /// The kinds that are on.
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// The next recipe: of one edit in 70 of 100 cases, of two in 20, of three or four in 10.
    pub fn recipe(&mut self) -> Recipe {
        let edits = match self.below(100) {
            0..70 => 1,
            70..90 => 2,
            more => 3 + more % 2,
        };
        (0..edits).fold(Recipe::default(), |recipe, _| self.and_one_more(recipe))
    }

    /// The recipe with one edit taken out, put in or replaced by another.
    pub fn variation(&mut self, recipe: &Recipe) -> Recipe {
        let length = recipe.edits().len();
        match self.below(3) {
            0 if length > 1 => {
                let place = self.below(length);
                recipe.without(place)
            }
            1 if length > 0 => {
                let place = self.below(length);
                self.and_one_more(recipe.without(place))
            }
            _ => self.and_one_more(recipe.clone()),
        }
    }

    fn and_one_more(&mut self, recipe: Recipe) -> Recipe {
        let at = self.below(self.kinds.len());
        let mut bytes = [0; BYTES_OF_AN_EDIT];
        self.chance.fill(&mut bytes);
        let edit = self.kinds.get(at).and_then(|kind| self.catalogue.edit(*kind, &mut Bytes(&bytes)));
        edit.map_or_else(|| recipe.clone(), |edit| recipe.clone().with(edit))
    }

    /// A number below `limit`; 0 where that is 0.
    fn below(&mut self, limit: usize) -> usize {
        let mut bytes = [0; 8];
        self.chance.fill(&mut bytes);
        let limit = u64::try_from(limit).unwrap_or(u64::MAX).max(1);
        usize::try_from(u64::from_be_bytes(bytes) % limit).unwrap_or_default()
    }
}
