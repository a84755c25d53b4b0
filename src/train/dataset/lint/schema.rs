//! Single examples that are not sound: see `validate`.
//!
//! May depend on `validate`.

use super::Code;
use crate::train::dataset::{
    example::{Example, Kind},
    validate::{self, DefectKind},
};

/// What is wrong with an example in a file of `kind`.
pub(super) fn look_at(example: &Example, kind: Kind, found: &mut Vec<(Code, String)>) {
    if example.kind != kind {
        let message =
            format!("an example of the kind {} belongs into {}", example.kind.as_str(), example.kind.file_name());
        found.push((Code::WrongKind, message));
    }
    for defect in validate::defects(example) {
        let code = match defect.kind {
            DefectKind::EmptyField => Code::EmptyField,
            DefectKind::Origin => Code::Origin,
            DefectKind::History => Code::History,
            DefectKind::Parts => Code::Parts,
            DefectKind::Outcome => Code::Outcome,
            DefectKind::PassageId => Code::PassageId,
            DefectKind::Span => Code::Span,
        };
        found.push((code, defect.message));
    }
}
