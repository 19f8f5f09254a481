//! Texts of filters and expressions: what parses is printed as a text that parses to the same tree, and an error points into the text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tablegate::request::Error;
use tablegate::request::filter::positions::{holds_open_quote, reset_expression, without_positions};
use tablegate::request::filter::{Node, Params, parse, parse_expression, parse_having};

fuzz_target!(|text: &str| {
    let params = Params::from_iter([(":p".to_owned(), 5.into()), (":l".to_owned(), vec![1, 2].into())]);
    check(text, |text| parse(text, &params));
    check(text, |text| parse_having(text, &params));
    check_expression(text);
});

fn check(text: &str, parse: impl Fn(&str) -> Result<Option<Node>, Error>) {
    let mut tree = match parse(text) {
        Ok(Some(tree)) if !holds_open_quote(&tree) => tree,
        Ok(_) => return,
        Err(error) => return points_into(text, &error),
    };
    let printed = tree.to_string();
    let mut again = match parse(&printed) {
        Ok(Some(again)) => again,
        // Parentheses are added, and a tree may be at a bound already.
        Err(error) if error.message.contains("at most") => return,
        other => panic!("{text:?} is printed as {printed:?}, which gives {other:?}"),
    };
    without_positions(&mut tree);
    without_positions(&mut again);
    assert_eq!(again, tree, "{text:?} is printed as {printed:?}");
}

fn check_expression(text: &str) {
    let mut tree = match parse_expression(text) {
        Ok(tree) => tree,
        Err(error) => return points_into(text, &error),
    };
    let printed = tree.to_string();
    let mut again = match parse_expression(&printed) {
        Ok(again) => again,
        Err(error) if error.message.contains("at most") => return,
        Err(error) => panic!("{text:?} is printed as {printed:?}, which gives {error:?}"),
    };
    reset_expression(&mut tree);
    reset_expression(&mut again);
    assert_eq!(again, tree, "{text:?} is printed as {printed:?}");
}

fn points_into(text: &str, error: &Error) {
    assert!(!error.message.is_empty());
    let Some(position) = error.position else { return };
    assert!(text.is_char_boundary(position), "{error:?} points past or into a letter of {text:?}");
}
