//! Random expressions of a wanted type, from a seed.

use config::{
    BinaryOperator, DataType, Expression, ExpressionKind, Function, Literal, UnaryOperator,
    WhenThen,
};

use super::interpret::Cell;

/// SplitMix64 (G. Steele, D. Lea, C. Flood, 2014).
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `sides`.
    pub(super) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % sides as u64).unwrap()
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len())].clone()
    }

    /// A value of this type, of those that make trouble more often than not.
    pub(super) fn cell(&mut self, of: &DataType) -> Cell {
        match of {
            DataType::Bool => Cell::Bool(self.roll(2) == 0),
            DataType::Int64 => Cell::Int(self.pick(&[
                0,
                1,
                -1,
                2,
                3,
                7,
                -12,
                1_000,
                i64::MAX,
                i64::MIN,
                i64::MAX / 2,
            ])),
            DataType::Float64 => Cell::Float(self.pick(&[
                0.0,
                -0.0,
                1.0,
                -1.5,
                2.5,
                0.1,
                1e-300,
                1e300,
                -7e15,
                f64::MAX,
            ])),
            DataType::String => {
                let texts = [
                    "", "a", "Ab", " b ", "ß%", "a_b", "a%b", "12", "-3", "aa\\b",
                ];
                Cell::Text(self.pick(&texts).into())
            }
            _ => {
                Cell::Time(self.pick(&[0, -1, 86_399_999, 1_522_587_909_250, -62_135_596_800_000]))
            }
        }
    }
}

/// An expression of this type over columns b, i, f, s, t, at most so deep.
pub(super) fn expression(dice: &mut Dice, of: &DataType, depth: usize) -> Expression {
    let kind = match dice.roll(if depth == 0 { 3 } else { 12 }) {
        0 | 1 => ExpressionKind::Column(column(of)),
        2 => ExpressionKind::Literal(literal(dice, of)),
        3 => case(dice, of, depth),
        4 => {
            let function = dice.pick(&[Function::Coalesce, Function::Least, Function::Greatest]);
            let list = (0..1 + dice.roll(3))
                .map(|_| expression(dice, of, depth - 1))
                .collect();
            ExpressionKind::Call(function, list)
        }
        5 => call(dice, Function::NullIf, &[of.clone(), of.clone()], depth),
        _ => match of {
            DataType::Bool => truth(dice, depth),
            DataType::Int64 => int(dice, depth),
            DataType::Float64 => float(dice, depth),
            DataType::String => text(dice, depth),
            _ => ExpressionKind::Column(column(of)),
        },
    };
    Expression {
        kind,
        data_type: of.clone(),
        nullable: true,
    }
}

fn column(of: &DataType) -> usize {
    super::TYPES.iter().position(|other| other == of).unwrap()
}

fn literal(dice: &mut Dice, of: &DataType) -> Literal {
    if dice.roll(6) == 0 {
        return Literal::Null;
    }
    match dice.cell(of) {
        Cell::Null => Literal::Null,
        Cell::Bool(value) => Literal::Bool(value),
        Cell::Int(value) => Literal::Int64(value),
        Cell::Float(value) => Literal::Float64(value),
        Cell::Text(value) => Literal::String(value),
        Cell::Time(value) => Literal::Timestamp(value),
    }
}

fn boxed(dice: &mut Dice, of: &DataType, depth: usize) -> Box<Expression> {
    Box::new(expression(dice, of, depth - 1))
}

fn call(dice: &mut Dice, function: Function, of: &[DataType], depth: usize) -> ExpressionKind {
    let arguments = of
        .iter()
        .map(|of| expression(dice, of, depth - 1))
        .collect();
    ExpressionKind::Call(function, arguments)
}

fn case(dice: &mut Dice, of: &DataType, depth: usize) -> ExpressionKind {
    let branches = (0..1 + dice.roll(3))
        .map(|_| WhenThen {
            when: expression(dice, &DataType::Bool, depth - 1),
            then: expression(dice, of, depth - 1),
        })
        .collect();
    let otherwise = (dice.roll(3) > 0).then(|| boxed(dice, of, depth));
    ExpressionKind::Case {
        branches,
        otherwise,
    }
}

