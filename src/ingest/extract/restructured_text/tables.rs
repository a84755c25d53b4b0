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
    let lines = placed(&lines[..length]);
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
            let mut text = words(segment(column));
            if into != column
                && let Some(c) = line.get(cuts[column]).filter(|c| **c != FILLER)
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

/// The characters of lines, each in its place: one that is drawn twice as wide as others takes two.
fn placed(lines: &[&str]) -> Vec<Vec<char>> {
    let wide =
        |line: &&str| line.chars().flat_map(|c| [Some(c), is_wide(c).then_some(FILLER)]).flatten().collect::<Vec<_>>();
    let placed: Vec<Vec<char>> = lines.iter().map(wide).collect();
    // Some are drawn with one place for every character.
    let is_even = placed.iter().all(|line| line.len() == placed[0].len());
    if is_even { placed } else { lines.iter().map(|line| line.chars().collect()).collect() }
}

/// The second place of a wide character.
const FILLER: char = '\0';

fn words(places: &[char]) -> String {
    places.iter().filter(|c| **c != FILLER).collect()
}

/// Characters of East Asia, and pictures, that take two places.
fn is_wide(c: char) -> bool {
    matches!(c,
        '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{303e}' | '\u{3041}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1f64f}' | '\u{1f900}'..='\u{1f9ff}' | '\u{20000}'..='\u{3fffd}')
}

/// `====  ====`: the places of the columns, from and to; the last one is open to the right.
fn simple_columns(line: &str) -> Option<Vec<(usize, usize)>> {
    if !line.starts_with('=') || !line.bytes().all(|b| b == b'=' || b == b' ') || !line.contains(' ') {
        return None;
    }
    let mut columns: Vec<(usize, usize)> = Vec::new();
    for (at, _) in line.bytes().enumerate().filter(|(_, byte)| *byte == b'=') {
        match columns.last_mut().filter(|(_, end)| *end == at) {
            Some((_, end)) => *end = at + 1,
            None => columns.push((at, at + 1)),
        }
    }
    (2..=MAX_COLUMNS).contains(&columns.len()).then_some(columns)
}

/// The cells of a line of a simple table. Words that stand between two columns as well are of a cell that spans both.
fn simple_cells(line: &str, columns: &[(usize, usize)]) -> Vec<String> {
    let places = placed(&[line]).pop().unwrap_or_default();
    let mut cells = vec![String::new(); columns.len()];
    let mut column = 0;
    while let Some((start, _)) = columns.get(column) {
        let mut last = column;
        while let Some([(_, end), (next, _)]) = columns.get(last..last + 2)
            && places.get(*end..(*next).min(places.len())).is_some_and(|gap| gap.iter().any(|c| !c.is_whitespace()))
        {
            last += 1;
        }
        let end = columns.get(last + 1).map_or(places.len(), |(next, _)| (*next).min(places.len()));
        cells[column] = words(places.get(*start..end).unwrap_or_default());
        column = last + 1;
    }
    cells
}

fn simple(lines: &[&str]) -> Option<(Vec<Vec<String>>, usize, usize)> {
    let columns = simple_columns(lines[0])?;
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
        let cells = simple_cells(line, &columns);
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
