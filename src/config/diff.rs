//! What changes between two configs, by group.

use super::{Config, GroupConfig};
use std::collections::{HashMap, HashSet};

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
    /// diff from no group at all. Each name stands for one group on either side.
    pub fn between<'a>(
        active: impl Iterator<Item = &'a GroupConfig> + Clone,
        new: &Config,
    ) -> Self {
        let old: HashMap<&str, &GroupConfig> = active
            .clone()
            .map(|group| (group.name.as_str(), group))
            .collect();
        let mut diff = Self::default();
        for group in &new.groups {
            match old.get(group.name.as_str()) {
                None => diff.added.push(group.name.clone()),
                Some(&old) if *old != **group => diff.changed.push(group.name.clone()),
                Some(_) => {}
            }
        }
        let wanted: HashSet<&str> = new.groups.iter().map(|group| group.name.as_str()).collect();
        diff.removed = active
            .filter(|group| !wanted.contains(group.name.as_str()))
            .map(|group| group.name.clone())
            .collect();
        diff
    }
}

#[cfg(test)]
#[path = "diff_tests.rs"]
mod tests;
