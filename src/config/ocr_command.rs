//! The command line of a text recognition program: a program and its arguments, with places for two files.
//!
//! May depend on shlex only.

use std::{path::Path, str::FromStr};

/// A program that makes a PDF with words out of one that has only pictures, or out of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OcrCommand {
    program: String,
    arguments: Vec<String>,
}

/// Why a line is no such command.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidOcrCommand {
    /// It is empty, or a quotation mark in it is never closed.
    #[error("give a program and its arguments, with `{{input}}` and `{{output}}`, and close every quotation mark")]
    NoCommand,
    /// The arguments have no places for the files.
    #[error("both `{{input}}` and `{{output}}` must be among the arguments")]
    NoPlaces,
}

const INPUT: &str = "{input}";
const OUTPUT: &str = "{output}";

impl FromStr for OcrCommand {
    type Err = InvalidOcrCommand;

    /// Takes a line apart as a shell does it; no shell is involved.
    fn from_str(line: &str) -> Result<Self, InvalidOcrCommand> {
        let words = shlex::split(line).ok_or(InvalidOcrCommand::NoCommand)?;
        let (program, arguments) = words.split_first().ok_or(InvalidOcrCommand::NoCommand)?;
        let has = |place: &str| arguments.iter().any(|argument| argument.contains(place));
        if !has(INPUT) || !has(OUTPUT) {
            return Err(InvalidOcrCommand::NoPlaces);
        }
        Ok(Self { program: program.clone(), arguments: arguments.to_vec() })
    }
}

impl OcrCommand {
    /// The program, as it was written.
    pub fn program(&self) -> &str {
        &self.program
    }

    /// The arguments for a file that is read and one that is written.
    pub fn arguments(&self, input: &Path, output: &Path) -> Vec<String> {
        let [input, output] = [input, output].map(|path| path.display().to_string());
        self.arguments.iter().map(|argument| argument.replace(INPUT, &input).replace(OUTPUT, &output)).collect()
    }
}
