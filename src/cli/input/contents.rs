//! What files hold, each distinct content once: ten thousand devices of three hundred kinds are three hundred texts in memory.

use rustc_hash::FxBuildHasher;
use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;

/// The distinct contents that a reader has come across; clones of it are one.
#[derive(Clone, Debug, Default)]
pub(super) struct Contents(Rc<RefCell<HashSet<Arc<[u8]>, FxBuildHasher>>>);

impl Contents {
    /// Bytes as they are held.
    pub(super) fn hold(&self, bytes: &[u8]) -> Arc<[u8]> {
        self.known(bytes).unwrap_or_else(|| self.keep(bytes.into()))
    }

    /// As [`Contents::hold`], of bytes that are shared already.
    pub(super) fn share(&self, bytes: Arc<[u8]>) -> Arc<[u8]> {
        self.known(&bytes).unwrap_or_else(|| self.keep(bytes))
    }

    /// Lets go of what no tree holds any more.
    pub(super) fn forget_unused(&self) {
        self.0.borrow_mut().retain(|bytes| Arc::strong_count(bytes) > 1);
    }

    fn known(&self, bytes: &[u8]) -> Option<Arc<[u8]>> {
        self.0.borrow().get(bytes).cloned()
    }

    fn keep(&self, bytes: Arc<[u8]>) -> Arc<[u8]> {
        self.0.borrow_mut().insert(bytes.clone());
        bytes
    }
}
