//! Names of variables on the command line: `name=rest`.

use crate::failure::Failure;

/// A variable's name, as the expression language spells them.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let mut chars = name.chars();
    let starts_well = chars.next().is_some_and(|first| first.is_alphabetic() || first == '_');
    if starts_well && chars.all(|c| c.is_alphanumeric() || c == '_') {
        Ok(())
    } else {
        Err(format!("`{name}` cannot be a variable's name: letters, digits and `_`, not starting with a digit"))
    }
}

/// The one spelling of a name that has several in Unicode.
pub(crate) fn normal_name(name: &str) -> String {
    ndexpr_grammar::normal_name(name).into_owned()
}

/// Splits `name=rest` and checks the name.
pub(crate) fn split_name<'t>(text: &'t str, form: &str) -> Result<(String, &'t str), String> {
    let (name, rest) = text.split_once('=').ok_or_else(|| format!("expected {form}, found no `=`"))?;
    let (name, rest) = (name.trim(), rest.trim());
    check_name(name)?;
    if rest.is_empty() {
        return Err(format!("expected {form}, found nothing after the `=`"));
    }
    Ok((normal_name(name), rest))
}

/// The first name given twice is an error.
pub(crate) fn check_distinct<'n>(names: impl IntoIterator<Item = &'n str>) -> Result<(), Failure> {
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(Failure::Usage(format!("the variable `{name}` is given twice")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_duplicates() {
        assert_eq!(split_name("a=b=c", "x"), Ok(("a".to_owned(), "b=c")));
        assert_eq!(split_name("\u{b5}=1", "x"), Ok(("\u{3bc}".to_owned(), "1")));
        for bad in ["a", "=1", "1a=1", "a b=1", "a=", "a-b=1"] {
            assert!(split_name(bad, "name=SOURCE").is_err(), "{bad}");
        }
        assert!(check_distinct(["a", "b"]).is_ok());
        assert_eq!(check_distinct(["a", "b", "a"]).unwrap_err().exit_code(), 2);
    }
}
