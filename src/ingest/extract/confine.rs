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
        // What is sent to one of its own threads, as `abort` does, is another call: see `confine`.
        libc::SYS_kill,
        libc::SYS_tkill,
        libc::SYS_rt_sigqueueinfo,
        libc::SYS_rt_tgsigqueueinfo,
        libc::SYS_pidfd_send_signal,
        libc::SYS_process_madvise,
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
        libc::SYS_lsetxattr,
        libc::SYS_fsetxattr,
        libc::SYS_removexattr,
        libc::SYS_lremovexattr,
        libc::SYS_fremovexattr,
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
        #[cfg(target_arch = "x86_64")]
        libc::SYS_lchown,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_mknod,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_fchmodat2,
    ];
    /// The same calls have another number each in the x32 ABI, which some kernels of x86-64 serve beside their own.
    #[cfg(target_arch = "x86_64")]
    const X32: i64 = 0x4000_0000;
    /// Those whose numbers are of their own there (`arch/x86/entry/syscalls/syscall_64.tbl`): `execve`, `rt_sigqueueinfo`,
    /// `ptrace`, `rt_tgsigqueueinfo`, `process_vm_readv`, `process_vm_writev` and `execveat`.
    #[cfg(target_arch = "x86_64")]
    const REFUSED_OF_X32: &[i64] = &[520, 524, 521, 536, 539, 540, 545];

    pub(in super::super) fn confine() -> Result<bool, String> {
        let text = |error: seccompiler::BackendError| error.to_string();
        let rules = rules(std::process::id()).map_err(text)?;
        let refusal = SeccompAction::Errno(libc::ENOSYS as u32);
        let arch = std::env::consts::ARCH.try_into().map_err(text)?;
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, refusal, arch).map_err(text)?;
        let program: BpfProgram = filter.try_into().map_err(text)?;
        seccompiler::apply_filter_all_threads(&program).map_err(|error| error.to_string())?;
        Ok(true)
    }

    /// What is refused of the process `own`.
    fn rules(own: u32) -> Result<BTreeMap<i64, Vec<SeccompRule>>, seccompiler::BackendError> {
        use SeccompCmpArgLen::{Dword, Qword};
        let other_than = |pid: u64| SeccompCondition::new(0, Dword, SeccompCmpOp::Ne, pid);
        let mut rules: BTreeMap<i64, Vec<SeccompRule>> = REFUSED.iter().map(|call| (*call, Vec::new())).collect();
        rules.insert(libc::SYS_openat, for_writing(2)?);
        #[cfg(target_arch = "x86_64")]
        rules.insert(libc::SYS_open, for_writing(1)?);
        // A process that is no thread of this one.
        rules.insert(libc::SYS_clone, vec![masked(0, Qword, libc::CLONE_THREAD as u64, 0)?]);
        // A signal to another process, and its limits; 0 is this one.
        rules.insert(libc::SYS_tgkill, vec![SeccompRule::new(vec![other_than(own.into())?])?]);
        let limits = vec![other_than(0)?, other_than(own.into())?];
        rules.insert(libc::SYS_prlimit64, vec![SeccompRule::new(limits)?]);
        #[cfg(target_arch = "x86_64")]
        {
            let of_x32: Vec<_> = rules.iter().map(|(call, rules)| (call | X32, rules.clone())).collect();
            rules.extend(of_x32);
            rules.extend(REFUSED_OF_X32.iter().map(|call| (call | X32, Vec::new())));
        }
        Ok(rules)
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

    #[cfg(all(test, target_arch = "x86_64"))]
    mod tests {
        #![allow(clippy::unwrap_used)]

        use super::*;

        #[test]
        fn a_call_that_is_refused_is_refused_in_all_of_its_forms() {
            let rules = rules(1).unwrap();
            for (refused, forms) in [
                (libc::SYS_mknodat, &[libc::SYS_mknod][..]),
                (libc::SYS_unlinkat, &[libc::SYS_unlink, libc::SYS_rmdir]),
                (libc::SYS_renameat2, &[libc::SYS_renameat, libc::SYS_rename]),
                (libc::SYS_fchmodat, &[libc::SYS_chmod, libc::SYS_fchmod, libc::SYS_fchmodat2]),
                (libc::SYS_fchownat, &[libc::SYS_chown, libc::SYS_fchown, libc::SYS_lchown]),
                (libc::SYS_setxattr, &[libc::SYS_lsetxattr, libc::SYS_fsetxattr]),
                (libc::SYS_removexattr, &[libc::SYS_lremovexattr, libc::SYS_fremovexattr]),
                (libc::SYS_execveat, &[libc::SYS_execve, 520 | X32, 545 | X32]),
                (libc::SYS_kill, &[libc::SYS_tkill, libc::SYS_rt_sigqueueinfo, libc::SYS_pidfd_send_signal]),
            ] {
                for form in forms.iter().chain([&refused, &(refused | X32)]) {
                    assert_eq!(rules.get(form), Some(&Vec::new()), "{form} beside {refused}");
                }
            }
            for some in [libc::SYS_openat, libc::SYS_clone, libc::SYS_tgkill, libc::SYS_prlimit64] {
                assert!(rules[&some] == rules[&(some | X32)] && !rules[&some].is_empty(), "{some}");
            }
        }
    }
}
