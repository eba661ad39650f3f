//! The filters, run by an interpreter: what they answer to which call.

use super::*;

/// What a filter answers to a call: the kernel's part, for these few instructions.
fn judge(program: &[libc::sock_filter], call: u32, arguments: [u64; 6]) -> u32 {
    let mut data = Vec::new();
    data.extend(call.to_le_bytes());
    data.extend(0xC000_003E_u32.to_le_bytes());
    data.extend(0_u64.to_le_bytes());
    data.extend(arguments.iter().flat_map(|argument| argument.to_le_bytes()));
    let (mut at, mut accumulator) = (0, 0);
    loop {
        let step = program[at];
        let k = step.k;
        let test = match u32::from(step.code) & !libc::BPF_K {
            code if code == libc::BPF_LD | libc::BPF_W | libc::BPF_ABS => {
                accumulator = u32::from_le_bytes(data[k as usize..][..4].try_into().unwrap());
                None
            }
            code if code == libc::BPF_ALU | libc::BPF_AND => {
                accumulator &= k;
                None
            }
            code if code == libc::BPF_RET => return k,
            code if code == libc::BPF_JMP | libc::BPF_JEQ => Some(accumulator == k),
            code => panic!("{code}"),
        };
        at += 1 + test.map_or(0, |holds| usize::from(if holds { step.jt } else { step.jf }));
    }
}

const MACHINE: u32 = 0xC000_003E;
const TRAP: u32 = libc::SECCOMP_RET_TRAP;
const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;

#[test]
fn what_is_not_allowed_is_trapped() {
    let rules = everybodys();
    let mut opening = openings();
    opening.extend(everybodys());
    let (opening, working) = (program(MACHINE, &opening), program(MACHINE, &rules));
    let mine = u64::from(std::process::id());
    for (call, arguments, [while_opening, afterwards]) in [
        (libc::SYS_read, [0; 6], [ALLOW; 2]),
        (libc::SYS_openat, [0; 6], [TRAP; 2]),
        (libc::SYS_newfstatat, [0, 0, 0, 0x1000, 0, 0], [TRAP; 2]),
        (libc::SYS_socket, [0; 6], [TRAP; 2]),
        (libc::SYS_sendto, [3, 0, 0, 0x4000, 0, 0], [ALLOW; 2]),
        (libc::SYS_sendto, [3, 0, 0, 0x4001, 0, 0], [TRAP; 2]),
        (libc::SYS_recvfrom, [3, 0, 0, 2, 0, 0], [TRAP; 2]),
        (libc::SYS_mmap, [0, 0, 3, 0x22, 0, 0], [ALLOW; 2]),
        (libc::SYS_mmap, [0, 0, 5, 0x02, 4, 0], [ALLOW, TRAP]),
        (libc::SYS_mmap, [0, 0, 5, 0x22, 0, 0], [TRAP; 2]),
        (libc::SYS_mmap, [0, 0, 7, 0x02, 4, 0], [TRAP; 2]),
        (libc::SYS_mmap, [0, 0, 3, 0x20022, 0, 0], [TRAP | 435; 2]),
        (libc::SYS_mprotect, [0, 0, 4, 0, 0, 0], [TRAP; 2]),
        (libc::SYS_dup, [4, 0, 0, 0, 0, 0], [ALLOW, TRAP]),
        (libc::SYS_dup, [3, 0, 0, 0, 0, 0], [TRAP; 2]),
        (libc::SYS_madvise, [0, 0, 4, 0, 0, 0], [ALLOW; 2]),
        (libc::SYS_madvise, [0, 0, 100, 0, 0, 0], [TRAP; 2]),
        (libc::SYS_clock_gettime, [1, 0, 0, 0, 0, 0], [ALLOW; 2]),
        (libc::SYS_clock_gettime, [0xFFFF_FFF2, 0, 0, 0, 0, 0], [TRAP; 2]),
        (libc::SYS_tgkill, [mine, 1, 6, 0, 0, 0], [ALLOW; 2]),
        (libc::SYS_tgkill, [1, 1, 6, 0, 0, 0], [TRAP; 2]),
        (libc::SYS_rt_sigaction, [11, 0, 0, 0, 0, 0], [ALLOW; 2]),
        (libc::SYS_rt_sigaction, [31, 0, 0, 0, 0, 0], [libc::SECCOMP_RET_KILL_PROCESS; 2]),
        (libc::SYS_seccomp, [1, 0, 0, 0, 0, 0], [ALLOW, TRAP]),
        (libc::SYS_seccomp, [1, 8, 0, 0, 0, 0], [TRAP; 2]),
        (libc::SYS_prctl, [4, 1, 0, 0, 0, 0], [TRAP; 2]),
        // The numbers of the other calling convention of these machines.
        (0x4000_0000, [0; 6], [TRAP; 2]),
    ] {
        let answers = [&opening, &working].map(|program| judge(program, u32::try_from(call).unwrap(), arguments));
        assert_eq!(answers, [while_opening, afterwards], "{call} {arguments:?}");
    }
    // Another machine's calls have other numbers.
    assert_eq!(judge(&program(1, &rules), 0, [0; 6]), libc::SECCOMP_RET_KILL_PROCESS);
}