fn truth(dice: &mut Dice, depth: usize) -> ExpressionKind {
    use BinaryOperator as B;
    let of = dice.pick(&super::TYPES);
    let negated = dice.roll(2) == 0;
    match dice.roll(8) {
        0 | 1 => {
            let operator = dice.pick(&[B::And, B::Or]);
            let of = DataType::Bool;
            ExpressionKind::Binary(operator, boxed(dice, &of, depth), boxed(dice, &of, depth))
        }
        2 => ExpressionKind::Unary(UnaryOperator::Not, boxed(dice, &DataType::Bool, depth)),
        3 => ExpressionKind::IsNull {
            value: boxed(dice, &of, depth),
            negated,
        },
        4 => ExpressionKind::InList {
            value: boxed(dice, &of, depth),
            list: (0..1 + dice.roll(3))
                .map(|_| expression(dice, &of, depth - 1))
                .collect(),
            negated,
        },
        5 => {
            let patterns = ["a%", "%b", "_", "%", "", "a\\%b", "_%_", "%\\_%", "Ab"];
            let pattern = Literal::String(dice.pick(&patterns).into());
            ExpressionKind::Like {
                value: boxed(dice, &DataType::String, depth),
                pattern: Box::new(Expression {
                    kind: ExpressionKind::Literal(pattern),
                    data_type: DataType::String,
                    nullable: false,
                }),
                negated,
            }
        }
        6 => call(
            dice,
            Function::StartsWith,
            &[DataType::String, DataType::String],
            depth,
        ),
        _ => {
            let operators = [
                B::Equal,
                B::NotEqual,
                B::Less,
                B::LessOrEqual,
                B::Greater,
                B::GreaterOrEqual,
            ];
            let operator = dice.pick(&operators);
            ExpressionKind::Binary(operator, boxed(dice, &of, depth), boxed(dice, &of, depth))
        }
    }
}

const ARITHMETIC: [BinaryOperator; 5] = [
    BinaryOperator::Add,
    BinaryOperator::Subtract,
    BinaryOperator::Multiply,
    BinaryOperator::Divide,
    BinaryOperator::Modulo,
];

fn int(dice: &mut Dice, depth: usize) -> ExpressionKind {
    let of = DataType::Int64;
    match dice.roll(7) {
        0 | 1 => {
            let operator = dice.pick(&ARITHMETIC);
            ExpressionKind::Binary(operator, boxed(dice, &of, depth), boxed(dice, &of, depth))
        }
        2 => ExpressionKind::Unary(UnaryOperator::Negate, boxed(dice, &of, depth)),
        3 => {
            let from = dice.pick(&[DataType::Bool, DataType::String, DataType::Float64]);
            ExpressionKind::Cast(boxed(dice, &from, depth))
        }
        4 => {
            let function = dice.pick(&[Function::Hour, Function::Minute]);
            call(dice, function, &[DataType::Timestamp], depth)
        }
        5 => {
            let function = dice.pick(&[Function::Abs, Function::Sign]);
            call(dice, function, &[of], depth)
        }
        _ => call(dice, Function::Length, &[DataType::String], depth),
    }
}

fn float(dice: &mut Dice, depth: usize) -> ExpressionKind {
    let of = DataType::Float64;
    match dice.roll(6) {
        0 | 1 => {
            let operator = dice.pick(&ARITHMETIC);
            ExpressionKind::Binary(operator, boxed(dice, &of, depth), boxed(dice, &of, depth))
        }
        2 => ExpressionKind::Unary(UnaryOperator::Negate, boxed(dice, &of, depth)),
        3 => ExpressionKind::Cast(boxed(dice, &DataType::Int64, depth)),
        4 => call(dice, Function::Power, &[of.clone(), of], depth),
        _ => {
            let functions = [
                Function::Abs,
                Function::Ln,
                Function::Sqrt,
                Function::Exp,
                Function::Floor,
            ];
            let function = dice.pick(&functions);
            call(dice, function, &[of], depth)
        }
    }
}

fn text(dice: &mut Dice, depth: usize) -> ExpressionKind {
    let of = DataType::String;
    match dice.roll(6) {
        0 => call(dice, Function::Concat, &[of.clone(), of], depth),
        1 => call(
            dice,
            Function::Replace,
            &[of.clone(), of.clone(), of],
            depth,
        ),
        2 => call(
            dice,
            Function::Substr,
            &[of, DataType::Int64, DataType::Int64],
            depth,
        ),
        3 => {
            let from = dice.pick(&[DataType::Int64, DataType::Bool]);
            ExpressionKind::Cast(boxed(dice, &from, depth))
        }
        _ => {
            let function = dice.pick(&[Function::Lower, Function::Trim]);
            call(dice, function, &[of], depth)
        }
    }
}
