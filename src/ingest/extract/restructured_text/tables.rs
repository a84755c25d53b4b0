//! Tables that are drawn: grids, and simple ones with lines above and below.

/// The rows of the table that the lines begin with, how many of them are headers, and how many lines it has.
pub(super) fn table(lines: &[&str]) -> Option<(Vec<Vec<String>>, usize, usize)> {
    if is_border(lines[0]) { grid(lines) } else { simple(lines) }
}

/// `+---+===+`.
fn is_border(line: &str) -> bool {
    line.len() > 4 && line.starts_with("+") && line.ends_with('+') && line.bytes().all(|b| b"+-=".contains(&b))
}

/// The most columns and cells that are built: each line is looked at once for each column.
const MAX_COLUMNS: usize = 512;

fn grid(lines: &[&str]) -> Option<(Vec<Vec<String>>, usize, usize)> {
    let length = lines.iter().take_while(|line| line.starts_with(['+', '|'])).count();
    let lines: Vec<Vec<char>> = lines[..length].iter().map(|line| line.chars().collect()).collect();
    let borders = lines.iter().filter(|line| line.first() == Some(&'+'));
    let mut cuts: Vec<usize> =
        borders.flat_map(|line| line.iter().enumerate().filter(|(_, c)| **c == '+').map(|(at, _)| at)).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let columns = cuts.len().checked_sub(1).filter(|columns| (1..=MAX_COLUMNS).contains(columns))?;
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut row = vec![String::new(); columns];
    // Of each cell: whether it goes on with the one above.
    let mut continued = vec![false; columns];
    let mut headers = 0;
    for line in &lines {
        let segment = |column: usize| line.get(cuts[column] + 1..cuts[column + 1].min(line.len())).unwrap_or_default();
        let is_line = |column: usize| {
            let segment = segment(column);
            !segment.is_empty() && segment.iter().all(|c| matches!(c, '-' | '=' | '+'))
        };
        let bounded = |column: usize| line.get(cuts[column]).is_some_and(|c| matches!(c, '+' | '|'));
        let lined: Vec<bool> = (0..columns).map(is_line).collect();
        let cuts_here = (0..columns).any(|column| lined[column] && line.get(cuts[column]) == Some(&'+'));
        if cuts_here {
            let ended = std::mem::replace(&mut row, vec![String::new(); columns]);
            if ended.iter().any(|cell| !cell.trim().is_empty()) {
                let above = rows.last().cloned().unwrap_or_default();
                let filled = ended.into_iter().enumerate().map(|(column, cell)| {
                    let goes_on = continued[column] && cell.trim().is_empty();
                    if goes_on { above.get(column).cloned().unwrap_or_default() } else { cell }
                });
                rows.push(filled.collect());
            }
            continued = lined.iter().map(|lined| !lined).collect();
            if line.first() == Some(&'+') && line.contains(&'=') && headers == 0 {
                headers = rows.len();
            }
        }
        // A cell that spans several columns is the first of them.
        let mut into = 0;
        for column in 0..columns {
            if bounded(column) {
                into = column;
            }
            if lined[column] {
                continue;
            }
            let mut text: String = segment(column).iter().collect();
            if into != column
                && let Some(c) = line.get(cuts[column])
            {
                text.insert(0, *c);
            } else if !row[into].is_empty() {
                row[into].push('\n');
            }
            row[into].push_str(&text);
        }
    }
    (!rows.is_empty()).then_some((rows, headers, length))
}

/// `====  ====`: the places of the columns in characters; the last one is open to the right.
fn simple_columns(line: &str) -> Option<Vec<usize>> {
    if !line.starts_with('=') || !line.bytes().all(|b| b == b'=' || b == b' ') || !line.contains(' ') {
        return None;
    }
    let starts = line.char_indices().filter(|(at, c)| *c == '=' && (*at == 0 || line.as_bytes()[at - 1] == b' '));
    let starts: Vec<usize> = starts.map(|(at, _)| at).collect();
    (2..=MAX_COLUMNS).contains(&starts.len()).then_some(starts)
}

fn simple(lines: &[&str]) -> Option<(Vec<Vec<String>>, usize, usize)> {
    let starts = simple_columns(lines[0])?;
    let is_end = |line: &str| simple_columns(line).is_some();
    // A table ends with the border that a blank line follows.
    let last =
        (1..lines.len()).find(|at| is_end(lines[*at]) && lines.get(at + 1).is_none_or(|next| next.is_empty()))?;
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut headers = 0;
    let mut after_blank = false;
    for line in &lines[1..last] {
        if is_end(line) {
            headers = if headers == 0 { rows.len() } else { headers };
            continue;
        }
        // A line below a cell that spans columns.
        if line.is_empty() || line.bytes().all(|b| b == b'-' || b == b' ') {
            after_blank = true;
            continue;
        }
        let characters: Vec<char> = line.chars().collect();
        let cell = |column: usize| {
            let end = starts.get(column + 1).copied().unwrap_or(characters.len()).min(characters.len());
            characters.get(starts[column]..end).unwrap_or_default().iter().collect::<String>()
        };
        let cells: Vec<String> = (0..starts.len()).map(cell).collect();
        match rows.last_mut() {
            // A blank first column goes on with the row above.
            Some(above) if cells[0].trim().is_empty() && !after_blank => {
                for (above, cell) in above.iter_mut().zip(&cells).filter(|(_, cell)| !cell.trim().is_empty()) {
                    above.push('\n');
                    above.push_str(cell);
                }
            }
            _ => rows.push(cells),
        }
        after_blank = false;
    }
    (!rows.is_empty()).then_some((rows, headers, last + 1))
}
