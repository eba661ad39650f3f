//! Which system calls a worker may make: two filters, one before the library is opened and a stricter one afterwards. They are programs for
//! the kernel (seccomp).
//!
//! The system's loader opens the library by a path, and a library's constructors run at the same time. So no call that takes a path is let
//! through: it is trapped, and the handler answers the two questions that the loader has, what is at the library's path (its descriptor)
//! and how large that is, and no other. No path of anybody's reaches the kernel.
//!
//! Any other call that isn't in the list ends the process: its number goes to the host, so that a vendor reads which one it was, and then
//! the kernel kills. A library that keeps the handler from running gains nothing, since the call hasn't been made.

// System calls and signal handlers, for which there is no safe form.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::Level;
use super::super::frames::Tag;
use super::descriptors::{self, CHANNEL, LIBRARY, LIBRARY_PATH};

/// The filter for the time while the library is opened. Everything before it needs more.
pub(super) fn before_opening() -> Result<(), String> {
    hear_what_is_trapped();
    let mut rules = openings();
    rules.extend(everybodys());
    install(&rules)
}

/// The filter for the library's verbs.
pub(super) fn once_open(level: Level) -> Result<(), String> {
    OPENING.store(false, Ordering::Relaxed);
    if level.has_filter() { install(&everybodys()) } else { Ok(()) }
}

/// Whether the loader may still ask for the library.
static OPENING: AtomicBool = AtomicBool::new(true);

