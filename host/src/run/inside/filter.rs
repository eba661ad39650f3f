//! Which system calls a worker may make: two filters, one before the library is opened and a stricter one afterwards. They are programs for
//! the kernel (seccomp), written here because they decide by what no library for filters knows: from where in the process a call comes.
//!
//! While a library is opened, the system's loader has to open and map it; the library's constructors run at the same time and may do neither.
//! What tells them apart is the address of the instruction. A library could jump into the loader's code, and then finds that Landlock lets
//! it open no file: the filter is one of two fences there, and the second filter takes this way away.
//!
//! A call that isn't in the list ends the process: its number goes to the host, so that a vendor reads which one it was, and then the
//! kernel kills. Without Landlock's and the filter's say nothing of the call has happened at that point.

// System calls and signal handlers, for which there is no safe form.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;

use super::super::Level;
use super::super::frames::Tag;
use super::descriptors::{self, CHANNEL};

/// The filter for the time while the library is opened. Everything before it needs more.
pub(super) fn before_opening() -> Result<(), String> {
    report_what_is_forbidden();
    let mut rules = loaders();
    rules.extend(everybodys());
    // For the second filter. One that a constructor puts on would only be stricter.
    rules.push(Rule::allow(libc::SYS_seccomp).when(0, ALL, libc::SECCOMP_SET_MODE_FILTER));
    install(&rules)
}

/// The filter for the library's verbs.
pub(super) fn once_open(level: Level) -> Result<(), String> {
    if level.has_filter() { install(&everybodys()) } else { Ok(()) }
}

/// What an allocator, a clock, a hash map, a panic, a lock and printing need, in Rust and in C.
fn everybodys() -> Vec<Rule> {
    let plain = [
        libc::SYS_read,
        libc::SYS_readv,
        libc::SYS_write,
        libc::SYS_writev,
        libc::SYS_recvfrom,
        libc::SYS_sendto,
        libc::SYS_close,
        libc::SYS_fstat,
        libc::SYS_ppoll,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_brk,
        libc::SYS_madvise,
        libc::SYS_futex,
        libc::SYS_getrandom,
        libc::SYS_clock_gettime,
        libc::SYS_clock_getres,
        libc::SYS_clock_nanosleep,
        libc::SYS_nanosleep,
        libc::SYS_gettimeofday,
        libc::SYS_restart_syscall,
        libc::SYS_sched_yield,
        libc::SYS_sched_getaffinity,
        libc::SYS_sigaltstack,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_getppid,
        libc::SYS_getuid,
        libc::SYS_geteuid,
        libc::SYS_getgid,
        libc::SYS_getegid,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ];
    let mut rules: Vec<Rule> = plain.into_iter().map(Rule::allow).collect();
    #[cfg(target_arch = "x86_64")]
    rules.extend([libc::SYS_poll, libc::SYS_time].map(Rule::allow));
    let executable = libc::PROT_EXEC.cast_unsigned();
    rules.extend([
        // The stack of a thread: by the time when the C library starts one, it has blocked the signal that would report it.
        Rule { answer: trap_as(libc::SYS_clone3), ..Rule::allow(libc::SYS_mmap).when(3, MAP_STACK, MAP_STACK) },
        // Code comes from the library and from nowhere else.
        Rule::allow(libc::SYS_mmap).when(2, executable, 0),
        Rule::allow(libc::SYS_mprotect).when(2, executable, 0),
        // Rust's debug builds ask whether a descriptor is open before they close it.
        Rule::allow(libc::SYS_fcntl).when(1, ALL, libc::F_GETFD.cast_unsigned()),
        // A signal to itself: how a process aborts.
        Rule::allow(libc::SYS_tgkill).when(0, ALL, std::process::id()),
        // The handler that reports stays. To touch it is how the handler ends the process, too.
        Rule { answer: libc::SECCOMP_RET_KILL_PROCESS, ..Rule::allow(libc::SYS_rt_sigaction).when(0, ALL, SIGSYS) },
        Rule::allow(libc::SYS_rt_sigaction),
        // C's printing asks what it prints to, and goes on if nobody says.
        Rule::refuse(libc::SYS_newfstatat, libc::EACCES).when(3, AT_EMPTY_PATH, AT_EMPTY_PATH),
        Rule::refuse(libc::SYS_ioctl, libc::ENOTTY),
    ]);
    rules
}

