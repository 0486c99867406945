use serde_json::Value;

use crate::generator::{Edit, Kind, Recipe};
use crate::mutation::{Area, by_area};

/// A layer of a request, from the inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// Header parameters, JSON texts and segments.
    Jose,
    /// The claims.
    Claims,
    /// The key in the header.
    Jwk,
    /// The signature, and who makes it.
    Signature,
    /// The fields that carry proof and token.
    Wire,
    /// The rest of the request, and the token.
    Http,
}

impl Layer {
    /// Every layer.
    pub const ALL: &[Self] = &[Self::Jose, Self::Claims, Self::Jwk, Self::Signature, Self::Wire, Self::Http];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jose => "jose",
            Self::Claims => "claims",
            Self::Jwk => "jwk",
            Self::Signature => "signature",
            Self::Wire => "wire",
            Self::Http => "http",
        }
    }

    fn of_area(area: Area) -> Self {
        match area {
            Area::Jose => Self::Jose,
            Area::Claims => Self::Claims,
            Area::Jwk => Self::Jwk,
            Area::Signature => Self::Signature,
            Area::Wire => Self::Wire,
        }
    }

    /// Whether edits of this kind may be of one of these layers.
    pub(super) fn have_kind(layers: &[Self], kind: Kind) -> bool {
        match kind.area() {
            Some(area) => layers.contains(&Self::of_area(area)),
            None => true, // as the edit is
        }
    }

    /// Whether every edit of a recipe is of one of these layers.
    pub(super) fn have(layers: &[Self], recipe: &Recipe) -> bool {
        layers.len() == Self::ALL.len()
            || recipe.edits().iter().all(|edit| Self::of(edit).all(|layer| layers.contains(&layer)))
    }

    /// The layers that an edit touches.
    fn of(edit: &Edit) -> impl Iterator<Item = Self> {
        let parts = edit.fragment().iter();
        parts.flat_map(|(part, slots)| {
            slots.as_object().into_iter().flatten().flat_map(|(slot, value)| of_slot(part, slot, value))
        })
    }
}

fn of_slot(part: &str, slot: &str, value: &Value) -> Vec<Layer> {
    let names = || value.as_array().into_iter().flatten().filter_map(Value::as_str);
    let members = || value.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
    let of_member = |name: &str| match name {
        "typ" | "alg" | "kid" | "crit" | "b64" | "x5u" | "jku" | "x5c" | "zip" | "enc" | "cty" => Layer::Jose,
        "jwk" => Layer::Jwk,
        _ => Layer::Claims,
    };
    match (part, slot) {
        ("proof", "mutate") => names().filter_map(area_of).map(Layer::of_area).collect(),
        ("proof", "header" | "kid") => vec![Layer::Jose],
        ("proof", "jwk" | "omit-of-jwk") => vec![Layer::Jwk],
        ("proof", "key" | "signer") => vec![Layer::Signature],
        ("proof", "omit") => names().map(of_member).collect(),
        ("proof", "retype" | "again") => members().map(of_member).collect(),
        ("proof", _) => vec![Layer::Claims],
        ("request", "scheme" | "omit" | "token-in") => vec![Layer::Wire],
        (_, _) => vec![Layer::Http],
    }
}

fn area_of(mutation: &str) -> Option<Area> {
    by_area().find(|(_, known)| known.name == mutation).map(|(area, _)| area)
}

impl std::str::FromStr for Layer {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let names = || Self::ALL.iter().map(|layer| layer.name());
        Self::ALL.iter().copied().find(|layer| layer.name() == name).ok_or_else(|| {
            let hint = crate::scenario::nearest(name, names());
            let hint = hint.map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default();
            format!("layers are {}{hint}", names().collect::<Vec<_>>().join(", "))
        })
    }
}
