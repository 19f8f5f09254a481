//! What a tree says besides its positions, for comparing trees of different texts. For tests and the targets in `fuzz/` only.

use super::{Expression, Field, Node, Value};

/// Takes the positions out of a tree, so that two trees from different texts can be compared.
pub fn without_positions(node: &mut Node) {
    each_part(node, &mut |field| field.position = 0, &mut reset);
}

/// Whether a bare text holds a quote that nothing closes where a quoted text may begin, as `'Ndrangheta` and `(it's) so` do.
#[must_use]
pub fn holds_open_quote(tree: &Node) -> bool {
    let mut holds = false;
    let mut look = |value: &mut Value| {
        holds |= matches!(value, Value::Literal(literal) if !literal.quoted && may_open(&literal.text));
    };
    each_part(&mut tree.clone(), &mut |_| {}, &mut look);
    holds
}

fn may_open(text: &str) -> bool {
    text.starts_with(['\'', '"']) || text.starts_with('(') && text.contains(['\'', '"'])
}

fn each_part(node: &mut Node, on_field: &mut dyn FnMut(&mut Field), on_value: &mut dyn FnMut(&mut Value)) {
    match node {
        Node::And(members) | Node::Or(members) | Node::Xor(members) => {
            members.iter_mut().for_each(|member| each_part(member, on_field, on_value));
        }
        Node::Not(member) => each_part(member, on_field, on_value),
        Node::Null { field, .. } => on_field(field),
        Node::Compare { field, value, .. } | Node::Text { field, pattern: value, .. } => {
            on_field(field);
            on_value(value);
        }
        Node::In { field, values, .. } => {
            on_field(field);
            values.iter_mut().for_each(on_value);
        }
        Node::Between { field, low, high, .. } => {
            on_field(field);
            on_value(low);
            on_value(high);
        }
    }
}

fn reset(value: &mut Value) {
    match value {
        Value::Literal(literal) => literal.position = 0,
        Value::Parameter(parameter) => parameter.position = 0,
        Value::Expression(expression) => reset_expression(expression),
    }
}

/// As [`without_positions`].
pub fn reset_expression(expression: &mut Expression) {
    match expression {
        Expression::Column(field) => field.position = 0,
        Expression::Number(literal) | Expression::Text(literal) => literal.position = 0,
        Expression::Boolean(_) => {}
        Expression::Negate(operand) => reset_expression(operand),
        Expression::Arithmetic { left, right, .. } => {
            reset_expression(left);
            reset_expression(right);
        }
        Expression::Call { arguments, .. } => arguments.iter_mut().for_each(reset_expression),
    }
}
