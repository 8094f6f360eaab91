//! Operators without state: filter, select, route, union. Whole batches in, whole batches out.

use std::sync::Arc;

use arrow_array::{Array, BooleanArray, RecordBatch};
use arrow_schema::{ArrowError, SchemaRef};
use config::{NodeId, Operator, OperatorKind};

use super::expression::Compiled;
use super::{OperatorError, StatelessOperator};
use crate::batch::Batch;

/// The kernel of a filter, select, route or union; `None` for the other kinds.
#[must_use]
pub fn stateless(operator: &Operator) -> Option<Box<dyn StatelessOperator>> {
    let id = operator.id.clone();
    match &operator.kind {
        OperatorKind::Filter { condition } => Some(Box::new(Filter {
            id,
            condition: Compiled::new(condition),
        })),
        OperatorKind::Select { columns } => Some(Box::new(Select {
            id,
            columns: columns.iter().map(|(_, e)| Compiled::new(e)).collect(),
            schema: operator.ports.first()?.schema.to_arrow(),
        })),
        OperatorKind::Route(route) => Some(Box::new(Route {
            id,
            branches: route
                .branches
                .iter()
                .map(|branch| Compiled::new(&branch.condition))
                .collect(),
            all_matches: route.all_matches,
        })),
        OperatorKind::Union => Some(Box::new(Union {
            id,
            schema: operator.ports.first()?.schema.to_arrow(),
        })),
        OperatorKind::KeyBy { .. }
        | OperatorKind::Rolling(_)
        | OperatorKind::Window(_)
        | OperatorKind::Infer(_)
        | OperatorKind::Detect(_)
        | OperatorKind::Label(_)
        | OperatorKind::Sketch(_)
        | OperatorKind::Watch(_)
        | OperatorKind::Steward(_)
        | OperatorKind::Alert(_) => None,
    }
}

/// Keeps the rows where the condition is true.
#[derive(Debug)]
struct Filter {
    id: NodeId,
    condition: Compiled,
}

impl StatelessOperator for Filter {
    fn apply(&self, input: &Batch) -> Result<Vec<(usize, Batch)>, OperatorError> {
        let mask = self.condition.evaluate_condition(&input.columns);
        let mask = mask.map_err(|e| OperatorError::of(&self.id, e))?;
        if mask.true_count() == input.len() {
            return Ok(on_port(0, input.clone()));
        }
        let kept = input
            .filter(&mask)
            .map_err(|e| OperatorError::of(&self.id, e))?;
        Ok(on_port(0, kept))
    }

    fn nulled(&self) -> u64 {
        self.condition.nulled()
    }
}

/// Computes every output column.
#[derive(Debug)]
struct Select {
    id: NodeId,
    columns: Vec<Compiled>,
    schema: SchemaRef,
}

impl StatelessOperator for Select {
    fn apply(&self, input: &Batch) -> Result<Vec<(usize, Batch)>, OperatorError> {
        let columns: Result<Vec<_>, ArrowError> = self
            .columns
            .iter()
            .map(|column| column.evaluate(&input.columns))
            .collect();
        let columns = columns
            .and_then(|columns| RecordBatch::try_new(Arc::clone(&self.schema), columns))
            .map_err(|e| OperatorError::of(&self.id, e))?;
        Ok(on_port(0, input.with_columns(columns)))
    }

    fn nulled(&self) -> u64 {
        self.columns.iter().map(Compiled::nulled).sum()
    }
}

/// Sends rows to the ports of the branches that are true, the rest to the port after them.
#[derive(Debug)]
struct Route {
    id: NodeId,
    branches: Vec<Compiled>,
    all_matches: bool,
}

impl StatelessOperator for Route {
    fn apply(&self, input: &Batch) -> Result<Vec<(usize, Batch)>, OperatorError> {
        let mut matched = vec![false; input.len()];
        let mut out = Vec::new();
        for (port, branch) in self.branches.iter().enumerate() {
            let truth = branch
                .evaluate_condition(&input.columns)
                .map_err(|e| OperatorError::of(&self.id, e))?;
            let taken = |row: usize| truth.is_valid(row) && truth.value(row);
            let mask = (0..input.len())
                .map(|row| taken(row) && (self.all_matches || !matched[row]))
                .collect::<Vec<bool>>();
            for (matched, taken) in matched.iter_mut().zip(&mask) {
                *matched |= taken;
            }
            out.extend(self.rows(port, input, mask)?);
        }
        let rest = matched.iter().map(|matched| !matched).collect();
        out.extend(self.rows(self.branches.len(), input, rest)?);
        Ok(out)
    }

    fn nulled(&self) -> u64 {
        self.branches.iter().map(Compiled::nulled).sum()
    }
}

impl Route {
    fn rows(
        &self,
        port: usize,
        input: &Batch,
        mask: Vec<bool>,
    ) -> Result<Vec<(usize, Batch)>, OperatorError> {
        if !mask.contains(&true) {
            return Ok(Vec::new());
        }
        let rows = input.filter(&BooleanArray::from(mask));
        Ok(on_port(
            port,
            rows.map_err(|e| OperatorError::of(&self.id, e))?,
        ))
    }
}

/// Passes every input on under the schema of the output.
#[derive(Debug)]
struct Union {
    id: NodeId,
    schema: SchemaRef,
}

impl StatelessOperator for Union {
    fn apply(&self, input: &Batch) -> Result<Vec<(usize, Batch)>, OperatorError> {
        if input.columns.schema_ref() == &self.schema {
            return Ok(on_port(0, input.clone()));
        }
        let columns = input.columns.columns().to_vec();
        let columns = RecordBatch::try_new(Arc::clone(&self.schema), columns)
            .map_err(|e| OperatorError::of(&self.id, e))?;
        Ok(on_port(0, input.with_columns(columns)))
    }

    fn nulled(&self) -> u64 {
        0
    }
}

/// The batch on its port, or nothing if it has no rows.
fn on_port(port: usize, batch: Batch) -> Vec<(usize, Batch)> {
    if batch.is_empty() {
        Vec::new()
    } else {
        vec![(port, batch)]
    }
}

#[cfg(test)]
mod tests;
