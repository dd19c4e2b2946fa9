//! Many short texts in one piece of memory.
//!
//! Who reads thousands of them in their order waits for memory a few times, instead of once for
//! each text: a processor fetches what comes next while it works, but not what lies anywhere.

/// Texts that are added at the end and never change, as bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    bytes: Vec<u8>,
    /// Where each ends; the next begins there.
    ends: Vec<u32>,
}

impl Texts {
    /// None yet, with room for so many of so many bytes together.
    pub fn with_capacity(texts: usize, bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
            ends: Vec::with_capacity(texts),
        }
    }

    /// Adds what is written behind the others. All of them may have 4 GiB together; what is
    /// beyond is left out.
    pub fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        let end = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        self.bytes.truncate(end as usize);
        self.ends.push(end);
    }

    /// The text at a place, counted from 0; an empty one where there is none.
    pub fn get(&self, place: usize) -> &[u8] {
        let Some(&end) = self.ends.get(place) else {
            return &[];
        };
        let before = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[before as usize..end as usize]
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// How many bytes all of them have together.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// About how many bytes of memory they take.
    pub fn held(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * size_of::<u32>()
    }

    /// Gives back what was room for more.
    pub fn shrink_to_fit(&mut self) {
        self.bytes.shrink_to_fit();
        self.ends.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_at_their_places_and_nothing_beyond() {
        let words: [&[u8]; 5] = [b"one", b"", b"three", b"", b"\xFFfive"];
        let mut texts = Texts::default();
        assert!(texts.is_empty());
        assert_eq!(texts.get(0), b"");
        for word in words {
            texts.push(|bytes| bytes.extend_from_slice(word));
        }
        for (place, word) in words.into_iter().enumerate() {
            assert_eq!(texts.get(place), word, "{place}");
        }
        assert_eq!(texts.get(words.len()), b"");
        assert_eq!(texts.len(), words.len());
        assert_eq!(texts.bytes(), words.concat().len());
    }

    #[test]
    fn room_that_is_not_needed_is_given_back() {
        let mut texts = Texts::with_capacity(1000, 1000);
        texts.push(|bytes| bytes.extend_from_slice(b"a word"));
        assert!(texts.held() >= 5000);
        texts.shrink_to_fit();
        assert_eq!(texts.held(), 6 + 4);
        assert_eq!(texts.get(0), b"a word");
    }
}
