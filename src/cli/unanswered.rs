//! `footnote unanswered`: what the owners of the documents should look at.

use super::{Exit, output};
use crate::{
    app::open_metadata,
    config::Config,
    domain::{Access, UnansweredId},
    unanswered::{self, UnansweredGroup},
};

/// List the questions that were not answered, or dismiss some of them (a rule has to record them)
#[derive(Debug, clap::Args)]
pub struct Unanswered {
    /// Only of this collection
    #[arg(long)]
    collection: Option<String>,
    /// Print the groups as JSON
    #[arg(long)]
    json: bool,
    /// Dismiss this question and those that ask the same
    #[arg(long, value_name = "ID", conflicts_with_all = ["collection", "json"])]
    dismiss: Option<UnansweredId>,
}

impl Unanswered {
    /// Lists or dismisses.
    pub async fn run(self, config: Config) -> anyhow::Result<Exit> {
        let metadata = open_metadata(&config).await?;
        if let Some(id) = self.dismiss {
            println!("dismissed: {}", unanswered::dismiss(&*metadata, id, &Access::everything()).await?);
            return Ok(Exit::Ok);
        }
        let found = unanswered::groups(&*metadata, self.collection, &Access::everything(), usize::MAX).await?;
        if self.json {
            output::print_json(&found)?;
            return Ok(Exit::Ok);
        }
        for group in &found.groups {
            print!("{}", render(group));
        }
        if found.older > 0 {
            println!("({} older questions are not shown)", found.older);
        }
        Ok(Exit::Ok)
    }
}

fn render(group: &UnansweredGroup) -> String {
    let times = if group.count == 1 { "once".to_owned() } else { format!("{} times", group.count) };
    let mut text =
        format!("{}  {}, asked {times}, last {}\n", group.id, group.collection, group.last_asked_at.date_naive());
    for example in &group.examples {
        text.push_str(&format!("   {}\n", output::one_line(&example.question)));
    }
    let names: Vec<&str> = group.nearest.iter().filter_map(|near| near.name.as_deref()).collect();
    if !names.is_empty() {
        text.push_str(&format!("   near: {}\n", names.join(", ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;
    use crate::{domain::DocumentId, unanswered::NearDocument};

    #[test]
    fn a_group_is_shown_with_what_came_near() {
        let near = |name: Option<&str>| NearDocument {
            document_id: DocumentId(Uuid::nil()),
            name: name.map(str::to_owned),
            questions: 1,
        };
        let group = UnansweredGroup {
            id: UnansweredId(Uuid::nil()),
            collection: "manual".to_owned(),
            count: 3,
            examples: vec![],
            first_asked_at: DateTime::UNIX_EPOCH,
            last_asked_at: DateTime::UNIX_EPOCH,
            nearest: vec![near(Some("a.md")), near(None)],
        };
        let text = render(&group);
        assert!(text.ends_with("  manual, asked 3 times, last 1970-01-01\n   near: a.md\n"), "{text}");
    }
}