/// What the system's loader needs besides, and only where the call comes from the loader's own code.
fn loaders() -> Vec<Rule> {
    let reading = (libc::O_RDONLY | libc::O_CLOEXEC).cast_unsigned();
    let rules = [
        Rule::allow(libc::SYS_openat).when(2, ALL, reading),
        Rule::allow(libc::SYS_newfstatat).when(3, AT_EMPTY_PATH, AT_EMPTY_PATH),
        Rule::allow(libc::SYS_pread64),
        Rule::allow(libc::SYS_mmap),
        Rule::allow(libc::SYS_mprotect),
    ];
    let code = loaders_code().into_iter().flat_map(|(first, end)| pieces(first, end));
    code.flat_map(|code| rules.map(|rule| Rule { from: Some(code), ..rule })).collect()
}

const ALL: u32 = u32::MAX;
const SIGSYS: u32 = libc::SIGSYS.cast_unsigned();
const MAP_STACK: u32 = libc::MAP_STACK.cast_unsigned();
const AT_EMPTY_PATH: u32 = libc::AT_EMPTY_PATH.cast_unsigned();

/// A trap that is reported as another call, of which this one is the beginning.
fn trap_as(call: libc::c_long) -> u32 {
    libc::SECCOMP_RET_TRAP | u32::try_from(call).unwrap_or_default() & libc::SECCOMP_RET_DATA
}

/// What is answered to a call.
#[derive(Debug, Clone, Copy)]
struct Rule {
    call: u32,
    /// The low word of an argument, under a mask, has this value.
    when: Option<(u8, u32, u32)>,
    /// The instruction is in this range.
    from: Option<Code>,
    answer: u32,
}

impl Rule {
    fn allow(call: libc::c_long) -> Rule {
        // Numbers of system calls are small.
        let call = u32::try_from(call).unwrap_or(u32::MAX);
        Rule { call, when: None, from: None, answer: libc::SECCOMP_RET_ALLOW }
    }

    fn refuse(call: libc::c_long, error: libc::c_int) -> Rule {
        Rule { answer: libc::SECCOMP_RET_ERRNO | error.cast_unsigned(), ..Rule::allow(call) }
    }

    fn when(self, argument: u8, mask: u32, value: u32) -> Rule {
        Rule { when: Some((argument, mask, value)), ..self }
    }
}

/// A range of addresses that share their high word: a filter compares words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Code {
    high: u32,
    first: u32,
    last: u32,
}

/// The pieces of a range. It is mapped anywhere, so once in many thousand times it lies across the end of a high word.
fn pieces(first: u64, end: u64) -> Vec<Code> {
    let last = end.saturating_sub(1).max(first);
    let words = |address: u64| ((address >> 32) as u32, address as u32);
    let ((high, first), (last_high, last)) = (words(first), words(last));
    if high == last_high {
        vec![Code { high, first, last }]
    } else {
        vec![Code { high, first, last: u32::MAX }, Code { high: last_high, first: 0, last }]
    }
}

/// Where the system's loader has its code; nothing if it can't be told, and then the loader may not do anything that others may not.
fn loaders_code() -> Option<(u64, u64)> {
    /// Notes the executable part of the object at `base`.
    unsafe extern "C" fn note(
        object: *mut libc::dl_phdr_info,
        _: libc::size_t,
        found: *mut libc::c_void,
    ) -> libc::c_int {
        // SAFETY: both pointers are `dl_iterate_phdr`'s and the caller's, for this call.
        let (object, found) = unsafe { (&*object, &mut *found.cast::<(u64, Option<(u64, u64)>)>()) };
        if object.dlpi_addr != found.0 || object.dlpi_phdr.is_null() {
            return 0;
        }
        // SAFETY: the loader says that there are so many.
        let parts = unsafe { std::slice::from_raw_parts(object.dlpi_phdr, object.dlpi_phnum.into()) };
        let code = parts.iter().find(|part| part.p_type == libc::PT_LOAD && part.p_flags & libc::PF_X != 0);
        found.1 = code.map(|part| (object.dlpi_addr + part.p_vaddr, object.dlpi_addr + part.p_vaddr + part.p_memsz));
        1
    }
    // SAFETY: it takes a number.
    let base = unsafe { libc::getauxval(libc::AT_BASE) };
    let mut found: (u64, Option<(u64, u64)>) = (base, None);
    // SAFETY: `note` gets the pointer to `found` back, while it is here.
    unsafe { libc::dl_iterate_phdr(Some(note), (&raw mut found).cast()) };
    found.1.filter(|_| base != 0)
}

/// The machine's name for its system calls, as a filter is told.
const MACHINE: Option<u32> = match () {
    () if cfg!(target_arch = "x86_64") => Some(0xC000_003E),
    () if cfg!(target_arch = "aarch64") => Some(0xC000_00B7),
    () if cfg!(target_arch = "riscv64") => Some(0xC000_00F3),
    () => None,
};

// Where what a filter decides by stands (`struct seccomp_data`), the low word of a number first, as on all of these machines.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const INSTRUCTION: u32 = 8;
const ARGUMENTS: u32 = 16;

