//! The command line as a whole: the commands and what they are for.

use super::{
    adopt, audit, bundle, change, check, completions, convert, demo, diff, doctor, drift, explain, fleet, hook, init,
    inventory, ledger, lint, man, matrix, names, permit, policy, preflight, push, query, rollback, schedule, schema,
    stage, trace, vet,
};
use clap::{CommandFactory, Parser, Subcommand};

/// The gate in front of a firewall push.
#[derive(Debug, Parser)]
#[command(
    name = "fwgate",
    version,
    about = "The gate in front of a firewall push",
    long_about = "fwgate reads firewall rulesets as the device would, proves what a change does to every possible packet, \
                  and refuses the change that breaks what must hold.",
    after_help = "Examples:\n  fwgate demo 1                                   see it refuse the change that caused an outage\n  fwgate init                                     begin in a repository of rulesets\n  fwgate check                                    judge what was edited\n  fwgate diff old.v4 new.v4                       see what a change does to packets\n\nExit codes:\n  0  asked and answered, nothing speaks against it\n  1  refused: a finding, or a difference (diff --exit-code)\n  \
                  2  no verdict: bad usage, input that is not understood, an internal error; treat it as a refusal",
    max_term_width = 110,
    propagate_version = false,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct CommandLine {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Say nothing on standard output but what `--format` asks for by name; errors are told, and the exit code is the answer
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Judge a change: does what must hold still hold, and does nothing else change
    Check(check::Arguments),
    /// A change and its life: announce, show, approve, reject, schedule, hold
    Change(change::Arguments),
    /// Show what a change does to packets: opened, closed, refused or translated otherwise
    Diff(diff::Arguments),
    /// Say what becomes of given packets, by which rule
    Trace(trace::Arguments),
    /// Look for rules that cannot matter, open policies, forgotten replies
    Lint(lint::Arguments),
    /// Ask which packets pass
    Query(query::Arguments),
    /// Draw who reaches whom with one service
    Matrix(matrix::Arguments),
    /// Look at the inventory beside policy and rules: ranges that nobody thought of
    Inventory(inventory::Arguments),
    /// Plan what names need: the order and the times of a renumbering
    Names(names::Arguments),
    /// Write a ruleset in fwgate's own format, as it was understood
    Convert(convert::Arguments),
    /// Explain a finding
    Explain(explain::Arguments),
    /// Begin in a repository: propose what must hold, or write the gate's first policy and its root
    Init(init::Arguments),
    /// Check a policy and say who can approve what by it
    Policy(policy::Arguments),
    /// Make what a device runs its baseline, by a quorum; applies nothing
    Adopt(adopt::Arguments),
    /// Let a device block nobody for a while
    Quarantine(adopt::QuarantineArguments),
    /// What git calls: on a server before it takes a push, and before a commit
    Hook(hook::Arguments),
    /// Let the ledger machine write down what it sees
    Ledger(ledger::Arguments),
    /// Say who decided what on which evidence, and whether it was right then
    Audit(audit::Arguments),
    /// Keep spare hardware loaded: write, verify, list and compare bundles
    Bundle(bundle::Arguments),
    /// Stage a change as its class demands: in a namespace, or on the device that stands for it
    Stage(stage::Arguments),
    /// Prove a change by the kernel itself, in a namespace of its own
    Vet(vet::Arguments),
    /// Show what is on its way and when, and what stands in each other's way
    Schedule(schedule::Arguments),
    /// Look at everything before a maintenance, and change nothing
    Preflight(preflight::Arguments),
    /// Ask whether a change may go now, and take the permit
    Permit(permit::Arguments),
    /// Push a permitted change, wave by wave
    Push(push::Arguments),
    /// Say where every device stands: what is in force since when, and which have not converged
    Fleet(fleet::Arguments),
    /// Find devices that run something else than they should
    Drift(drift::Arguments),
    /// Bring a device back to what was applied last: one operator, at any time
    Rollback(rollback::Arguments),
    /// Say what this machine, this repository or a forge's settings lack, and what mends it
    Doctor(doctor::Arguments),
    /// Play the incidents: what happened without the guard, and what happens with it
    Demo(demo::Arguments),
    /// Print the JSON Schema of an output
    Schema(schema::Arguments),
    /// Print what a shell needs to complete commands and options
    Completions(completions::Arguments),
    /// Print or write the manual pages
    Man(man::Arguments),
    /// What this program does inside of a namespace of its own
    #[command(hide = true)]
    InsideNamespace,
}

/// The declaration of the whole command line, for help, completions and documentation.
pub fn command() -> clap::Command {
    CommandLine::command()
}
