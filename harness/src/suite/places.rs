use std::sync::Arc;

use crate::plan::Selected;
use crate::run::Elsewhere;
use crate::scenario::{Capability, Endpoint};
use crate::target::{NoncePolicy, Resource, Target};

use super::Suite;

/// A place that the steps of a case go to.
pub(super) enum Place<'a> {
    /// The protected resource.
    Resource,
    /// Another one, with its name in reasons.
    Elsewhere(Elsewhere<'a>, String),
    /// One where the case shows nothing, and why.
    NotJudged(String),
}

impl<'a> Suite<'a> {
    /// Every place where a case is performed, or why there is none.
    pub(super) fn places_of(&self, selected: Selected<'_>) -> Result<Vec<Place<'a>>, String> {
        let mut places = Vec::new();
        for endpoint in &selected.case.at {
            match endpoint {
                Endpoint::Resource => places.push(Place::Resource),
                Endpoint::OtherResources => places.extend(self.other_resources(selected)?),
                Endpoint::Forbidden => places.extend(self.forbidden()?),
                Endpoint::PlainHttp => places.push(self.plain_http()?),
                Endpoint::Nodes => places.extend(self.nodes()?),
                Endpoint::Metadata => return Err("it sends nothing".to_owned()),
            }
        }
        Ok(places)
    }

    fn other_resources(&self, selected: Selected<'_>) -> Result<Vec<Place<'a>>, String> {
        let resources = &self.setup.places.resources;
        if resources.is_empty() {
            return Err("no `target.resources` in the config".to_owned());
        }
        let place = |resource: &'a Resource| {
            Place::Elsewhere(
                Elsewhere {
                    at: Endpoint::OtherResources,
                    target: self.setup.target.as_ref(),
                    first: None,
                    call: &resource.call,
                    takes_controls: resource.safe,
                },
                resource.call.to_string(),
            )
        };
        if !selected.case.requires.contains(&Capability::DeclaredNonce) {
            return Ok(resources.iter().map(place).collect());
        }
        let places: Vec<_> = resources
            .iter()
            .filter_map(|resource| match (resource.nonce, resource.class) {
                (Some(NoncePolicy::Required), _) => Some(place(resource)),
                (Some(NoncePolicy::Never | NoncePolicy::Optional), _) | (None, None) => None,
                (None, Some(class)) => Some(Place::NotJudged(format!(
                    "{} of class {} says nothing about nonces (`nonce` in `target.resources`)",
                    resource.call,
                    class.name()
                ))),
            })
            .collect();
        if places.is_empty() {
            return Err("nothing in `target.resources` says `nonce: required`".to_owned());
        }
        Ok(places)
    }

    /// Each node behind the one before it, and the first behind the last.
    fn nodes(&self) -> Result<Vec<Place<'a>>, String> {
        let nodes = &self.setup.nodes;
        let Some((before, _)) = nodes.split_last() else {
            return Err("no `target.nodes` in the config".to_owned());
        };
        let pair = |((first, first_target), (second, second_target)): (&'a (String, _), &'a (String, _))| {
            let target: &'a Arc<dyn Target> = second_target;
            let before: &'a Arc<dyn Target> = first_target;
            let elsewhere = Elsewhere {
                at: Endpoint::Nodes,
                target: target.as_ref(),
                first: Some(before.as_ref()),
                call: &self.setup.call,
                takes_controls: true,
            };
            Place::Elsewhere(elsewhere, format!("node {second} behind node {first}"))
        };
        Ok([before].into_iter().chain(nodes).zip(nodes).map(pair).collect())
    }

    fn plain_http(&self) -> Result<Place<'a>, String> {
        match &self.setup.plain_http {
            None => Err("no `target.plain-http` in the config".to_owned()),
            Some(twin) if twin.on_loopback => {
                Err("`target.plain-http` is on loopback, where nobody is on the way".to_owned())
            }
            Some(twin) => Ok(Place::Elsewhere(
                Elsewhere {
                    at: Endpoint::PlainHttp,
                    target: twin.target.as_ref(),
                    first: None,
                    call: &twin.call,
                    takes_controls: false,
                },
                twin.call.to_string(),
            )),
        }
    }

    fn forbidden(&self) -> Result<Vec<Place<'a>>, String> {
        let forbidden = &self.setup.places.forbidden;
        if forbidden.is_empty() {
            return Err("no `target.forbidden` in the config".to_owned());
        }
        let places = forbidden.iter().map(|forbidden| {
            let lacks = forbidden.lacks.map(|lacks| format!(" (lacks {})", lacks.name()));
            Place::Elsewhere(
                Elsewhere {
                    at: Endpoint::Forbidden,
                    target: self.setup.target.as_ref(),
                    first: None,
                    call: &forbidden.call,
                    takes_controls: false,
                },
                format!("{}{}", forbidden.call, lacks.unwrap_or_default()),
            )
        });
        Ok(places.collect())
    }
}
