//! What the operating system says about this process, where it says it in files.
//!
//! Depends on nothing. On other systems than Linux nothing is told.

/// The memory that this process holds, in bytes; not that of the processes that parse files.
pub(super) fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    kilobytes(&status, "VmRSS:")?.checked_mul(1_024)
}

/// The files, connections and pipes that it holds open.
pub(super) fn open_files() -> Option<u64> {
    // The directory itself is open while it is read.
    Some(std::fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1) as u64)
}

fn kilobytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resident_memory_is_read_from_its_line() {
        assert_eq!(kilobytes("Name:\tfootnote\nVmRSS:\t   2048 kB\n", "VmRSS:"), Some(2_048));
        assert_eq!(kilobytes("VmRSSAnon:\t1 kB\n", "VmRSS:"), None);
        if cfg!(target_os = "linux") {
            assert!(resident_bytes().is_some_and(|bytes| bytes > 0) && open_files().is_some_and(|files| files > 0));
        }
    }
}
