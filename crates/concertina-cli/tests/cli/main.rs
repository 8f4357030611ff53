//! The command as its users meet it: real processes in folders of their own.

mod commands;
mod help;
mod importing;
mod interrupts;
mod keeping;
mod listing;
mod support;
mod wrong_inputs;
