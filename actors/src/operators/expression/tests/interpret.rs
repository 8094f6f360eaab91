//! The interpreter: one row, one node at a time, by the rules of SQL.

use config::{
    BinaryOperator, DataType, Expression, ExpressionKind, Function, Literal, UnaryOperator,
};

/// A value of any type.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub(super) enum Cell {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Time(i64),
}

impl Cell {
    pub(super) fn bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    pub(super) fn int(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            _ => None,
        }
    }

    pub(super) fn float(&self) -> Option<f64> {
        match self {
            Self::Float(value) => Some(*value),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> Option<String> {
        match self {
            Self::Text(value) => Some(value.clone()),
            _ => None,
        }
    }

    pub(super) fn time(&self) -> Option<i64> {
        match self {
            Self::Time(value) => Some(*value),
            _ => None,
        }
    }

    fn of_bool(value: Option<bool>) -> Self {
        value.map_or(Self::Null, Self::Bool)
    }

    fn of_int(value: Option<i64>) -> Self {
        value.map_or(Self::Null, Self::Int)
    }

    fn of_float(value: f64) -> Self {
        if value.is_finite() {
            Self::Float(value)
        } else {
            Self::Null
        }
    }
}

pub(super) fn interpret(expression: &Expression, row: &[Cell; 5]) -> Cell {
    let value = |e: &Expression| interpret(e, row);
    match &expression.kind {
        ExpressionKind::Column(at) => row[*at].clone(),
        ExpressionKind::Literal(literal) => match literal {
            Literal::Null => Cell::Null,
            Literal::Bool(value) => Cell::Bool(*value),
            Literal::Int64(value) => Cell::Int(*value),
            Literal::Float64(value) => Cell::Float(*value),
            Literal::String(value) => Cell::Text(value.clone()),
            Literal::Timestamp(value) => Cell::Time(*value),
        },
        ExpressionKind::Unary(UnaryOperator::Not, x) => Cell::of_bool(value(x).bool().map(|x| !x)),
        ExpressionKind::Unary(UnaryOperator::Negate, x) => match value(x) {
            Cell::Int(x) => Cell::of_int(x.checked_neg()),
            Cell::Float(x) => Cell::Float(-x),
            _ => Cell::Null,
        },
        ExpressionKind::Binary(operator, l, r) => binary(*operator, value(l), value(r)),
        ExpressionKind::InList {
            value: x,
            list,
            negated,
        } => {
            let x = value(x);
            let found = list
                .iter()
                .map(|y| equal(&x, &value(y)))
                .fold(Some(false), or);
            Cell::of_bool(found.map(|found| found != *negated))
        }
        ExpressionKind::Like {
            value: x,
            pattern,
            negated,
        } => match (value(x).text(), value(pattern).text()) {
            (Some(text), Some(pattern)) => {
                let (text, pattern): (Vec<char>, Vec<char>) =
                    (text.chars().collect(), pattern.chars().collect());
                Cell::Bool(like(&text, &pattern) != *negated)
            }
            _ => Cell::Null,
        },
        ExpressionKind::IsNull { value: x, negated } => {
            Cell::Bool((value(x) == Cell::Null) != *negated)
        }
        ExpressionKind::Case {
            branches,
            otherwise,
        } => {
            let taken = branches.iter().find(|b| value(&b.when) == Cell::Bool(true));
            match (taken, otherwise) {
                (Some(branch), _) => value(&branch.then),
                (None, Some(otherwise)) => value(otherwise),
                (None, None) => Cell::Null,
            }
        }
        ExpressionKind::Cast(x) => cast(value(x), &expression.data_type),
        ExpressionKind::Call(function, arguments) => {
            call(*function, &arguments.iter().map(value).collect::<Vec<_>>())
        }
    }
}

fn equal(x: &Cell, y: &Cell) -> Option<bool> {
    (*x != Cell::Null && *y != Cell::Null).then(|| x == y)
}

fn and(x: Option<bool>, y: Option<bool>) -> Option<bool> {
    match (x, y) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

fn or(x: Option<bool>, y: Option<bool>) -> Option<bool> {
    and(x.map(|x| !x), y.map(|y| !y)).map(|both| !both)
}

fn binary(operator: BinaryOperator, l: Cell, r: Cell) -> Cell {
    use BinaryOperator as B;
    match operator {
        B::And => return Cell::of_bool(and(l.bool(), r.bool())),
        B::Or => return Cell::of_bool(or(l.bool(), r.bool())),
        _ => {}
    }
    match (operator, l, r) {
        (_, Cell::Null, _) | (_, _, Cell::Null) => Cell::Null,
        (B::Equal, l, r) => Cell::Bool(l == r),
        (B::NotEqual, l, r) => Cell::Bool(l != r),
        (B::Less, l, r) => Cell::Bool(l < r),
        (B::LessOrEqual, l, r) => Cell::Bool(l <= r),
        (B::Greater, l, r) => Cell::Bool(l > r),
        (B::GreaterOrEqual, l, r) => Cell::Bool(l >= r),
        (B::Subtract, Cell::Time(x), Cell::Time(y)) => Cell::of_int(x.checked_sub(y)),
        (operator, Cell::Int(x), Cell::Int(y)) => {
            let (x, y) = (i128::from(x), i128::from(y));
            let result = match operator {
                B::Add => x + y,
                B::Subtract => x - y,
                B::Multiply => x * y,
                B::Divide | B::Modulo if y == 0 => return Cell::Null,
                B::Divide => x / y,
                _ => x % y,
            };
            Cell::of_int(i64::try_from(result).ok())
        }
        (operator, Cell::Float(x), Cell::Float(y)) => Cell::of_float(match operator {
            B::Add => x + y,
            B::Subtract => x - y,
            B::Multiply => x * y,
            B::Divide => x / y,
            _ => x % y,
        }),
        (operator, l, r) => panic!("{l:?} {operator:?} {r:?}"),
    }
}

fn like(text: &[char], pattern: &[char]) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['%', rest @ ..] => (0..=text.len()).any(|skip| like(&text[skip..], rest)),
        ['_', rest @ ..] => !text.is_empty() && like(&text[1..], rest),
        ['\\', literal, rest @ ..] | [literal, rest @ ..] => {
            text.first() == Some(literal) && like(&text[1..], rest)
        }
    }
}