/// The program for a list of rules: the first one that fits answers. Anything else is reported and killed.
fn program(machine: u32, rules: &[Rule]) -> Vec<libc::sock_filter> {
    let mut program =
        vec![load(ARCHITECTURE), jump(libc::BPF_JEQ, machine, 1, 0), answer(libc::SECCOMP_RET_KILL_PROCESS)];
    for rule in rules {
        let mut tests = vec![(load(NUMBER), None), (jump(libc::BPF_JEQ, rule.call, 0, 0), Some(Fails::IfNot))];
        if let Some((argument, mask, value)) = rule.when {
            tests.push((load(ARGUMENTS + 8 * u32::from(argument)), None));
            tests.push((statement(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, mask), None));
            tests.push((jump(libc::BPF_JEQ, value, 0, 0), Some(Fails::IfNot)));
        }
        if let Some(Code { high, first, last }) = rule.from {
            tests.push((load(INSTRUCTION + 4), None));
            tests.push((jump(libc::BPF_JEQ, high, 0, 0), Some(Fails::IfNot)));
            tests.push((load(INSTRUCTION), None));
            tests.push((jump(libc::BPF_JGE, first, 0, 0), Some(Fails::IfNot)));
            tests.push((jump(libc::BPF_JGT, last, 0, 0), Some(Fails::If)));
        }
        let length = tests.len();
        for (place, (mut step, fails)) in tests.into_iter().enumerate() {
            // Over the other tests and the answer. There are never more than a dozen.
            let over = u8::try_from(length - place).unwrap_or_default();
            match fails {
                Some(Fails::IfNot) => step.jf = over,
                Some(Fails::If) => step.jt = over,
                None => {}
            }
            program.push(step);
        }
        program.push(answer(rule.answer));
    }
    program.push(answer(libc::SECCOMP_RET_TRAP));
    program
}

enum Fails {
    If,
    IfNot,
}

fn statement(code: u32, k: u32) -> libc::sock_filter {
    // Codes have sixteen bits.
    libc::sock_filter { code: code as u16, jt: 0, jf: 0, k }
}

fn load(offset: u32) -> libc::sock_filter {
    statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, offset)
}

fn answer(what: u32) -> libc::sock_filter {
    statement(libc::BPF_RET | libc::BPF_K, what)
}

fn jump(test: u32, k: u32, jt: u8, jf: u8) -> libc::sock_filter {
    libc::sock_filter { jt, jf, ..statement(libc::BPF_JMP | test | libc::BPF_K, k) }
}

/// Puts a filter on this thread, which is the only one.
fn install(rules: &[Rule]) -> Result<(), String> {
    let machine = MACHINE.ok_or("carto has no filter of system calls for this kind of machine (seccomp)")?;
    let mut steps = program(machine, rules);
    // The kernel takes 4,096.
    let len = u16::try_from(steps.len()).map_err(|_| "its filter is too long (seccomp)")?;
    let program = libc::sock_fprog { len, filter: steps.as_mut_ptr() };
    // SAFETY: the program is here until the call is over, and the kernel checks it.
    let done = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const program) };
    if done == 0 {
        Ok(())
    } else {
        Err(format!("this kernel takes no filter of system calls (seccomp): {}", std::io::Error::last_os_error()))
    }
}

