//! What was found, each with what it means and what to do.
//!
//! Depends on `audit` (its problems), and on nothing else.

use crate::audit::Problem;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// What was looked at, in a word or two.
    pub check: &'static str,
    /// Whether it is as it should be, or does no harm.
    pub ok: bool,
    /// It was a problem and is none any more.
    pub mended: bool,
    /// How it is.
    pub what: String,
    /// What follows from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub means: Option<String>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// All that was found, in order.
#[derive(Debug, Default)]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    /// Something is as it should be.
    pub fn ok(&mut self, check: &'static str, what: impl Into<String>) {
        self.add(check, true, what, None);
    }

    /// Something is not as it should be.
    pub fn bad(&mut self, check: &'static str, what: impl Into<String>, means: &str, remedy: impl Into<String>) {
        self.add(check, false, what, Some((means, remedy.into())));
    }

    /// Something does no harm by itself, and somebody may want to change it.
    pub fn note(&mut self, check: &'static str, what: impl Into<String>, means: &str, remedy: impl Into<String>) {
        self.add(check, true, what, Some((means, remedy.into())));
    }

    /// Something was not as it should be, and is now.
    pub fn mended(&mut self, check: &'static str, what: impl Into<String>) {
        self.ok(check, what);
        if let Some(last) = self.0.last_mut() {
            last.mended = true;
        }
    }

    /// Something that the stores say of each other, and what became of it.
    pub fn problem(&mut self, problem: &Problem, mended: Option<Result<String, String>>) {
        let check = "stores";
        match mended {
            Some(Ok(how)) => {
                self.mended(check, format!("{problem}: {how}"));
            }
            Some(Err(why)) if problem.is_harmless() => self.ok(check, format!("{problem}: {why}")),
            Some(Err(why)) => self.bad(check, format!("{problem}: {why}"), meaning(problem), remedy(problem)),
            None => self.bad(check, problem.to_string(), meaning(problem), remedy(problem)),
        }
    }

    /// Whether nothing is left to do.
    pub fn all_well(&self) -> bool {
        self.0.iter().all(|finding| finding.ok)
    }

    fn add(&mut self, check: &'static str, ok: bool, what: impl Into<String>, more: Option<(&str, String)>) {
        let (means, remedy) = more.map(|(means, remedy)| (means.to_owned(), remedy)).unzip();
        self.0.push(Finding { check, ok, mended: false, what: what.into(), means, remedy });
    }
}

impl std::fmt::Display for Findings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for finding in &self.0 {
            let word = match (finding.ok, finding.mended, &finding.remedy) {
                (_, true, _) => "MENDED  ",
                (false, ..) => "PROBLEM ",
                (true, _, Some(_)) => "note    ",
                (true, ..) => "ok      ",
            };
            writeln!(f, "{word} {}", finding.what)?;
            for (lead, said) in [("means", &finding.means), ("do", &finding.remedy)] {
                if let Some(said) = said {
                    writeln!(f, "         {lead}: {said}")?;
                }
            }
        }
        Ok(())
    }
}

fn meaning(problem: &Problem) -> &'static str {
    match problem {
        Problem::UnknownGeneration(_) => "it takes room, and nothing is found in it",
        Problem::UnusableGeneration(..) => "nothing can be found until its vectors have been made again",
        Problem::Orphans(..) => "they take room and places in a search, and are never shown",
        Problem::WithoutVectors(..) => "these passages are not found by their meaning",
        Problem::BadText(..) => "answers cannot quote this document, and decline instead",
        Problem::BadOriginal(..) => "a reindex cannot take this document in again; answers go on as before",
        Problem::AdapterWithoutFiles(_) => "the adapter cannot be promoted or loaded",
        Problem::UnnamedOriginal(_) | Problem::UnnamedText(_) | Problem::Foreign(_) => {
            "it takes room, and does no harm"
        }
    }
}

fn remedy(problem: &Problem) -> &'static str {
    match problem {
        Problem::BadOriginal(..) => "upload the document again, or restore a backup",
        Problem::AdapterWithoutFiles(_) => "add the adapter again with `footnote adapters add`",
        _ => "stop the service and run `footnote doctor --repair`; where that does not help, `footnote reindex`",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_told_with_what_it_means_and_what_to_do() {
        let mut findings = Findings::default();
        findings.ok("clock", "the clock is right");
        findings.bad("disk", "the disk is full", "uploads wait", "make room");
        findings.problem(&Problem::UnknownGeneration(4), Some(Ok("dropped".to_owned())));
        findings.problem(&Problem::UnknownGeneration(5), None);
        let text = findings.to_string();
        assert!(
            text.starts_with("ok       the clock is right\nPROBLEM  the disk is full\n         means: uploads wait\n")
        );
        assert!(text.contains("         do: make room\nMENDED   "), "{text}");
        assert!(text.contains("--repair"), "{text}");
        assert!(!findings.all_well());
        findings.0.retain(|finding| finding.ok);
        assert!(findings.all_well() && findings.0.len() == 2);
    }
}
