//! What was measured on, when and by which command.

use std::fs;

use anyhow::Result;

use crate::program::{Program, installed};

/// A line or two of Markdown.
pub(crate) fn describe() -> Result<String> {
    let cores = std::thread::available_parallelism()?;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let memory = field("/proc/meminfo", "MemTotal").and_then(|text| text.trim_end_matches(" kB").parse::<f64>().ok());
    let tools: Vec<String> = ["node", "curl"].into_iter().filter_map(version).collect();
    let options: Vec<String> = std::env::args().skip(1).collect();
    Ok(format!(
        "{date}, {cpu} ({architecture}), {cores} cores, {memory:.1} GB of memory, Linux {kernel}; {tools}. Command: `cargo run \
         --release -p carto-bench{options}`.",
        date = jiff::Timestamp::now().strftime("%-d %B %Y"),
        cpu = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "a CPU without a name".to_owned()),
        architecture = std::env::consts::ARCH,
        memory = memory.unwrap_or(f64::NAN) * 1024.0 / 1e9,
        kernel = kernel.trim_end(),
        tools = tools.join(", "),
        options = if options.is_empty() { String::new() } else { format!(" -- {}", options.join(" ")) },
    ))
}

/// A value of a file of `name: value` lines.
fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let mut fields = text.lines().filter_map(|line| line.split_once(':'));
    fields.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned())
}

/// A tool's name and version, if it is installed.
fn version(tool: &str) -> Option<String> {
    let said = Program::new(&installed(tool)?, &std::env::temp_dir()).word("--version").output().ok()?;
    let number =
        said.split_whitespace().find(|word| word.trim_start_matches('v').starts_with(|c: char| c.is_ascii_digit()));
    Some(format!("{tool} {}", number?.trim_start_matches('v')))
}
