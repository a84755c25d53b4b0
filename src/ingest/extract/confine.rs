//! What a parser's process may not ask of the system, where the platform can be told: with seccomp on Linux.
//!
//! A parser that a file has taken over would otherwise act with all that this program may do. From the filter on the
//! process can still read files, use memory and start threads, and exit; it cannot reach a network, start a program,
//! write, rename or remove a file, or look into another process. What is refused is answered as if the system had no such
//! call, on which the C library goes back to older ways where there are any (threads need that). May depend on
//! seccompiler only.

/// Confines this process and all of its threads, for good. `Ok(false)` where the platform has no means.
#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
pub(super) fn confine() -> Result<bool, String> {
    Ok(false)
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(super) use linux::confine;

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod linux {
    use std::collections::BTreeMap;

    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    };

    /// Calls that no parser needs, whatever their arguments.
    const REFUSED: &[i64] = &[
        // The network, also by a ring that makes calls for its process.
        libc::SYS_socket,
        libc::SYS_socketpair,
        libc::SYS_connect,
        libc::SYS_bind,
        libc::SYS_listen,
        libc::SYS_accept,
        libc::SYS_accept4,
        libc::SYS_io_uring_setup,
        // Other programs and processes. `clone3` hides what it is asked for; threads are made by `clone` then.
        libc::SYS_execve,
        libc::SYS_execveat,
        libc::SYS_clone3,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_pidfd_open,
        libc::SYS_kill,
        libc::SYS_tkill,
        // Files and their owners.
        libc::SYS_openat2,
        libc::SYS_unlinkat,
        libc::SYS_renameat2,
        libc::SYS_mkdirat,
        libc::SYS_linkat,
        libc::SYS_symlinkat,
        libc::SYS_mknodat,
        libc::SYS_fchmod,
        libc::SYS_fchmodat,
        libc::SYS_fchown,
        libc::SYS_fchownat,
        libc::SYS_truncate,
        libc::SYS_setxattr,
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_chroot,
        libc::SYS_pivot_root,
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_bpf,
        libc::SYS_keyctl,
        libc::SYS_add_key,
        libc::SYS_request_key,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_fork,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_vfork,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_creat,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_unlink,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_rename,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_renameat,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_mkdir,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_rmdir,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_link,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_symlink,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_chmod,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_chown,
    ];

    pub(in super::super) fn confine() -> Result<bool, String> {
        let text = |error: seccompiler::BackendError| error.to_string();
        let mut rules: BTreeMap<i64, Vec<SeccompRule>> = REFUSED.iter().map(|call| (*call, Vec::new())).collect();
        rules.insert(libc::SYS_openat, for_writing(2).map_err(text)?);
        #[cfg(target_arch = "x86_64")]
        rules.insert(libc::SYS_open, for_writing(1).map_err(text)?);
        // A process that is no thread of this one.
        let thread = libc::CLONE_THREAD as u64;
        rules.insert(libc::SYS_clone, vec![masked(0, SeccompCmpArgLen::Qword, thread, 0).map_err(text)?]);
        let refusal = SeccompAction::Errno(libc::ENOSYS as u32);
        let arch = std::env::consts::ARCH.try_into().map_err(text)?;
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, refusal, arch).map_err(text)?;
        let program: BpfProgram = filter.try_into().map_err(text)?;
        seccompiler::apply_filter_all_threads(&program).map_err(|error| error.to_string())?;
        Ok(true)
    }

    /// Opening a file to write to it, to make it or to cut it; the flags are the argument `at`.
    fn for_writing(at: u8) -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
        [libc::O_WRONLY, libc::O_RDWR, libc::O_CREAT, libc::O_TRUNC]
            .into_iter()
            .map(|flag| masked(at, SeccompCmpArgLen::Dword, flag as u64, flag as u64))
            .collect()
    }

    fn masked(
        at: u8,
        length: SeccompCmpArgLen,
        mask: u64,
        value: u64,
    ) -> Result<SeccompRule, seccompiler::BackendError> {
        SeccompRule::new(vec![SeccompCondition::new(at, length, SeccompCmpOp::MaskedEq(mask), value)?])
    }
}