/// What an allocator, a clock, a hash map, a panic, a lock and printing need, in Rust and in C.
fn everybodys() -> Vec<Rule> {
    let plain = [
        libc::SYS_read,
        libc::SYS_readv,
        libc::SYS_pread64,
        libc::SYS_write,
        libc::SYS_writev,
        libc::SYS_close,
        libc::SYS_fstat,
        libc::SYS_ppoll,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_brk,
        libc::SYS_futex,
        libc::SYS_getrandom,
        libc::SYS_nanosleep,
        libc::SYS_gettimeofday,
        libc::SYS_restart_syscall,
        libc::SYS_sched_yield,
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
    // The clocks of the system; others are those of processes, and tell which there are.
    let clocks = [libc::SYS_clock_gettime, libc::SYS_clock_getres, libc::SYS_clock_nanosleep];
    rules.extend(clocks.map(|call| Rule::allow(call).when(0, !0xF, 0)));
    // What an allocator advises. Other advice is for administrators.
    let advice = [libc::MADV_NORMAL, libc::MADV_WILLNEED, libc::MADV_DONTNEED, libc::MADV_FREE, libc::MADV_HUGEPAGE];
    rules.extend(advice.map(|advice| Rule::allow(libc::SYS_madvise).when(2, ALL, advice.cast_unsigned())));
    rules.extend([
        // The channel, as Rust's sockets use it, and nothing that sockets can do besides.
        Rule::allow(libc::SYS_sendto).when(3, !libc::MSG_NOSIGNAL.cast_unsigned(), 0),
        Rule::allow(libc::SYS_recvfrom).when(3, ALL, 0),
        // The stack of a thread: by the time when the C library starts one, it has blocked the signal that would report it.
        Rule::trap(libc::SYS_mmap, libc::SYS_clone3).when(3, MAP_STACK, MAP_STACK),
        // Code comes from the library and from nowhere else.
        Rule::allow(libc::SYS_mmap).when(2, EXECUTABLE, 0),
        Rule::allow(libc::SYS_mprotect).when(2, EXECUTABLE, 0),
        // Rust's debug builds ask whether a descriptor is open before they close it.
        Rule::allow(libc::SYS_fcntl).when(1, ALL, libc::F_GETFD.cast_unsigned()),
        // How many processors there are for this process.
        Rule::allow(libc::SYS_sched_getaffinity).when(0, ALL, 0),
        // A signal to itself: how a process aborts.
        Rule::allow(libc::SYS_tgkill).when(0, ALL, std::process::id()),
        // The handler stays. To touch it is how the handler ends the process, too.
        Rule { answer: libc::SECCOMP_RET_KILL_PROCESS, ..Rule::allow(libc::SYS_rt_sigaction).when(0, ALL, SIGSYS) },
        Rule::allow(libc::SYS_rt_sigaction),
        // C's printing asks what it prints to, and goes on if nobody says.
        Rule::refuse(libc::SYS_ioctl, libc::ENOTTY),
    ]);
    rules
}

/// What it takes besides to open the library.
fn openings() -> Vec<Rule> {
    let (code, from_no_file) =
        ((libc::PROT_READ | libc::PROT_EXEC).cast_unsigned(), libc::MAP_ANONYMOUS.cast_unsigned());
    vec![
        // Its code: never to be written, and from a file, of which there is one.
        Rule::allow(libc::SYS_mmap).when(2, ALL, code).when(3, from_no_file, 0),
        // For the handler, which answers with another descriptor of the library.
        Rule::allow(libc::SYS_dup).when(0, ALL, LIBRARY.cast_unsigned()),
        // For the second filter. One that a constructor puts on would only be stricter.
        Rule::allow(libc::SYS_seccomp).when(0, ALL, libc::SECCOMP_SET_MODE_FILTER).when(1, ALL, 0),
    ]
}

const ALL: u32 = u32::MAX;
const SIGSYS: u32 = libc::SIGSYS.cast_unsigned();
const MAP_STACK: u32 = libc::MAP_STACK.cast_unsigned();
const EXECUTABLE: u32 = libc::PROT_EXEC.cast_unsigned();

/// What is answered to a call.
#[derive(Debug, Clone, Copy)]
struct Rule {
    call: u32,
    /// The low words of arguments, under a mask, have these values.
    when: [Option<(u8, u32, u32)>; 2],
    answer: u32,
}

impl Rule {
    fn allow(call: libc::c_long) -> Rule {
        // Numbers of system calls are small.
        let call = u32::try_from(call).unwrap_or(u32::MAX);
        Rule { call, when: [None; 2], answer: libc::SECCOMP_RET_ALLOW }
    }

    fn refuse(call: libc::c_long, error: libc::c_int) -> Rule {
        Rule { answer: libc::SECCOMP_RET_ERRNO | error.cast_unsigned(), ..Rule::allow(call) }
    }

    /// A trap that is reported as another call, of which this one is the beginning.
    fn trap(call: libc::c_long, reported: libc::c_long) -> Rule {
        let reported = u32::try_from(reported).unwrap_or_default() & libc::SECCOMP_RET_DATA;
        Rule { answer: libc::SECCOMP_RET_TRAP | reported, ..Rule::allow(call) }
    }

    fn when(mut self, argument: u8, mask: u32, value: u32) -> Rule {
        if let Some(place) = self.when.iter_mut().find(|place| place.is_none()) {
            *place = Some((argument, mask, value));
        }
        self
    }
}

/// The machine's name for its system calls, as a filter is told.
const MACHINE: Option<u32> = match () {
    () if cfg!(target_arch = "x86_64") => Some(0xC000_003E),
    () if cfg!(target_arch = "aarch64") => Some(0xC000_00B7),
    () => None,
};

// Where what a filter decides by stands (`struct seccomp_data`), the low word of a number first, as on all of these machines.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const ARGUMENTS: u32 = 16;

/// The program for a list of rules: the first one that fits answers. Anything else is trapped.
fn program(machine: u32, rules: &[Rule]) -> Vec<libc::sock_filter> {
    let mut program = vec![load(ARCHITECTURE), jump_unless(machine, 0), answer(libc::SECCOMP_RET_KILL_PROCESS)];
    // The one jump over the answer rather than to it.
    if let Some(test) = program.get_mut(1) {
        (test.jt, test.jf) = (1, 0);
    }
    for rule in rules {
        let mut tests = vec![load(NUMBER), jump_unless(rule.call, 0)];
        for (argument, mask, value) in rule.when.into_iter().flatten() {
            tests.push(load(ARGUMENTS + 8 * u32::from(argument)));
            tests.push(statement(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, mask));
            tests.push(jump_unless(value, 0));
        }
        let length = tests.len();
        for (place, step) in tests.iter_mut().enumerate() {
            if step.code == jump_unless(0, 0).code {
                // Over the other tests and the answer. There are never more than a dozen.
                step.jf = u8::try_from(length - place).unwrap_or_default();
            }
        }
        program.extend(tests);
        program.push(answer(rule.answer));
    }
    program.push(answer(libc::SECCOMP_RET_TRAP));
    program
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

/// Goes on if it is this value, else jumps so far.
fn jump_unless(value: u32, over: u8) -> libc::sock_filter {
    libc::sock_filter { jf: over, ..statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, value) }
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

/// From now on a call that isn't allowed is answered for the loader, or told to the host before it ends this process.
fn hear_what_is_trapped() {
    // SAFETY: zeros are a `sigaction` that says nothing.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = trapped as *const () as usize;
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

/// The handler.
unsafe extern "C" fn trapped(_: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel hands over what it says of this signal, which is longer than what is read of it here.
    let trapped = unsafe { &*info.cast::<Trapped>() };
    // SAFETY: the kernel hands over the state of this thread.
    let context = unsafe { &mut *context.cast::<libc::ucontext_t>() };
    // SAFETY: the arguments are those of the call that was trapped.
    if let Some(answer) = unsafe { loaders(trapped.call.into(), registers::arguments(context)) } {
        registers::answer(context, answer);
        return;
    }
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

/// The answer to what the loader asks; nothing to anything else.
///
/// # Safety
/// The arguments are of such a call: what is a path there is a pointer to text. Somebody who passes another pointer crashes, as in the kernel
/// he would get an error.
unsafe fn loaders(call: libc::c_long, arguments: [u64; 4]) -> Option<i64> {
    let [descriptor, path, buffer, flags] = arguments;
    if path == 0 || !matches!(call, libc::SYS_openat | libc::SYS_newfstatat) {
        return None;
    }
    // SAFETY: as the caller says.
    let path = unsafe { CStr::from_ptr(path as *const libc::c_char) };
    let (empty_path, returned) = (libc::AT_EMPTY_PATH as u64, |value: libc::c_long| {
        // SAFETY: a number of this thread's.
        if value < 0 { -i64::from(unsafe { *libc::__errno_location() }) } else { value }
    });
    match call {
        libc::SYS_openat if path == LIBRARY_PATH && OPENING.load(Ordering::Relaxed) => {
            // SAFETY: numbers.
            Some(returned(unsafe { libc::syscall(libc::SYS_dup, LIBRARY) }))
        }
        // What `fstat` is in the C libraries of some years.
        libc::SYS_newfstatat if path.is_empty() && flags & empty_path != 0 => {
            // SAFETY: the caller's own pointer, which the kernel checks.
            Some(returned(unsafe { libc::syscall(libc::SYS_fstat, descriptor, buffer) }))
        }
        _ => None,
    }
}

/// Where a machine keeps the arguments of a system call, and its answer.
mod registers {
    #[cfg(target_arch = "x86_64")]
    pub(super) fn arguments(context: &libc::ucontext_t) -> [u64; 4] {
        let places = [libc::REG_RDI, libc::REG_RSI, libc::REG_RDX, libc::REG_R10];
        places.map(|place| context.uc_mcontext.gregs[place as usize].cast_unsigned())
    }

    #[cfg(target_arch = "x86_64")]
    pub(super) fn answer(context: &mut libc::ucontext_t, value: i64) {
        context.uc_mcontext.gregs[libc::REG_RAX as usize] = value;
    }

    #[cfg(target_arch = "aarch64")]
    pub(super) fn arguments(context: &libc::ucontext_t) -> [u64; 4] {
        std::array::from_fn(|place| context.uc_mcontext.regs[place])
    }

    #[cfg(target_arch = "aarch64")]
    pub(super) fn answer(context: &mut libc::ucontext_t, value: i64) {
        context.uc_mcontext.regs[0] = value.cast_unsigned();
    }

    /// There is no filter either.
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    pub(super) fn arguments(_: &libc::ucontext_t) -> [u64; 4] {
        [0; 4]
    }

    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    pub(super) fn answer(_: &mut libc::ucontext_t, _: i64) {}
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn the_loader_is_told_of_the_library_only() {
        let ask = |call, path: &CStr, flags: u64| {
            // SAFETY: zeros are a `stat`.
            let mut stat: libc::stat = unsafe { MaybeUninit::zeroed().assume_init() };
            // SAFETY: both pointers lead to what they should.
            unsafe { loaders(call, [0, path.as_ptr() as u64, (&raw mut stat) as u64, flags]) }
        };
        let empty_path = libc::AT_EMPTY_PATH as u64;
        assert!(ask(libc::SYS_openat, LIBRARY_PATH, 0).is_some());
        assert_eq!(ask(libc::SYS_newfstatat, c"", empty_path), Some(0));
        for (call, path, flags) in [
            (libc::SYS_openat, c"/etc/passwd", 0),
            (libc::SYS_openat, c"", 0),
            (libc::SYS_newfstatat, c"/etc/passwd", empty_path),
            (libc::SYS_newfstatat, c"", 0),
            (libc::SYS_socket, c"", empty_path),
        ] {
            assert_eq!(ask(call, path, flags), None, "{call} {path:?}");
        }
    }
}
