//! Which system calls a worker may make: two filters, one before the library is opened and a stricter one afterwards. They are programs for
//! the kernel (seccomp). A call that isn't in the list is trapped: `trap` says what becomes of it.

// A system call for which there is no safe form.
#![allow(unsafe_code)]

use super::super::Level;
use super::descriptors::LIBRARY;
use super::trap;

/// The filter for the time while the library is opened. Everything before it needs more.
pub(super) fn before_opening() -> Result<(), String> {
    trap::hear();
    let mut rules = openings();
    rules.extend(everybodys());
    install(&rules)
}

/// The filter for the library's verbs.
pub(super) fn once_open(level: Level) -> Result<(), String> {
    trap::library_is_open();
    if level.has_filter() { install(&everybodys()) } else { Ok(()) }
}

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

#[cfg(test)]
mod tests;
