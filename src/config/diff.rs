//! What changes between two configs, by group.

use super::{Config, GroupConfig};

/// The groups that differ between what is active and what was read. Names stand in the order of
/// the config that has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// In the new config only.
    pub added: Vec<String>,
    /// In both, and different.
    pub changed: Vec<String>,
    /// In the old config only.
    pub removed: Vec<String>,
}

impl Diff {
    /// Compares the groups that are active with those that a config asks for. Starting is the
    /// diff from no group at all.
    pub fn between<'a>(
        active: impl Iterator<Item = &'a GroupConfig> + Clone,
        new: &Config,
    ) -> Self {
        let mut diff = Self::default();
        for group in &new.groups {
            match active.clone().find(|old| old.name == group.name) {
                None => diff.added.push(group.name.clone()),
                Some(old) if old != group => diff.changed.push(group.name.clone()),
                Some(_) => {}
            }
        }
        for old in active {
            if !new.groups.iter().any(|group| group.name == old.name) {
                diff.removed.push(old.name.clone());
            }
        }
        diff
    }
}