const TWO_63: f64 = 9_223_372_036_854_775_808.0;

fn cast(value: Cell, to: &DataType) -> Cell {
    match (value, to) {
        (Cell::Int(x), DataType::Float64) => Cell::Float(x as f64),
        (Cell::Int(x), DataType::String) => Cell::Text(x.to_string()),
        (Cell::Bool(x), DataType::Int64) => Cell::Int(x.into()),
        (Cell::Bool(x), DataType::String) => Cell::Text(x.to_string()),
        (Cell::Text(x), DataType::Int64) => Cell::of_int(x.parse().ok()),
        (Cell::Float(x), DataType::Int64) if (-TWO_63..TWO_63).contains(&x) => {
            Cell::Int(x.trunc() as i64)
        }
        (Cell::Null | Cell::Float(_), _) => Cell::Null,
        (value, to) => panic!("{value:?} to {to}"),
    }
}

fn call(function: Function, arguments: &[Cell]) -> Cell {
    use Cell::{Float, Int, Text, Time};
    let there = || arguments.iter().filter(|cell| **cell != Cell::Null);
    let ordered = |a: &&Cell, b: &&Cell| a.partial_cmp(b).unwrap();
    let found = |cell: Option<&Cell>| cell.cloned().unwrap_or(Cell::Null);
    match (function, arguments) {
        (Function::Least, _) => found(there().min_by(ordered)),
        // The first of equals, which only zeros of two signs can tell.
        (Function::Greatest, _) => found(there().rev().max_by(ordered)),
        (Function::Coalesce, _) => found(there().next()),
        (Function::NullIf, [x, y]) => {
            if equal(x, y) == Some(true) {
                Cell::Null
            } else {
                x.clone()
            }
        }
        (_, arguments) if arguments.contains(&Cell::Null) => Cell::Null,
        (Function::Abs, [Int(x)]) => Cell::of_int(x.checked_abs()),
        (Function::Abs, [Float(x)]) => Float(x.abs()),
        (Function::Sign, [Int(x)]) => Int(x.signum()),
        (Function::Ln, [Float(x)]) => Cell::of_float(x.ln()),
        (Function::Sqrt, [Float(x)]) => Cell::of_float(x.sqrt()),
        (Function::Exp, [Float(x)]) => Cell::of_float(x.exp()),
        (Function::Floor, [Float(x)]) => Float(x.floor()),
        (Function::Power, [Float(x), Float(y)]) => Cell::of_float(x.powf(*y)),
        (Function::Lower, [Text(s)]) => Text(s.to_lowercase()),
        (Function::Trim, [Text(s)]) => Text(s.trim_matches(' ').into()),
        (Function::Length, [Text(s)]) => Int(s.chars().count() as i64),
        (Function::Concat, parts) => Text(parts.iter().filter_map(Cell::text).collect()),
        (Function::Replace, [Text(s), Text(from), Text(to)]) if !from.is_empty() => {
            Text(s.replace(from, to))
        }
        (Function::Replace, [Text(s), ..]) => Text(s.clone()),
        (Function::StartsWith, [Text(s), Text(prefix)]) => Cell::Bool(s.starts_with(prefix)),
        (Function::Substr, [Text(_), Int(_), Int(count)]) if *count < 0 => Cell::Null,
        (Function::Substr, [Text(s), Int(from), Int(count)]) => {
            let inside = |at: i64| {
                i128::from(at) >= i128::from(*from)
                    && i128::from(at) < i128::from(*from) + i128::from(*count)
            };
            Text(
                s.chars()
                    .zip(1..)
                    .filter(|(_, at)| inside(*at))
                    .map(|(c, _)| c)
                    .collect(),
            )
        }
        (Function::Hour, [Time(t)]) => Int(t.div_euclid(3_600_000).rem_euclid(24)),
        (Function::Minute, [Time(t)]) => Int(t.div_euclid(60_000).rem_euclid(60)),
        (Function::Epoch, [Time(t)]) => Float(*t as f64 / 1000.0),
        (function, arguments) => panic!("{function:?} of {arguments:?}"),
    }
}