/// From now on a call that isn't allowed is told to the host before it ends this process.
fn report_what_is_forbidden() {
    /// The beginning of `siginfo_t` for SIGSYS, as `sigaction(2)` has it.
    #[repr(C)]
    struct Trapped {
        signal: libc::c_int,
        /// What the filter says besides.
        data: libc::c_int,
        code: [libc::c_int; 2],
        address: *const libc::c_void,
        call: libc::c_int,
    }
    unsafe extern "C" fn report(_: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
        // SAFETY: the kernel hands over what it says of this signal, which is longer than what is read of it here.
        let trapped = unsafe { &*info.cast::<Trapped>() };
        let call = if trapped.data == 0 { trapped.call } else { trapped.data };
        let mut frame = [0; 13];
        frame[0] = Tag::Forbidden as u8;
        frame[5] = 4;
        frame[9..].copy_from_slice(&call.to_le_bytes());
        // SAFETY: the frame is here. If the channel isn't, the host sees how this process ended.
        unsafe { libc::write(CHANNEL, frame.as_ptr().cast(), frame.len()) };
        // SAFETY: to touch this handler is what the filter answers with the end of the process, which no handler and no mask holds up.
        unsafe { libc::syscall(libc::SYS_rt_sigaction, libc::SIGSYS, 0, 0, 8) };
        descriptors::end();
    }
    // SAFETY: zeros are a `sigaction` that says nothing.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = report as *const () as usize;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    // SAFETY: the handler only makes system calls.
    unsafe { libc::sigaction(libc::SIGSYS, &raw const action, std::ptr::null_mut()) };
    // Whoever started carto may have blocked it.
    // SAFETY: zeros are a set of no signals.
    let mut only: libc::sigset_t = unsafe { MaybeUninit::zeroed().assume_init() };
    // SAFETY: both are here, and the mask is this thread's own.
    unsafe {
        libc::sigaddset(&raw mut only, libc::SIGSYS);
        libc::sigprocmask(libc::SIG_UNBLOCK, &raw const only, std::ptr::null_mut());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a filter answers to a call: the kernel's part, for these few instructions.
    fn judge(program: &[libc::sock_filter], call: u32, from: u64, arguments: [u64; 6]) -> u32 {
        let mut data = Vec::new();
        data.extend(call.to_le_bytes());
        data.extend(0xC000_003E_u32.to_le_bytes());
        data.extend(from.to_le_bytes());
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
                code if code == libc::BPF_JMP | libc::BPF_JGE => Some(accumulator >= k),
                code if code == libc::BPF_JMP | libc::BPF_JGT => Some(accumulator > k),
                code => panic!("{code}"),
            };
            at += 1 + test.map_or(0, |holds| usize::from(if holds { step.jt } else { step.jf }));
        }
    }

    #[test]
    fn what_is_not_allowed_is_trapped() {
        const TRAP: u32 = libc::SECCOMP_RET_TRAP;
        const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
        let number = |call: libc::c_long| u32::try_from(call).unwrap();
        let rules = everybodys();
        let working = program(0xC000_003E, &rules);
        let mine = u64::from(std::process::id());
        for (call, arguments, expected) in [
            (libc::SYS_read, [0; 6], ALLOW),
            (libc::SYS_openat, [0; 6], TRAP),
            (libc::SYS_socket, [0; 6], TRAP),
            (libc::SYS_mmap, [0, 0, 3, 0, 0, 0], ALLOW),
            (libc::SYS_mmap, [0, 0, 5, 0, 0, 0], TRAP),
            (libc::SYS_mmap, [0, 0, 3, 0x20022, 0, 0], TRAP | 435),
            (libc::SYS_mprotect, [0, 0, 4, 0, 0, 0], TRAP),
            (libc::SYS_tgkill, [mine, 1, 6, 0, 0, 0], ALLOW),
            (libc::SYS_tgkill, [1, 1, 6, 0, 0, 0], TRAP),
            (libc::SYS_rt_sigaction, [11, 0, 0, 0, 0, 0], ALLOW),
            (libc::SYS_rt_sigaction, [31, 0, 0, 0, 0, 0], libc::SECCOMP_RET_KILL_PROCESS),
            (libc::SYS_newfstatat, [0, 0, 0, 0x1000, 0, 0], libc::SECCOMP_RET_ERRNO | 13),
            (libc::SYS_newfstatat, [0; 6], TRAP),
            (libc::SYS_seccomp, [1, 0, 0, 0, 0, 0], TRAP),
            (libc::SYS_prctl, [4, 1, 0, 0, 0, 0], TRAP),
        ] {
            assert_eq!(judge(&working, number(call), 0, arguments), expected, "{call} {arguments:?}");
        }
        // The numbers of the other calling convention of these machines.
        assert_eq!(judge(&working, 0x4000_0000, 0, [0; 6]), TRAP);
        // Another machine's calls have other numbers.
        assert_eq!(judge(&program(1, &rules), 0, 0, [0; 6]), libc::SECCOMP_RET_KILL_PROCESS);
    }

    #[test]
    fn the_loader_is_known_by_where_it_is() {
        let (first, end) = loaders_code().unwrap();
        assert!(first < end && end - first < 1 << 24, "{first:x} {end:x}");
        for (first, end) in [(first, end), (0x7f00_ffff_f000, 0x7f01_0000_2000), (0x7f00_0000_0000, 0x7f00_0000_0001)] {
            let rules: Vec<Rule> =
                pieces(first, end).into_iter().map(|code| Rule { from: Some(code), ..Rule::allow(5) }).collect();
            let program = program(0xC000_003E, &rules);
            let answer = |from| judge(&program, 5, from, [0; 6]) == libc::SECCOMP_RET_ALLOW;
            let expected =
                [(first, true), (end - 1, true), (first - 1, false), (end, false), (first + (1 << 32), false)];
            for (from, is_allowed) in expected {
                assert_eq!(answer(from), is_allowed, "{from:x} in {first:x}..{end:x}");
            }
        }
    }
}
