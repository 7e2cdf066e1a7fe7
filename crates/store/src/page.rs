//! Lists, a page at a time, continued by key and never by offset.

use crate::StoreError;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Some items, and how to ask for the next ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, at most as many as were asked for.
    pub items: Vec<T>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Cursor>,
}

/// Where a page begins. Opaque: it is handed out and handed back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(String);

impl Cursor {
    /// A cursor as it was handed back. Whether it means anything is found out by the list it is given to.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A cursor of the key of a page's last item.
    pub(crate) fn of<const N: usize>(parts: [&str; N]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(parts.join("\n")))
    }

    /// The key again, if it has as many parts as this list's keys have.
    pub(crate) fn parts<const N: usize>(&self) -> Result<[String; N], StoreError> {
        let fault = || StoreError::Cursor(self.0.clone());
        let bytes = URL_SAFE_NO_PAD.decode(&self.0).map_err(|_| fault())?;
        let text = String::from_utf8(bytes).map_err(|_| fault())?;
        // The last part may hold whatever it likes.
        let parts: Vec<String> = text.splitn(N, '\n').map(str::to_owned).collect();
        parts.try_into().map_err(|_| fault())
    }

    /// The key again, when it is one part that can be parsed.
    pub(crate) fn part<T: std::str::FromStr>(&self) -> Result<T, StoreError> {
        let [part] = self.parts::<1>()?;
        part.parse().map_err(|_| StoreError::Cursor(self.0.clone()))
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl<T> Page<T> {
    /// A page of items of which one more than `limit` was read, to learn whether there is a next page.
    pub(crate) fn cut(mut items: Vec<T>, limit: u64, key: impl Fn(&T) -> Cursor) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(key) } else { None };
        Self { items, next }
    }

    /// The same page of something else.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(f).collect(), next: self.next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_the_key_it_was_made_of() {
        let cursor = Cursor::of(["riya", "+919876543210"]);
        assert_eq!(Cursor::new(cursor.to_string()).parts().unwrap(), ["riya", "+919876543210"]);
        assert!(cursor.parts::<3>().is_err());
        assert!(Cursor::new("not one of ours!").parts::<1>().is_err());
    }

    #[test]
    fn the_last_page_says_that_it_is_the_last() {
        let key = |n: &i32| Cursor::of([&n.to_string()]);
        assert_eq!(Page::cut(vec![1, 2, 3], 2, key).items, [1, 2]);
        assert!(Page::cut(vec![1, 2, 3], 2, key).next.is_some());
        assert_eq!(Page::cut(vec![1, 2], 2, key).next, None);
    }
}
