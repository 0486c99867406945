use std::collections::BTreeMap;

/// One of several servers behind the same URL: the same `Host` and `htu`, another socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name in reasons.
    pub label: String,
    /// Its host name or address, without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
}

/// Reads `target.nodes`: labels, and `HOST:PORT` of each.
pub(super) fn nodes(rows: &BTreeMap<String, String>) -> Result<Vec<Node>, (String, String)> {
    if rows.len() == 1 {
        return Err(("target.nodes".to_owned(), "one node has nobody to share anything with".to_owned()));
    }
    let mut nodes: Vec<Node> = Vec::new();
    for (label, address) in rows {
        let wrong = |why: &str| (format!("target.nodes.{label}"), format!("`{address}`: {why}"));
        let (host, port) =
            address.rsplit_once(':').ok_or_else(|| wrong("an address and a port: `10.0.0.5:8443`"))?;
        let port = port.parse().map_err(|_| wrong("the port is no number up to 65535"))?;
        let bare = host.trim_matches(['[', ']']);
        if bare.is_empty() || (bare.contains(':') && !host.starts_with('[')) || bare.contains('/') {
            return Err(wrong("an address and a port, without scheme and path: `10.0.0.5:8443`"));
        }
        let node = Node { label: label.clone(), host: bare.to_owned(), port };
        if nodes.iter().any(|other| (&other.host, other.port) == (&node.host, node.port)) {
            return Err(wrong("another node is there already"));
        }
        nodes.push(node);
    }
    Ok(nodes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(addresses: &[&str], expected: Result<&[(&str, u16)], &str>) {
        let rows =
            addresses.iter().zip('a'..).map(|(address, label)| (label.to_string(), (*address).to_owned()));
        match (nodes(&rows.collect()), expected) {
            (Ok(found), Ok(expected)) => {
                let found: Vec<_> = found.iter().map(|node| (node.host.as_str(), node.port)).collect();
                assert_eq!(found, expected);
            }
            (Err((_, message)), Err(expected)) => assert!(message.contains(expected), "{message}"),
            (found, expected) => panic!("{found:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn addresses() {
        check(
            &["10.0.0.5:8443", "[::1]:80", "b.internal:1"],
            Ok(&[("10.0.0.5", 8443), ("::1", 80), ("b.internal", 1)]),
        );
        check(&[], Ok(&[]));
        check(&["10.0.0.5:8443"], Err("nobody to share"));
        check(&["10.0.0.5", "10.0.0.6:1"], Err("and a port"));
        check(&["10.0.0.5:x", "10.0.0.6:1"], Err("no number"));
        check(&["::1:80", "10.0.0.6:1"], Err("without scheme"));
        check(&["http://a:80", "10.0.0.6:1"], Err("without scheme"));
        check(&["10.0.0.5:1", "10.0.0.5:1"], Err("already"));
    }
}
