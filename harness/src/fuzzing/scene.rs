use std::sync::LazyLock;

use crate::entropy::{Entropy, SeededEntropy, SystemEntropy};
use crate::generator::Scene;
use crate::jose::Alg;

static NULL: LazyLock<Scene> = LazyLock::new(|| scene().with_null_signatures());
static SIGNED: LazyLock<Scene> = LazyLock::new(scene);

/// The scene where signatures are the null signature, which costs next to nothing.
pub fn null_scene() -> &'static Scene {
    &NULL
}

/// The scene of real signatures.
pub fn signed_scene() -> &'static Scene {
    &SIGNED
}

fn scene() -> Scene {
    let entropy =
        SceneEntropy { sequence: SeededEntropy::new(1), rsa_key: LazyLock::new(|| SystemEntropy.rsa_key()) };
    Scene::new(Alg::Es256, Box::new(entropy), |_, number| format!("the.token.{number}"))
}

/// A sequence that begins alike in every process, with one RSA key: a fresh one for each proof would cost 50 ms.
struct SceneEntropy {
    sequence: SeededEntropy,
    rsa_key: LazyLock<Vec<u8>>,
}

impl Entropy for SceneEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        self.sequence.fill(bytes);
    }

    fn rsa_key(&self) -> Vec<u8> {
        self.rsa_key.clone()
    }
}
